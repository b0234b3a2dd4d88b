"""The processes' logs: one file a service, in one form, read newest first within bounds.

`logs/SERVICE.log` is written by that service; `SERVICE.log.1` and `.2` are older parts of it. An entry begins with a
line of the form that `line` makes; indented lines after it belong to it, and so does anything else that a process (or a
library in it) printed in between.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from .lines import Budget, ExhaustedError, backwards

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
MOST_BYTES = 67_108_864
MOST_S = 2.0
MOST_CHARS = 4000
_SUFFIX = ".log"
_OLDER = 9
_TIME_BYTES = 24
_MOST_LINES = 200


@dataclass(frozen=True, slots=True)
class Entry:
    """What a service logged.

    Args:
        time: ISO 8601 in UTC, to the millisecond; None for lines before any entry, as of a crash at the start.
        service: whose log it is, as in `safety-0`.
        level: one of `LEVELS`, or None likewise.
        message: logger and text; at most `MOST_CHARS` characters.
    """

    time: str | None
    service: str
    level: str | None
    message: str


@dataclass(frozen=True, slots=True)
class Found:
    """What was found.

    Args:
        entries: oldest first.
        cut: why there may be more, or "" when these are all.
    """

    entries: tuple[Entry, ...]
    cut: str = ""


def line(at: float, level: str, service: str, text: str) -> str:
    """An entry as it is written, without its last newline; further lines of `text` are indented.

    So no text that a process logs can pass for an entry of its own.

    Args:
        at: Unix seconds.
        level: one of `LEVELS`.
        service: who writes.
        text: what.
    """
    return f"{stamp(at)} {level} {service} {text}".replace("\r", "\\r").replace("\n", "\n  ")


def stamp(at: float) -> str:
    """Unix seconds as entries have them: 2026-01-31T12:00:00.000Z. Later times are greater texts."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def services(folder: Path) -> list[str]:
    """The services that have a log here, by name."""
    with suppress(OSError):
        return sorted(path.name.removesuffix(_SUFFIX) for path in folder.iterdir() if path.name.endswith(_SUFFIX))
    return []


def find(
    folder: Path,
    names: Sequence[str],
    *,
    most: int,
    keep: Callable[[Entry], bool] = lambda _: True,
    since: float | None = None,
    most_bytes: int = MOST_BYTES,
    most_s: float = MOST_S,
) -> Found:
    """The newest entries of some services' logs that a test lets through.

    Reads from the ends of the files backwards; takes at most `most_s` and blocks meanwhile, so call it in a thread.

    Args:
        folder: `logs`.
        names: the services, each one of `services`.
        most: how many entries at most.
        keep: the test.
        since: Unix seconds; older entries aren't looked at.
        most_bytes: how much is read at most.
        most_s: how long at most.
    """
    budget = Budget(most_bytes, most_s)
    oldest = "" if since is None else stamp(since)
    found: deque[Entry] = deque()
    cut = ""
    with ExitStack() as scope:
        newest_first = [_since(oldest, _entries(name, _lines(_files(folder, name, scope), budget))) for name in names]
        try:
            for entry in heapq.merge(*newest_first, key=_time, reverse=True):
                if not keep(entry):
                    continue
                if len(found) == most:
                    cut = f"only the newest {most} entries are here"
                    break
                found.appendleft(entry)
        except ExhaustedError as error:
            cut = str(error)
    return Found(tuple(found), cut)


def _time(entry: Entry) -> str:
    return entry.time or ""


def _since(oldest: str, entries: Iterator[Entry]) -> Iterator[Entry]:
    for entry in entries:
        if _time(entry) < oldest:
            return
        yield entry


def _files(folder: Path, name: str, scope: ExitStack) -> list[BinaryIO]:
    """A service's files, newest first, opened before any is read: renaming them meanwhile does no harm."""
    found: list[BinaryIO] = []
    for number in range(_OLDER + 1):
        path = folder / f"{name}{_SUFFIX}{f'.{number}' if number else ''}"
        try:
            found.append(scope.enter_context(path.open("rb")))
        except OSError:
            break
    return found


def _lines(files: Iterable[BinaryIO], budget: Budget) -> Iterator[bytes]:
    """The lines of all files from the last to the first, without newlines."""
    for file in files:
        yield from backwards(file, spend=budget.spend)


def _entries(service: str, lines: Iterator[bytes]) -> Iterator[Entry]:
    """Entries from lines that come last first."""
    following: deque[str] = deque(maxlen=_MOST_LINES)  # of a longer trace its first lines stay
    for one in lines:
        head = _head(one)
        text = (one if head is None else head[2]).decode(errors="replace")[: MOST_CHARS + 1]
        following.appendleft(text if head is not None else text.removeprefix("  "))
        if head is not None:
            yield Entry(head[0], service, head[1], _short("\n".join(following)))
            following.clear()
    if following:
        yield Entry(None, service, None, _short("\n".join(following)))


def _head(one: bytes) -> tuple[str, str, bytes] | None:
    """Time, level and text of an entry's first line; None for any other line."""
    parts = one.split(b" ", 3)
    if len(parts) < 4 or len(parts[0]) != _TIME_BYTES or not parts[0].endswith(b"Z"):  # noqa: PLR2004 - see `line`
        return None
    at, level = parts[0].decode(errors="replace"), parts[1].decode(errors="replace")
    try:
        datetime.fromisoformat(at)
    except ValueError:
        return None
    return (at, level, parts[3]) if level in LEVELS else None


def _short(text: str) -> str:
    return text if len(text) <= MOST_CHARS else text[:MOST_CHARS] + "…"
