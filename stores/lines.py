"""Lines of files that others append to, from either end, within bounds."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import BinaryIO

MOST_LINE_BYTES = 1_048_576
_BLOCK = 65_536


class ExhaustedError(Exception):
    """A bound was reached; the text says which."""


class Budget:
    """How much may still be read.

    Args:
        most_bytes: in all.
        most_s: from now on.
    """

    def __init__(self, most_bytes: int, most_s: float) -> None:
        self._most_bytes, self._left = most_bytes, most_bytes
        self._most_s, self._end = most_s, time.monotonic() + most_s

    def spend(self, count: int) -> None:
        """Take so many bytes.

        Raises:
            ExhaustedError: there are no more, or the time is over.
        """
        self._left -= count
        if self._left < 0:
            raise ExhaustedError(f"only the newest {self._most_bytes} bytes were read")
        if time.monotonic() > self._end:
            raise ExhaustedError(f"only what could be read in {self._most_s:g} s was")


def free(count: int) -> None:
    """A budget without bounds."""


def whole(file: BinaryIO) -> int:
    """Where the last whole line of a file ends: somebody may be writing the next."""
    end = file.seek(0, os.SEEK_END)
    while end > 0:
        begin = max(0, end - _BLOCK)
        file.seek(begin)
        newline = file.read(end - begin).rfind(b"\n")
        if newline >= 0:
            return begin + newline + 1
        end = begin
    return 0


def forwards(file: BinaryIO) -> Iterator[bytes]:
    """The whole lines from where the file stands, each with its line feed.

    A last line without one is being written and isn't given; nor is one over `MOST_LINE_BYTES`, as none of ours is.
    """
    broken = False
    while line := file.readline(MOST_LINE_BYTES):
        whole = line.endswith(b"\n")
        if whole and not broken:
            yield line
        broken = not whole


def backwards(file: BinaryIO, end: int | None = None, spend: Callable[[int], None] = free) -> Iterator[bytes]:
    """The lines before a place, the last one first, without line feeds; not empty ones, nor any over `MOST_LINE_BYTES`.

    Args:
        file: any.
        end: the place; None begins at the file's end.
        spend: hears how many bytes are about to be read; what it raises ends the reading.
    """
    at = file.seek(0, os.SEEK_END) if end is None else end
    rest, broken = b"", False
    while at > 0:
        size = min(_BLOCK, at)
        spend(size)
        at -= size
        file.seek(at)
        rest, *lines = (file.read(size) + rest).split(b"\n")
        if broken and lines:
            lines.pop()  # what is before the part that was too long already
            broken = False
        yield from (one for one in reversed(lines) if one)
        if broken or len(rest) > MOST_LINE_BYTES:
            rest, broken = b"", True
    if rest:
        yield rest
