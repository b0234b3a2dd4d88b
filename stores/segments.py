"""The files of one chain of lines: found in order, cut after a power loss, brought to the disk."""

from __future__ import annotations

import fcntl
import json
import os
import time
from pathlib import Path
from typing import Any

RESERVED = ("epochs", "rules")  # folders beside those of the writers
_TAIL_BYTES = 4_194_304
_PAUSE_S = 0.02


class SegmentError(Exception):
    """A file of the chain can't be gone on with; the message says why and what to do."""


def make_private(folder: Path) -> None:
    """Make a folder of `logs/audit`, and those two above it, with mode 0700 where they aren't there yet.

    Raises:
        OSError: one can't be made.
    """
    for each in (folder.parent.parent, folder.parent, folder):  # `parents=True` would leave those above open to all
        each.mkdir(mode=0o700, parents=True, exist_ok=True)


def segments(folder: Path) -> list[Path]:
    """The files of one writer, the oldest first."""
    return sorted((p for p in folder.glob("*.jsonl") if p.stem.isdecimal()), key=lambda p: int(p.stem))


def last_line(path: Path, number: str = "seq") -> tuple[bytes | None, int, int]:
    """The last whole line that has a number: its bytes (or None), where it ends, and the file's size.

    A power loss may leave half a line, or blocks of zeros that nobody wrote. Only the end of the file is read.

    Args:
        path: the file.
        number: the member that holds it.

    Raises:
        SegmentError: the file ends in too much that is no line.
    """
    size = path.stat().st_size
    start = max(0, size - _TAIL_BYTES)
    with path.open("rb") as file:
        file.seek(start)
        data = file.read()
    end = len(data)
    while (newline := data.rfind(b"\n", 0, end)) >= 0:
        begin = data.rfind(b"\n", 0, newline) + 1
        if begin == 0 and start > 0:
            break
        if _numbered(data[begin:newline], number):
            return data[begin:newline], start + newline + 1, size
        end = begin
    if start > 0:
        raise SegmentError(f"{path} ends in {_TAIL_BYTES} bytes without a record; move the file aside and keep it")
    return None, 0, size


def cut(path: Path, good: int) -> dict[str, Any]:
    """Move what follows `good` into a file beside, and cut it off: {file, bytes, kept_in}."""
    data = path.read_bytes()[good:]
    side = path.with_name(f"{path.stem}.{good}.torn")
    side.write_bytes(data)
    side.chmod(0o600)
    with path.open("r+b") as file:
        file.truncate(good)
        os.fsync(file.fileno())
    return {"file": path.name, "bytes": len(data), "kept_in": side.name}


def flush(path: Path) -> None:
    """Bring a file, or the names in a folder, to the disk.

    Raises:
        OSError: it can't be.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def lock(path: Path, wait_s: float) -> int | None:
    """Hold a lock file: its descriptor, whose closing lets go; None if another process holds it for `wait_s`.

    Raises:
        OSError: the file can't be made.
    """
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    until = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                os.close(fd)
                return None
            time.sleep(_PAUSE_S)
        except OSError:
            os.close(fd)
            raise
        else:
            return fd


def _numbered(line: bytes, number: str) -> bool:
    try:
        return isinstance(json.loads(line)[number], int)
    except (ValueError, TypeError, KeyError):
        return False
