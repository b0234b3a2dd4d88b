"""Shells of an administrator that some other program gives away: pagers, editors, packers, databases' clients."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from ..model import Call, Hit, block, review

_FAMILY = "privilege"
_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ash", "ksh", "fish"})
_POWERS = frozenset({"sudo", "doas", "dzdo", "run0", "please"})
_RUNS_PROGRAMS = frozenset(
    """
        env strace ltrace nice ionice timeout stdbuf taskset setarch time unbuffer rlwrap busybox toybox flock watch
        xargs parallel find vim vi nvim awk gawk perl python python3 tar zip git ruby lua man less nmap ed gdb expect
        php node ld.so start-stop-daemon setpriv capsh mysql psql sqlite3 make rsync socat script
    """.split()
)
_GIVE_SHELLS = frozenset(
    """
        vim vi nvim view ex rvim vimdiff less more most pg man info nano pico ed red joe emacs mail mutt ftp sftp lftp
        rsync scp ssh ssh-keygen socat tcpdump nmap gdb lldb make cmake apt apt-get aptitude dpkg dnf yum zypper snap
        pip pip3 gem bundle npm composer cargo rake ansible ansible-playbook systemctl journalctl service mysql
        mariadb psql sqlite3 mongo mongosh redis-cli awk gawk mawk tar zip unzip 7z cpio git expect screen tmux puppet
        facter logrotate openvpn wget curl dmesg crontab visudo vipw split sed perlbug pry irb tclsh run-parts
        run-mailcap scanmem varnishncsa tshark wireshark zathura gimp mount logsave multitime pexec posh ip hping3 nft
        certbot docker-compose salt-call msgattrib mutagen ranger mc nnn dstat exiftool byebug cowsay cowthink dvips
        jjs
    """.split()
)
"""Programs that start a shell when they are told to by an option, by a line of theirs or by their input."""
_SEPARATORS = str.maketrans(dict.fromkeys("!:=;,\"'`()[]{}|&\\", " "))


def _names_shell(text: str) -> bool:
    """Whether a shell stands in a text by itself, without a command of its own behind it."""
    words = text.translate(_SEPARATORS).split()[:64]
    following = [*words[1:], ""]
    return any(
        word.rpartition("/")[2] in _SHELLS and after != "-c" for word, after in zip(words, following, strict=False)
    )


def _from_program(call: Call) -> Iterator[Hit]:
    """`sudo less`, told `!sh`: a program that is allowed, and a shell that it starts."""
    if call.name in _GIVE_SHELLS and not _POWERS.isdisjoint(call.wrappers):
        told = [text for text in call.argv if text not in _SHELLS]  # a package's or a file's name, not a command
        if any(_names_shell(text) for text in [*told, call.stdin.text]):
            yield block(_FAMILY, "becomes administrator through another program")


def _within_program(call: Call) -> Iterator[Hit]:
    """A shell without a command that another privileged program starts: no way that an administrator goes."""
    if call.name not in _SHELLS or call.operands or call.has("c"):
        return
    if not (_POWERS | {"pkexec"}).isdisjoint(call.wrappers) and not _RUNS_PROGRAMS.isdisjoint(call.wrappers):
        yield block(_FAMILY, "becomes administrator through another program")
    elif "pkexec" in call.wrappers:
        yield review(_FAMILY, "becomes administrator")


def _keeps_powers(call: Call) -> Iterator[Hit]:
    if call.name in _SHELLS and call.has("p") and not call.has("c") and not call.operands:
        yield block(_FAMILY, "keeps powers that a shell would lay down")


def _packer(call: Call) -> Iterator[Hit]:
    for text in call.argv:
        if text.startswith(("--checkpoint-action=exec", "--to-command=", "--use-compress-program=sh", "--rsh-command")):
            yield block(_FAMILY, "has a packer run a program")
    if call.name == "zip" and call.has("", "-TT", "--unzip-command"):
        yield block(_FAMILY, "has a packer run a program")


RULES: Mapping[str, Callable[[Call], Iterable[Hit]]] = {"tar": _packer, "zip": _packer}
ALWAYS: tuple[Callable[[Call], Iterable[Hit]], ...] = (_from_program, _within_program, _keeps_powers)
