"""Persistence: what runs by itself later, or lets somebody in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from ..model import Call, Hit, block, review
from .written import HIDDEN_FOLDERS


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


_RUN_BY_GIT = frozenset(
    """
        core.hookspath init.templatedir core.sshcommand core.fsmonitor core.pager core.editor credential.helper
    """.split()
)


_HIDDEN = tuple(folder.rstrip("/") for folder in HIDDEN_FOLDERS)
_MARKS = (*_HIDDEN, "/.cache/", "/.h", "sh -c", "curl", "wget", "nc ", "/dev/tcp")


def _starts_itself(call: Call) -> bool:
    """Whether a name of git's is set to start itself more than once."""
    names = {text.partition(".")[2]: text for text in call.operands if text.startswith("alias.")}
    return any(" ".join(call.operands).count(f"git {name}") > 1 for name in names)


def _git_config(call: Call) -> Iterator[Hit]:
    words = call.operands
    if "config" in words and _starts_itself(call):
        yield block("exhaust", "a name that starts itself again and again")
    if "config" in words and call.has("", "--system") and any(word.lower() in _RUN_BY_GIT for word in words[:-1]):
        yield block("persist", "makes each use of git by anybody run something")
    for word in words if "config" in words else ():
        aliased = word.startswith("alias.")
        if not aliased and word.lower() not in _RUN_BY_GIT:
            continue
        hidden = any(mark in text for text in words for mark in _MARKS)
        everywhere = not aliased or call.has("", "--global", "--system")
        if (hidden and everywhere) or (not aliased and any("!" in text for text in words)):
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
    **dict.fromkeys(("at", "batch"), _at),
    **dict.fromkeys(("systemctl", "loginctl"), _systemctl),
    "systemd-run": _systemd_run,
    "launchctl": _launchctl,
    "git": _git_config,
    "ssh-copy-id": _ssh_copy_id,
    **dict.fromkeys(("update-rc.d", "rc-update"), _enabled_script),
}
ALWAYS: tuple[Callable[[Call], Iterable[Hit]], ...] = ()
