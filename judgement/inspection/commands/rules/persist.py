"""Persistence: what runs by itself later, or lets somebody in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from ..model import Call, Hit, block, review


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
    **dict.fromkeys(("at", "batch"), _at),
    **dict.fromkeys(("systemctl", "loginctl"), _systemctl),
    "systemd-run": _systemd_run,
    "launchctl": _launchctl,
    "git": _git_config,
    "ssh-copy-id": _ssh_copy_id,
    **dict.fromkeys(("update-rc.d", "rc-update"), _enabled_script),
}
ALWAYS: tuple[Callable[[Call], Iterable[Hit]], ...] = ()
