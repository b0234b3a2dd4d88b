"""Readable views derived from the audit records: JSON lines, each naming the record it comes from."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from .lines import backwards, forwards, free

SECURITY = "security_audit.jsonl"
SPANS = "codex_tool_spans.jsonl"
MAX_BYTES = 67_108_864
KEEP = 5


def newest(path: Path, spend: Callable[[int], None] = free) -> Iterator[dict[str, Any]]:
    """The lines of a view, the last one first, those of its older files after them.

    Args:
        path: the file.
        spend: hears how many bytes are about to be read; what it raises ends the reading.
    """
    with contextlib.ExitStack() as scope:
        files: list[BinaryIO] = []
        for each in _files(path):
            with contextlib.suppress(FileNotFoundError):  # all opened before any is read: a rotation does no harm
                files.append(scope.enter_context(each.open("rb")))
        for file in files:
            for line in backwards(file, spend=spend):
                with contextlib.suppress(ValueError):
                    yield json.loads(line)


def redact(path: Path, audit_id: str) -> int:
    """Take away what a view's lines say of a record: how many; works while the view is written to.

    Args:
        path: the file; its older ones are looked through, too.
        audit_id: of the record.

    Raises:
        OSError: a file can't be written.
    """
    gone, left = 0, json.dumps({"audit_id": audit_id, "redacted": True}, separators=(",", ":"))
    for each in _files(path):
        if not each.exists():
            continue
        with each.open("r+b") as file:
            for line in forwards(file):
                if _names(line, audit_id):
                    os.pwrite(file.fileno(), left.encode().ljust(len(line) - 1), file.tell() - len(line))
                    gone += 1
    return gone


class View:
    """One append-only file, in which no record appears twice, restarts and crashes included.

    Its owner keeps `size` beside the place up to which records were derived. After a crash, what the file has beyond
    that size was derived from records that will come again: they are known by their ids and passed over.

    Args:
        path: the file.
        size: up to which it belongs to the place that was kept. A file shorter than that was begun anew since, and
            all of it counts as beyond.
        max_bytes: size at which it is moved to `.1` (`.1` to `.2` and so on, five in all) and begun anew.
    """

    def __init__(self, path: Path, size: int = 0, max_bytes: int = MAX_BYTES) -> None:
        self.path = path
        self._max_bytes = max_bytes
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._again = self._beyond(size)

    @property
    def size(self) -> int:
        """Bytes in the file."""
        return os.fstat(self._fd).st_size

    def append(self, lines: Iterable[dict[str, Any]]) -> None:
        """Write lines; each has a member `audit_id`.

        Raises:
            OSError: the disk is full; some lines may be written: `cut` back to the size before.
        """
        fresh = []
        for line in lines:
            if line["audit_id"] not in self._again:  # kept for good: a failed attempt makes them come once more
                fresh.append(json.dumps(line, separators=(",", ":")) + "\n")
        if not fresh:
            return
        data = "".join(fresh).encode()
        while data:
            data = data[os.write(self._fd, data) :]

    def cut(self, size: int) -> None:
        """Take back what was appended since the file had this size."""
        if self.size > size:
            os.ftruncate(self._fd, size)

    def full(self) -> bool:
        """Whether it is time to rotate."""
        return self.size >= self._max_bytes

    def rotate(self) -> None:
        """Begin a new file; the oldest of five is deleted."""
        for number in range(KEEP - 1, 0, -1):
            older = self.path.with_name(f"{self.path.name}.{number}")
            if older.exists():
                older.replace(self.path.with_name(f"{self.path.name}.{number + 1}"))
        self.path.replace(self.path.with_name(f"{self.path.name}.1"))
        os.close(self._fd)
        self._fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)

    def _beyond(self, size: int) -> set[str]:
        """Ids of the lines after `size`; a line torn by a crash is cut off."""
        size = size if size <= self.size else 0
        with self.path.open("rb") as file:
            file.seek(size)
            data = file.read()
        end = data.rfind(b"\n") + 1
        if end < len(data):
            os.ftruncate(self._fd, size + end)
        found = set()
        for line in data[:end].splitlines():
            with contextlib.suppress(ValueError, TypeError, KeyError):
                found.add(str(json.loads(line)["audit_id"]))
        return found


def _files(path: Path) -> list[Path]:
    """A view's files, the newest first."""
    return [path, *(path.with_name(f"{path.name}.{number}") for number in range(1, KEEP + 1))]


def _names(line: bytes, audit_id: str) -> bool:
    """Whether a line of a view is of this record, and still says something."""
    if audit_id.encode() not in line:
        return False
    with contextlib.suppress(ValueError, AttributeError):
        said = json.loads(line)
        return said.get("audit_id") == audit_id and "time" in said
    return False
