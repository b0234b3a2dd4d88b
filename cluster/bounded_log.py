"""A log file that can't grow without bound, for what children write to standard error."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO


class BoundedLog:
    """Appends lines; at `most_bytes` the file is renamed to `.1` (and that to `.2`) and a new one begun.

    A full disk loses lines, never the process. Whoever made it closes it.

    Args:
        path: the file; its folder must exist.
        most_bytes: of one file.
        kept: how many renamed files stay.
    """

    def __init__(self, path: Path, most_bytes: int = 5_242_880, kept: int = 2) -> None:
        self.path = path
        self._most_bytes = most_bytes
        self._kept = kept
        self._file: BinaryIO | None = None
        self._size = 0

    def write(self, line: bytes) -> None:
        """Add a line (with its newline)."""
        try:
            file = self._file or self._open()
            if self._size + len(line) > self._most_bytes:
                file = self._turn()
            file.write(line)
            file.flush()
            self._size += len(line)
        except OSError:
            self.close()

    def close(self) -> None:
        """Close the file; idempotent."""
        if self._file is not None:
            file, self._file = self._file, None
            file.close()

    def _open(self) -> BinaryIO:
        fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._file = os.fdopen(fd, "ab")
        self._size = self._file.tell()
        return self._file

    def _turn(self) -> BinaryIO:
        self.close()
        for number in range(self._kept - 1, 0, -1):
            older = self.path.with_name(f"{self.path.name}.{number}")
            if older.exists():
                older.replace(self.path.with_name(f"{self.path.name}.{number + 1}"))
        self.path.replace(self.path.with_name(f"{self.path.name}.1"))
        return self._open()
