"""Programs of other purposes that run what an option of theirs says, and runners that no table names."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .inner import Inner
from .model import Call, Data

_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "tar": ("-I", "--use-compress-program", "--to-command", "--rsh-command", "-F", "--info-script"),
    "cargo": ("-s", "--shell"),
    "entr": ("-s",),
    "less": ("-c",),
    "sqlmap": ("--os-cmd",),
    "rsync": ("-e", "--rsh", "--rsync-path"),
    "scp": ("-S",),
    "sftp": ("-S",),
    "check_by_ssh": ("-o",),
    "split": ("--filter",),
    "sort": ("--compress-program",),
    "tcpdump": ("-z",),
    "dpkg": ("--pre-invoke", "--post-invoke"),
    "man": ("-P", "--pager", "-H", "--html"),
    "wget": ("--use-askpass",),
    "gcc": ("-wrapper",),
    "unison": ("-sshcmd", "-diff", "-merge"),
    "restic": ("--password-command",),
    "borg": ("--rsh", "--remote-path"),
    "rclone": ("--password-command",),
    "dhclient": ("-sf",),
    "openvpn": ("--up", "--down", "--tls-verify"),
    "pppd": ("connect", "disconnect", "pty"),
    "svn": ("--diff-cmd", "--editor-cmd", "--diff3-cmd"),
    "hg": ("--ssh",),
}
"""Options whose value is a program or a shell's text."""

_OF_GIT = frozenset({"core.pager", "core.editor", "core.sshcommand", "core.fsmonitor", "diff.external"})
_GIT_RUNS = {"bisect": "run", "submodule": "foreach"}
_GIT_OPTIONS = {
    "rebase": ("-x", "--exec"),
    "filter-branch": ("--tree-filter", "--index-filter", "--msg-filter", "--env-filter", "--commit-filter"),
    "difftool": ("-x", "--extcmd"),
    "grep": ("-O", "--open-files-in-pager"),
    "fetch": ("--upload-pack",),
    "pull": ("--upload-pack",),
    "ls-remote": ("--upload-pack",),
    "clone": ("-u", "--upload-pack"),
    "push": ("--receive-pack", "--exec"),
}


def _of_options(call: Call) -> Inner | None:
    scripts = call.options(*_OPTIONS[call.name])
    if call.name == "less":
        scripts = [Data(data.text[1:], data.labels) for data in scripts if data.text[:1] == "!"]
    if call.name == "gcc":
        scripts = [Data(data.text.removeprefix("sh,-c,").replace(",", " "), data.labels) for data in scripts]
    return Inner(scripts=scripts) if scripts else None


def _git(call: Call) -> Inner | None:
    """What git is told to run: by a setting for this once, by a sub-command, by an option of one."""
    scripts: list[Data] = []
    for data in call.options("-c"):
        name, _, held = data.text.partition("=")
        if name.lower() in _OF_GIT or (name.startswith("alias.") and held[:1] == "!"):
            scripts.append(Data(held.lstrip("!"), data.labels))
    runs = [word for verb, word in _GIT_RUNS.items() if verb in call.argv and word in call.argv]
    commands = [call.args[call.argv.index(word) + 1 :] for word in runs]
    for verb, options in _GIT_OPTIONS.items():
        if verb in call.operands[:1]:
            scripts += call.options(*options)
    scripts += [fields[0].data for fields in commands if len(fields) == 1]
    return Inner(commands, scripts) if scripts or commands else None


def _apt(call: Call) -> Inner | None:
    """A package manager's hooks, set for this once."""
    held = [data.text.partition("=") for data in call.options("-o", "--option")]
    scripts = [Data(text) for name, _, text in held if "invoke" in name.lower() or name.lower().endswith("::options::")]
    return Inner(scripts=scripts) if scripts else None


def _rpm(call: Call) -> Inner | None:
    """A macro that a shell expands: `%(…)`."""
    scripts = call.options("--pipe")
    for data in call.options("--eval", "-E", "--define", "-D"):
        _, found, inner = data.text.partition("%(")
        scripts += [Data(inner.removesuffix(")"))] if found else []
    return Inner(scripts=scripts) if scripts else None


def _make(call: Call) -> Inner | None:
    scripts = [Data(text.partition("=")[2]) for text in call.argv if text.startswith("SHELL=")]
    for data in call.options("--eval", "-E"):
        _, found, inner = data.text.partition("$(shell ")
        scripts += [Data(inner.removesuffix(")") if found else data.text.rpartition("\t")[2])]
    return Inner(scripts=scripts) if scripts else None


def _bus(call: Call) -> Inner | None:
    """A bus whose address is a program: `unixexec:path=…,argv1=…`."""
    parts = [part.partition("=") for data in call.options("--address") for part in data.text.split(",")]
    words = [held for name, _, held in parts if name.endswith("path") or name.startswith("argv")]
    quoted = [f"'{word}'" if " " in word else word for word in words]
    return Inner(scripts=[Data(" ".join(quoted))]) if words else None


_SPEAKERS = frozenset(
    """
        echo printf print grep egrep fgrep rg ag ack man tldr info which whereis type whatis apropos cheat howdoi help
        logger notify-send say espeak wall write cowsay figlet banner toilet gum dialog whiptail zenity history fc
        test [ [[ expr alias unalias unset export declare typeset local readonly read set shift return exit cd pushd
        source . let : true false = case trap ls ll stat file du df cat less more head tail bat tac nl wc sort uniq
        cut tr sed gsed awk gawk mawk diff cmp comm cp mv ln rm rmdir mkdir touch chmod chown chgrp install shred
        unlink truncate tar zip unzip gzip 7z 7za rsync scp sftp cpio dd tee readlink realpath basename dirname md5sum
        sha256sum jq yq apt apt-get aptitude dpkg dnf yum rpm apk pacman zypper brew snap port pkg emerge winget choco
        scoop pip pip3 npm yarn pnpm cargo gem go composer dpkg-query apt-cache hash command-not-found git gh glab hg
        svn vim vi nano emacs code pkill pgrep killall kill pidof ps top htop systemctl service journalctl docker
        podman kubectl oc helm terraform curl wget lsof fuser strings shellcheck shfmt ausearch auditctl update-rc.d
        update-alternatives dpkg-divert setcap getcap find fd locate plocate xargs make cmake ninja ctest rpmbuild
        dpkg-buildpackage debuild ldd nm objdump hash getfacl setfacl chattr lsattr mktemp select-string findstr
        get-command get-help remove-item crontab sudoers visudo groff col column paste join fold fmt xxd od hexdump
        base64 complete compgen pytest jest vitest bats rspec assert expect_output bind enable ulimit umask
        getopts mapfile readarray yes seq sleep date wait jobs fg bg
    """.split()
)
"""Programs whose words are no commands, however they read."""

_DOERS = frozenset(
    """
        rm dd shred mkfs wipefs blkdiscard sh bash zsh dash ksh fish curl wget nc ncat netcat socat find chmod chown
        killall pkill python python3 perl ruby node php lua scp rsync sudo su doas
        nohup xargs unlink crontab useradd usermod iptables systemctl nsenter chroot
        insmod modprobe docker kubectl terraform dropdb psql mysql redis-cli mongosh busybox
    """.split()
)
_TELLING = frozenset(
    """
        -c -e -s -x -C -a -r --exec --command --cmd --run --wrap --script --shell --execute exec run spawn add submit
        -exec --eval --hook --on-change --action --pre --post --call dispatch stuff ExecStart -template
    """.split()
)


def unnamed(call: Call) -> Inner | None:
    """What a program that no table names runs: its last words, where one is a program's name, or a told text.

    Words count from the first that is a well-known program; a text of several words counts behind an option or a
    sub-command by which programs are told to run something.
    """
    if call.name in _SPEAKERS:
        return None
    for at, arg in enumerate(call.args[:12]):
        option, _, held = arg.text.partition("=")
        told = option in _TELLING or option == "COMMAND"
        text = (held if told else arg.text).strip()
        first, _, more = text.partition(" ")
        if first.rpartition("/")[2] not in _DOERS:
            continue
        if more and (told or not at or call.argv[at - 1] in _TELLING or call.argv[at - 1][:1] != "-"):
            return Inner(scripts=[Data(text, arg.data.labels)])
        if not more and not held and at + 1 < len(call.args) and (at == 0 or call.argv[at - 1] not in {"-n", "--name"}):
            return Inner([call.args[at:]])
    return None


WRAPPERS: Mapping[str, Callable[[Call], Inner | None]] = {
    **dict.fromkeys(_OPTIONS, _of_options),
    "git": _git,
    **dict.fromkeys(("apt", "apt-get", "aptitude"), _apt),
    **dict.fromkeys(("rpm", "rpmbuild", "rpmspec"), _rpm),
    **dict.fromkeys(("make", "gmake"), _make),
    **dict.fromkeys(("busctl", "systemctl", "loginctl", "hostnamectl"), _bus),
}
