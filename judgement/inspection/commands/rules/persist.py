"""Persistence: what runs by itself later, or lets somebody in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from ..globs import any_of
from ..model import HOME, UNKNOWN, Call, Hit, block, review
from ..targets import normal

_START_FILES = tuple(
    """
    /etc/crontab /etc/cron.*/* /etc/cron.* /var/spool/cron /var/spool/cron/* /etc/anacrontab /etc/systemd/system/*
    /etc/systemd/user/* /lib/systemd/system/* /usr/lib/systemd/* /run/systemd/system/* /etc/init.d/* /etc/rc.local
    /etc/rc*.d/* /etc/inittab /etc/profile /etc/profile.d/* /etc/bash.bashrc /etc/bashrc /etc/zsh/* /etc/zshrc
    /etc/environment /etc/ld.so.preload /etc/ld.so.conf.d/* /etc/pam.d/* /etc/udev/rules.d/* /etc/modules
    /etc/modules-load.d/* /etc/update-motd.d/* /etc/xdg/autostart/* /etc/apt/apt.conf.d/*
    /etc/NetworkManager/dispatcher.d/* */security/pam_*.so */site-packages/*.pth */dist-packages/*.pth
    */sitecustomize.py */usercustomize.py /etc/skel/* /etc/X11/Xsession.d/* /etc/initramfs-tools/*
    /etc/dracut.conf.d/* /etc/network/if-*.d/* /etc/dhcp/dhclient-*-hooks.d/* /usr/lib/systemd/* /etc/kernel/*.d/*
    */.ssh/environment /etc/ssh/sshrc /usr/share/git-core/templates/hooks/* /Library/LaunchDaemons/*
    /Library/LaunchAgents/* /root/.ssh/authorized_keys* */.ssh/authorized_keys* */.ssh/rc */.config/autostart/*
    */.config/autostart */.config/systemd/user/* */Library/LaunchAgents/* */etc/crontab */etc/cron.d/* /etc/at.allow
    /etc/supervisor/conf.d/* /etc/supervisord.d/* /etc/monit/* /etc/runit/* /etc/sv/* /etc/s6/* /etc/binfmt.d/*
    /etc/logrotate.d/* /etc/inetd.conf /etc/xinetd.d/* /etc/init/* /var/lib/dpkg/info/*inst /var/lib/dpkg/info/*rm
    /etc/incron.d/* /var/spool/incron/* /etc/ld.so.conf /etc/gdm*/*/Default /etc/lightdm/* /etc/acpi/* /etc/ppp/ip-up*
    /etc/network/interfaces /etc/network/interfaces.d/* /etc/rsyncd.conf /etc/openvpn/*-up* */.config/environment.d/*
    */.config/plasma-workspace/env/* */.xsession* */Library/StartupItems/* /etc/periodic/* /etc/emond.d/*
    */.config/upstart/* /etc/pacman.d/hooks/* /etc/yum/pluginconf.d/*
""".split()
)
_USER_START = tuple(
    """
    /.bashrc /.bash_profile /.profile /.zshrc /.zprofile /.zshenv /.bash_login /.bash_aliases /.bash_logout /.xinitrc
    /.xprofile /profile.ps1 /.config/fish/config.fish /.vimrc /.emacs /.emacs.d/init.el /.config/nvim/init.vim
    /.config/nvim/init.lua /.tmux.conf /.screenrc /.gdbinit /.inputrc /.psqlrc /.pythonrc /.Rprofile /.irbrc
    /.ssh/config /etc/ssh/ssh_config /.gitconfig /.claude/settings.json /.claude/settings.local.json /.mcp.json
    /.codex/config.toml /.cursor/mcp.json /.vscode/tasks.json /.vscode/settings.json /.envrc /.npmrc /.pdbrc
""".split()
)
_STARTERS = (
    "iex",
    "iwr ",
    "invoke-",
    "irm ",
    "start-process",
    "/tmp/",  # noqa: S108
    "/dev/shm",  # noqa: S108
    "/var/tmp",  # noqa: S108
    "nc ",
    "/dev/tcp",
    "curl ",
    "wget ",
    "alias sudo",
    "alias ssh",
    "alias su=",
    "LD_PRELOAD",
    "eval ",
    "base64",
    "nohup",
    "python",
    "perl ",
    "bash -i",
    "socat",
    "PROMPT_COMMAND",
    "trap ",
    "rm -rf",
    "| sh",
    "| bash",
    "ssh()",
    "sudo()",
    "source /",
    "HISTFILE",
    "HISTSIZE",
    "HISTCONTROL",
    "wget",
    "/dev/udp",
    ". /",
    "proxycommand sh",
    "proxycommand bash",
    'match exec "/tmp',
    "localcommand ",
    '(load "/',
    "hookspath",
)
_HARMLESS_START = (
    "ssh-agent",
    "pyenv",
    "direnv",
    "starship",
    "rbenv",
    "nodenv",
    "zoxide",
    "brew shellenv",
    "dircolors",
    "fnm env",
    "mise activate",
    "completion",
    "kubectl",
    "nvm.sh",
    "cargo/env",
    "goenv",
    "jenv",
    "mcfly",
    "atuin",
    "thefuck",
    "conda",
    "virtualenvwrapper",
    "fzf",
    "ssh -",
    "alias k=",
)
_AUTH_FILES = tuple(
    """
    /etc/sudoers /etc/doas.conf /etc/passwd /etc/shadow /etc/group /etc/gshadow /etc/polkit-1/rules.d /etc/security
    /etc/nsswitch.conf
""".split()
)
_GUARD_FILES = tuple(
    """
    /etc/ssh/sshd_config /etc/selinux/config /etc/hosts.allow /etc/hosts.deny /etc/hosts /etc/resolv.conf
    /etc/apparmor.d /etc/audit /etc/rsyslog /etc/ufw /etc/iptables /etc/nftables.conf /etc/default/grub
    /etc/sysctl.conf /etc/sysctl.d /etc/modprobe.d /etc/clamav /etc/firewalld /etc/crowdsec /etc/rsyslog.d
    /etc/systemd/journald.conf /etc/aide /etc/ssl/openssl.cnf /etc/fail2ban /usr/local/share/ca-certificates
    /etc/ssl/certs /etc/pki/ca-trust
""".split()
)


_is_start_file = any_of(_START_FILES)


def written_paths(call: Call) -> Iterator[tuple[str, str]]:
    """Each path that a call writes, with the text that goes there as far as it is known."""
    for made in call.outputs:
        yield normal(made.path, call.folder), made.data.text
    operands = call.operands
    if call.name in {"tee", "sponge"}:
        yield from ((normal(path, call.folder), call.stdin.text) for path in operands)
    elif call.name in {"cp", "mv", "ln", "install", "rsync", "scp", "ditto"} and len(operands) > 1:
        ending = operands[-1].endswith("/") or call.option("-t", "--target-directory") is not None
        yield normal(operands[-1], call.folder) + ("/x" if ending else ""), UNKNOWN
    elif call.name in {"sed", "gsed", "perl"} and any(
        t[:2] == "-i" or t.startswith("--in-place") or (t[:1] == "-" and t[1:2] != "-" and "i" in t) for t in call.argv
    ):
        program = " ".join(call.argv)
        yield from ((normal(path, call.folder), program) for path in operands if "/" in path or path.startswith("."))
    elif call.name in {"curl", "wget"}:
        named = call.option("-o", "-O", "--output", "--output-document")
        if named and named.startswith(("/", "~", HOME)):
            yield normal(named, call.folder), UNKNOWN
    elif call.name in {"add-content", "set-content", "out-file"} and operands:
        yield normal(operands[0], call.folder), " ".join([*operands[1:], call.stdin.text])
    elif call.name == "dd":
        yield from ((normal(t[3:], call.folder), UNKNOWN) for t in call.argv if t.startswith("of="))


def _persists(path: str, text: str) -> Iterator[Hit]:
    if _is_start_file(path):
        yield block("persist", "leaves something that runs by itself or lets somebody in later")
    elif path.endswith(_USER_START) or "/profile.ps1." in path:
        lowered = text.lower()
        if any(mark in text or mark in lowered for mark in _STARTERS) and not any(
            mark in text for mark in _HARMLESS_START
        ):
            yield block("persist", "makes each new shell run something hidden")
    elif "/.git/hooks/" in path or path.startswith(".git/hooks/"):  # noqa: SIM102
        if any(mark in text for mark in ("curl", "wget", "/dev/tcp", "nc ", "base64", "/tmp/")):  # noqa: S108 (patterns)
            yield block("persist", "makes each use of git run something hidden")


_HIDDEN_FOLDERS = ("/tmp/", "/var/tmp/", "/dev/shm/")  # noqa: S108 (patterns)


def _hook_copied(call: Call) -> Iterator[Hit]:
    """A file of a temporary folder, put where git runs it."""
    hooks = [path for path, _ in written_paths(call) if "/.git/hooks/" in f"/{path}"]
    sources = [normal(path, call.folder) for path in call.operands[:-1]]
    if hooks and call.name in {"cp", "mv", "ln", "install"} and any(s.startswith(_HIDDEN_FOLDERS) for s in sources):
        yield block("persist", "makes each use of git run something hidden")


_CORE_PROGRAMS = frozenset(
    """
        ls ps sudo su ssh sshd login passwd bash sh cat grep find top netstat ss lsof who w last id env date crontab
        systemctl ping curl wget git python3 mount cp mv rm chmod chown kill pam_unix.so cron agetty
    """.split()
)
_INSTALLED = ("/usr/", "/bin/", "/sbin/", "/opt/", "/snap/", "/nix/", "/etc/alternatives/")
_PROGRAM_FOLDERS = ("/usr/local/bin/", "/usr/local/sbin/", "/usr/bin/", "/usr/sbin/", "/bin/", "/sbin/")


_COPIERS = frozenset({"cp", "mv", "ln", "install"})


def _same_program(source: str, target: str) -> bool:
    """Whether an installed program is copied to another place or version of itself: `python3.11` is `python3`."""
    held, named = (path.rstrip("/").rpartition("/")[2] for path in (source, target))
    stem = named.rstrip("0123456789.-")
    return named not in _CORE_PROGRAMS or held.startswith(stem) or named == "sh" or held == "busybox"


def _shadows(call: Call) -> Iterator[Hit]:
    """A program that takes the place of one that everybody calls."""
    source, target = (call.operands[0], call.operands[-1]) if call.operands else ("", "")
    installed = call.name in _COPIERS and source.startswith(_INSTALLED) and _same_program(source, target)
    if (call.name in _COPIERS or call.name in {"curl", "wget"}) and not installed:
        for path, _ in written_paths(call):
            name = path.rpartition("/")[2]
            if path.startswith(_PROGRAM_FOLDERS) and (name in _CORE_PROGRAMS or _from_scratch(call, path, name)):
                yield block("persist", "puts itself in the place of a program of the system")


def _from_scratch(call: Call, path: str, name: str) -> bool:
    """Whether a file of a temporary folder goes into a folder of programs under the name of one of them."""
    sources = {source.rpartition("/")[2] for source in call.operands[:-1] if source.startswith(("/tmp/", "/dev/shm/"))}  # noqa: S108
    return name == "x" and path.endswith("/x") and bool(sources & _CORE_PROGRAMS)


def _alternatives(call: Call) -> Iterator[Hit]:
    if call.has("", "--install", "--set") and any(
        text.startswith(("/tmp/", "/dev/shm/", "/var/tmp/", "/home/"))  # noqa: S108
        for text in call.operands
    ):
        yield block("persist", "puts something in the place of a program of the system")


def _writes(call: Call) -> Iterator[Hit]:
    yield from _shadows(call)
    yield from _hook_copied(call)
    for path, text in written_paths(call):
        yield from _persists(path, text)
        if path.startswith(_AUTH_FILES):
            yield block("privilege", "changes who may do what on the machine")
        elif path.startswith(_GUARD_FILES) and not path.endswith((".bak", ".orig")):
            yield block("disable_security", "changes a file that guards the machine")
        elif path.startswith(
            ("/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/sys/kernel/uevent_helper")
        ) or path.endswith(("/release_agent", "/notify_on_release")):
            yield block("escape", "makes the host's kernel run a program")


def _removes(call: Call) -> Iterator[Hit]:
    if any(normal(path, call.folder).startswith(_GUARD_FILES) for path in call.operands):
        yield block("disable_security", "removes a file that guards the machine")


def _alias(call: Call) -> Iterator[Hit]:
    """A name that everybody types, or a file of a temporary folder behind any name."""
    for text in call.argv:
        name, _, meant = text.partition("=")
        started = meant.strip("'\" ").split(" ")[0]
        if started.startswith(_HIDDEN_FOLDERS) or (name in {"sudo", "su", "ssh", "passwd"} and "/" in started):
            yield block("persist", "puts itself in the place of a program of the system")


def _mounted_over(call: Call) -> Iterator[Hit]:
    target = normal(call.operands[-1], call.folder) + "/" if len(call.operands) > 1 else ""
    bound = call.has("B", "--bind", "--rbind") or "bind" in (call.option("-o", "--options") or "")
    if bound and target.startswith(("/usr/bin/", "/bin/", "/sbin/", "/usr/sbin/", "/lib/", "/usr/lib/", "/etc/")):
        yield block("persist", "puts itself in the place of a part of the system")


def _crontab(call: Call) -> Iterator[Hit]:
    if call.has("l", "--help", "-V"):
        return
    if call.has("r"):
        yield block("destroy_files", "deletes all scheduled jobs")
    else:
        yield block("persist", "changes what runs by itself")


def _at(call: Call) -> Iterator[Hit]:
    if not call.has("lcV", "-l") and (call.operands or call.name == "batch") and (call.stdin.text or call.has("f")):
        yield review("persist", "has something run later")


def _systemctl(call: Call) -> Iterator[Hit]:
    words = call.operands
    if words[:1] in (["enable"], ["link"], ["edit"]) and any(
        text.startswith(("/tmp", "/dev/shm", "/home", "./", "/var/tmp"))  # noqa: S108
        for text in words
    ):
        yield block("persist", "starts something from outside the system by itself")
    if words[:1] == ["edit"] and call.stdin.text.strip():
        yield review("persist", "changes what runs by itself")
    if "enable-linger" in words:
        yield review("persist", "lets somebody's programs run without a login")
    if words[:1] == ["set-environment"]:
        yield review("persist", "changes the environment of all services")


def _launchctl(call: Call) -> Iterator[Hit]:
    if call.operands[:1] in (["load"], ["bootstrap"], ["submit"]):
        yield review("persist", "has something start with the machine")


def _systemd_run(call: Call) -> Iterator[Hit]:
    if any(text.startswith(("--on-", "--timer-property")) for text in call.argv):
        yield block("persist", "has something run by itself")


def _git_config(call: Call) -> Iterator[Hit]:
    words = call.operands
    if "config" in words:
        for word in words:
            if word.lower().startswith("alias.") or word.lower() in {
                "core.hookspath",
                "init.templatedir",
                "core.sshcommand",
                "core.fsmonitor",
                "core.pager",
                "core.editor",
                "credential.helper",
            }:
                hidden = (
                    any(
                        mark in text
                        for text in words
                        for mark in ("/tmp", "/dev/shm", "/var/tmp", "sh -c", "curl", "wget", "nc ", "/dev/tcp")  # noqa: S108
                    )
                    or (word.lower()[:6] != "alias." and any("!" in text for text in words))
                )
                if hidden and (word.lower()[:6] != "alias." or call.has("", "--global", "--system")):
                    yield block("persist", "makes each use of git run something hidden")
    held = " ".join(data.text for data in call.options("-c"))
    if (
        any(mark in held.lower() for mark in ("core.sshcommand=", "core.fsmonitor=", "core.pager=!", "alias."))
        and "!" in held
    ):
        yield block("persist", "makes git run something hidden")


def _ssh_copy_id(call: Call) -> Iterator[Hit]:
    key = call.option("-i") or ""
    if any("localhost" in text or "127.0.0.1" in text for text in call.operands) or key.startswith(
        ("/tmp", "/dev/shm")  # noqa: S108
    ):
        yield block("persist", "lets somebody in later")


def _enabled_script(call: Call) -> Iterator[Hit]:
    if "defaults" in call.operands or "enable" in call.operands or call.has("", "--add"):
        yield block("persist", "has something start with the machine")


RULES: Mapping[str, Callable[[Call], Iterable[Hit]]] = {
    **dict.fromkeys(("crontab", "incrontab", "fcrontab"), _crontab),
    "alias": _alias,
    "mount": _mounted_over,
    **dict.fromkeys(("rm", "unlink"), _removes),
    **dict.fromkeys(("at", "batch"), _at),
    **dict.fromkeys(("systemctl", "loginctl"), _systemctl),
    "systemd-run": _systemd_run,
    "launchctl": _launchctl,
    "update-alternatives": _alternatives,
    "git": _git_config,
    "ssh-copy-id": _ssh_copy_id,
    **dict.fromkeys(("update-rc.d", "rc-update"), _enabled_script),
}
ALWAYS: tuple[Callable[[Call], Iterable[Hit]], ...] = ()
WRITING: tuple[Callable[[Call], Iterable[Hit]], ...] = (_writes,)
