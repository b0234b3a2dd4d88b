"""Read audit records, all or the new ones. Tombstones, which redaction leaves, are passed over."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .segments import RESERVED, segments

Record = dict[str, Any]

_CHUNK_BYTES = 1_048_576


def writers(folder: Path) -> list[str]:
    """The writers that have records under `logs/audit`."""
    if not folder.is_dir():
        return []
    return sorted(
        path.name
        for path in folder.iterdir()
        if path.is_dir() and path.name not in RESERVED and any(path.glob("*.jsonl"))
    )


def records(folder: Path, writer: str | None = None) -> Iterator[Record]:
    """All whole records, writer by writer, in the order of each chain; lines that aren't JSON are passed over."""
    for name in writers(folder) if writer is None else [writer]:
        for path in segments(folder / name):
            with suppress(FileNotFoundError), path.open("rb") as file:  # retention may remove it meanwhile
                for line in file:
                    if (record := _parse(line)) is not None:
                        yield record


def earlier(folder: Path, places: dict[str, tuple[str, int]], since: float) -> Iterator[Record]:
    """The records before these places (as `Tail` has them), but for files not written to after `since`."""
    for writer, (name, offset) in places.items():
        for path in segments(folder / writer):
            if int(path.stem) > int(Path(name).stem):
                break
            with suppress(FileNotFoundError), path.open("rb") as file:
                there = os.fstat(file.fileno())
                if there.st_mtime < since:
                    continue
                left = offset if path.name == name else there.st_size
                for line in file:
                    left -= len(line)
                    if left < 0:
                        break
                    if (record := _parse(line)) is not None:
                        yield record


@dataclass
class Tail:
    """Follows the records of all writers from remembered places.

    Args:
        folder: `logs/audit`.
        places: per writer the segment's name and the offset of the first byte not read yet; plain JSON, to be kept.

    Attributes:
        more: whether the last poll ended at a bound, so that more can be read at once.
    """

    folder: Path
    places: dict[str, tuple[str, int]] = field(default_factory=dict)
    more: bool = field(default=False, init=False)

    def poll(self, most_bytes: int = 4_194_304) -> list[Record]:
        """The whole records that came since, at most about `most_bytes`; each is given once.

        A record that is being written is left for the next time.
        """
        found: list[Record] = []
        self.more = False
        for writer in writers(self.folder):
            for path, offset in self._unread(writer):
                if most_bytes <= 0:
                    self.more = True
                    return found
                asked = min(most_bytes, _CHUNK_BYTES)
                data, end = _read_lines(path, offset, asked)
                self.more |= len(data) >= asked and (end > 0 or asked < _CHUNK_BYTES)
                most_bytes -= end
                self.places[writer] = (path.name, offset + end)
                found += [record for line in data[:end].splitlines() if (record := _parse(line)) is not None]
                if end < len(data) or path.stat().st_size > offset + end:
                    break  # there is more in this file: the later ones wait
        return found

    def behind(self) -> bool:
        """Whether whole files or parts of them wait to be read."""
        return any(
            path.stat().st_size > offset for writer in writers(self.folder) for path, offset in self._unread(writer)
        )

    def _unread(self, writer: str) -> list[tuple[Path, int]]:
        name, offset = self.places.get(writer, ("", 0))
        found = segments(self.folder / writer)
        first = int(Path(name).stem) if name else -1
        return [
            (path, offset if path.name == name else 0)
            for path in found
            if int(path.stem) > first or (path.name == name and path.stat().st_size > offset)
        ]


def _read_lines(path: Path, offset: int, most_bytes: int) -> tuple[bytes, int]:
    """Bytes from a place on, and where the last whole line in them ends; a line longer than a chunk comes whole."""
    with path.open("rb") as file:
        file.seek(offset)
        data = file.read(most_bytes)
        if b"\n" not in data and len(data) == _CHUNK_BYTES:
            data += file.readline()
    return data, data.rfind(b"\n") + 1


def _parse(line: bytes) -> Record | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) and "kind" in record else None
