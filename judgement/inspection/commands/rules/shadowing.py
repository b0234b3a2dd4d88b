"""Programs put in the place of those that everybody calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from ..model import Call, Hit, block
from ..targets import normal
from .written import HIDDEN_FOLDERS, on_machine, written_paths

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
        for written, _ in written_paths(call):
            path = on_machine(written)
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


def _alias(call: Call) -> Iterator[Hit]:
    """A name that everybody types, or a file of a temporary folder behind any name."""
    for text in call.argv:
        name, _, meant = text.partition("=")
        started = meant.strip("'\" ").split(" ")[0]
        if started.startswith(HIDDEN_FOLDERS) or (name in {"sudo", "su", "ssh", "passwd"} and "/" in started):
            yield block("persist", "puts itself in the place of a program of the system")


def _mounted_over(call: Call) -> Iterator[Hit]:
    target = normal(call.operands[-1], call.folder) + "/" if len(call.operands) > 1 else ""
    bound = call.has("B", "--bind", "--rbind") or "bind" in (call.option("-o", "--options") or "")
    if bound and target.startswith(("/usr/bin/", "/bin/", "/sbin/", "/usr/sbin/", "/lib/", "/usr/lib/", "/etc/")):
        yield block("persist", "puts itself in the place of a part of the system")


RULES: Mapping[str, Callable[[Call], Iterable[Hit]]] = {
    "update-alternatives": _alternatives,
    "alias": _alias,
    "mount": _mounted_over,
}
ALWAYS: tuple[Callable[[Call], Iterable[Hit]], ...] = ()
WRITING: tuple[Callable[[Call], Iterable[Hit]], ...] = (_shadows,)
