"""Removes old files of the record, so that what is left still verifies."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .epoch_writer import EpochWriter
from .epochs import Standing
from .form import Head, hash_of, number_of, prev_of, time_of
from .read import writers
from .segments import flush, last_line, segments

DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Removable:
    """A file that may be removed: whole, sealed, not its writer's newest, and older than a day.

    Args:
        writer: whose.
        path: the file.
        ts: time of its newest record, or of one before it if that is later (Unix seconds).
        size: bytes.
        head: its newest record.
    """

    writer: str
    path: Path
    ts: float
    size: int
    head: Head


def prune(folder: Path, epochs: EpochWriter, *, days: float, most_bytes: int, now: float) -> dict[str, Any]:
    """Remove files older than so many days, and the oldest ones as long as all take more than so many bytes.

    A signed entry says first what is removed. After a crash in between, the next call removes the files.

    Args:
        folder: `logs/audit`.
        epochs: where the entries go.
        days: 0 keeps whatever its age.
        most_bytes: 0 keeps whatever its size.
        now: Unix seconds.

    Returns:
        {files, bytes} removed.

    Raises:
        EpochError: nothing could be signed, and nothing was removed.
    """
    gone = {"files": 0, "bytes": 0}
    with epochs.held() as standing:
        for writer in writers(folder):
            _remove(folder / writer, standing.begins(writer)[0], gone)
        chosen = _chosen(folder, standing, days, most_bytes, now)
        newest: dict[str, Head] = {each.writer: each.head for each in chosen}
        for writer, (through, head) in newest.items():
            epochs.append("pruned", {"writer": writer, "through": through, "head": head})
        for writer, (through, _) in newest.items():
            _remove(folder / writer, through, gone)
    return gone


def _chosen(folder: Path, standing: Standing, days: float, most_bytes: int, now: float) -> Sequence[Removable]:
    """Which files go, of each writer the oldest ones."""
    everything = [path.stat().st_size for writer in writers(folder) for path in segments(folder / writer)]
    over = sum(everything) - most_bytes if most_bytes else 0
    able = [each for writer in writers(folder) for each in _removable(folder / writer, standing, now)]
    found = []
    for each in sorted(able, key=lambda each: each.ts):  # stable: a writer's own stay in their order
        if over > 0 or (days and each.ts < now - days * DAY_S):
            found.append(each)
            over -= each.size
    return found


def _removable(folder: Path, standing: Standing, now: float) -> list[Removable]:
    """The oldest files of a writer that may go; it ends at the first whose end doesn't fit what follows."""
    sealed, _ = standing.sealed.get(folder.name, (0, ""))
    files, found, ts = segments(folder), [], 0.0
    for path, following in itertools.pairwise(files):
        last = int(following.stem) - 1
        line, _, size = last_line(path)
        if line is None or last > sealed or number_of(line) != last or not _goes_on(following, hash_of(line)):
            break
        ts = max(ts, time_of(line))
        if ts > now - DAY_S:
            break
        found.append(Removable(folder.name, path, ts, size, (last, hash_of(line))))
    return found


def _goes_on(following: Path, head: str) -> bool:
    """Whether a file begins with a record that names this hash; a redacted one names none."""
    with following.open("rb") as file:
        first = file.readline()
    return not first or prev_of(first) in (head, None)


def _remove(folder: Path, through: int, gone: dict[str, int]) -> None:
    """Remove the files whose records all lie at or before a number."""
    files = segments(folder)
    old = [path for path, following in itertools.pairwise(files) if int(following.stem) - 1 <= through]
    for path in old:
        gone["bytes"] += path.stat().st_size
        gone["files"] += 1
        path.unlink()
    if old:
        flush(folder)
