"""Covered tracks: histories, logs and audits wiped, forged or switched off."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from ..model import UNKNOWN, Call, Hit, block, review
from ..targets import is_history, is_log, is_system_log, normal


def _history(call: Call) -> Iterator[Hit]:
    if call.has("cd") or "clear" in call.operands or "delete" in call.operands:
        yield block("cover_tracks", "wipes the shell's history")


def _fc(call: Call) -> Iterator[Hit]:
    if call.has("pW"):
        yield review("cover_tracks", "sets the shell's history aside")


def _unset(call: Call) -> Iterator[Hit]:
    if any(name in {"HISTFILE", "HISTSIZE", "HISTFILESIZE", "SAVEHIST", "PROMPT_COMMAND"} for name in call.operands):
        yield block("cover_tracks", "switches the shell's history off")


def _set(call: Call) -> Iterator[Hit]:
    if "history" in call.operands and "+o" in call.argv:
        yield block("cover_tracks", "switches the shell's history off")


def _shopt(call: Call) -> Iterator[Hit]:
    if "history" in call.operands and call.has("u"):
        yield block("cover_tracks", "switches the shell's history off")
    elif "histappend" in call.operands and call.has("u"):
        yield review("cover_tracks", "alters how the shell keeps its history")


_LOADED_FROM = frozenset(
    "LD_LIBRARY_PATH LD_AUDIT GCONV_PATH PYTHONPATH PERL5LIB PERL5OPT RUBYLIB BASH_ENV PYTHONSTARTUP".split()
)
"""Variables that say where a program finds code that it loads."""


def _is_open(folder: str) -> bool:
    """Whether it is a folder where everybody may write; `.` counts for what is started by another."""
    return folder.startswith(("/tmp", "/dev/shm", "/var/tmp")) or folder in {".", "./"}  # noqa: S108 (patterns)


def _assigned(call: Call) -> Iterator[Hit]:
    """`NAME=value` in all its forms."""
    for text in call.argv:
        name, equals, held = text.partition("=")
        if not equals:
            continue
        off = held.strip("'\" ") in {"", "0", "/dev/null"}
        if (
            (name in {"HISTFILE", "HISTSIZE", "HISTFILESIZE", "SAVEHIST"} and off)
            or (name == "HISTIGNORE" and held.strip("'\"") in {"*", "*:*", "?*"})
            or (name == "PROMPT_COMMAND" and ("history -c" in held or "/dev/null" in held))
        ):
            yield block("cover_tracks", "switches the shell's history off")
        elif name == "HISTCONTROL" and call.name == "export" and held == "ignorespace:erasedups":
            yield review("cover_tracks", "alters how the shell keeps its history")
        elif name in _LOADED_FROM and _is_open(held) and (call.name in {"sudo", "doas", "pkexec"} or name[:2] != "PY"):
            yield review("privilege", "has a program load foreign code")
        elif name in {"GOINSECURE", "GOFLAGS"} and held in {"*", "-insecure", "*/*"}:
            yield review("download_execute", "installs packages fetched without protection")
        elif name == "LD_PRELOAD" and held and held.startswith(("/tmp", "/dev/shm", "/var/tmp", ".")):  # noqa: S108 (a pattern)
            yield block("persist", "loads foreign code into every program")
        elif (
            name in {"NODE_TLS_REJECT_UNAUTHORIZED", "PYTHONHTTPSVERIFY", "GIT_SSL_NO_VERIFY"}
            and call.name == "export"
            and held in {"0", "1", "true"}
        ):
            yield block("disable_security", "switches certificate checks off")


def _journalctl(call: Call) -> Iterator[Hit]:
    for text in call.argv:
        name, _, held = text.partition("=")
        if name.startswith("--vacuum"):
            held = held or (call.option(name) or "")
            if (
                held.rstrip("smhKMB ").isdigit()
                and not held.endswith(("weeks", "d", "G"))
                and not (held.endswith("M") and held[2:])
            ):
                yield block("cover_tracks", "empties the journal")


def _dmesg(call: Call) -> Iterator[Hit]:
    if call.has("Cc", "--clear", "--read-clear"):
        yield block("cover_tracks", "clears the kernel's messages")


def _auditctl(call: Call) -> Iterator[Hit]:
    if call.has("D"):
        yield block("cover_tracks", "deletes the audit's rules")
    if "never" in " ".join(call.argv):
        yield block("cover_tracks", "takes events out of the audit")
    if call.option("-e") == "0":
        yield block("disable_security", "switches the audit off")


def _touch(call: Call) -> Iterator[Hit]:
    if call.has("r", "--reference") and len(call.operands) > 1:
        _reference, *targets = call.operands
        if any(normal(path).startswith(("/bin", "/usr", "/etc", "/lib", "/var/log")) for path in targets):
            yield block("cover_tracks", "forges a file's times")
    elif (call.has("td", "--date")) and any(
        normal(p).startswith(("/var/log", "/bin", "/usr/bin", "/etc")) for p in call.operands
    ):
        yield block("cover_tracks", "forges a file's times")


def _log_editors(call: Call) -> Iterator[Hit]:
    if any(is_log(made.path) or is_history(made.path) for made in call.outputs):
        yield block("cover_tracks", "rewrites a log")


def _logrotate(call: Call) -> Iterator[Hit]:
    if call.has("f", "--force"):
        yield review("cover_tracks", "turns the logs over by force")


def _rewrites(call: Call) -> Iterator[Hit]:
    """Whatever program writes a log of the system anew: only the system writes there."""
    paths = [made.path for made in call.outputs if not made.appends]
    if call.name in {"tee", "sponge"} and not call.has("a", "--append"):
        paths += call.operands
    elif call.name in {"cp", "mv", "install", "rsync"} and len(call.operands) > 1:
        paths.append(call.operands[-1])
    emptied = call.stdin.known and not call.stdin.text.strip() and not call.stdin.labels
    emptied = emptied or "/dev/null" in [*call.operands, *call.inputs]
    for path in paths:
        if is_system_log(path, call.folder):
            yield block("cover_tracks", "writes a log of the system anew")
        elif emptied and call.name in {"tee", "sponge", "install"} and is_log(path, call.folder):
            yield block("cover_tracks", "empties a log or a history")


def _protected(call: Call) -> Iterator[Hit]:
    """A log or history that can't be written any more."""
    changed = [text for text in call.argv if text[:1] in "+-=" and set(text[1:]) & set("ia")]
    if changed and any(is_log(path, call.folder) for path in call.operands):
        yield block("cover_tracks", "keeps a log or a history from being written")


def _is_process(path: str) -> bool:
    return path.startswith("/proc/") and (path[6:].isdigit() or path[6:] == UNKNOWN)


def _mounted(call: Call) -> Iterator[Hit]:
    if call.operands and is_log(call.operands[-1], call.folder):
        yield block("cover_tracks", "hides logs under a mount")
    elif call.operands and _is_process(normal(call.operands[-1], call.folder)):
        yield block("cover_tracks", "hides a process under a mount")


def _lastlog(call: Call) -> Iterator[Hit]:
    if call.has("CSr", "--clear", "--set", "--reset"):
        yield block("cover_tracks", "clears the record of logins")


RULES: Mapping[str, Callable[[Call], Iterable[Hit]]] = {
    "history": _history,
    "fc": _fc,
    "unset": _unset,
    "set": _set,
    "shopt": _shopt,
    "=": _assigned,
    "export": _assigned,
    "declare": _assigned,
    "typeset": _assigned,
    "readonly": _assigned,
    "local": _assigned,
    **dict.fromkeys(("env", "sudo", "doas"), _assigned),
    "chattr": _protected,
    "mount": _mounted,
    "lastlog": _lastlog,
    "faillog": _lastlog,
    "faillock": _lastlog,
    "journalctl": _journalctl,
    "dmesg": _dmesg,
    "auditctl": _auditctl,
    "touch": _touch,
    "utmpdump": _log_editors,
    "logrotate": _logrotate,
}
ALWAYS: tuple[Callable[[Call], Iterable[Hit]], ...] = ()
WRITING: tuple[Callable[[Call], Iterable[Hit]], ...] = (_rewrites,)
