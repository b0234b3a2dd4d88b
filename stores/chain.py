"""The walk along one writer's chain of records. See docs/audit.md.

A tombstone, which redaction leaves, counts only where a signed entry says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import BinaryIO, NoReturn

from .form import FORM, GENESIS, PRINTABLE, Head, Redaction, fault_of, missing
from .segments import segments

_BATCH = 512
_BUFFER_BYTES = 262_144
_HEAD_BYTES = 256


class Broken(Exception):  # noqa: N818 - a finding about a file
    """A record doesn't hold.

    Args:
        seq: the first one that doesn't.
        place: `file:line`, or "" where there is no file.
        why: what is wrong with it.
    """

    def __init__(self, seq: int, place: str, why: str) -> None:
        super().__init__(why)
        self.seq = seq
        self.place = place
        self.why = why


@dataclass
class Cursor:
    """Walks one writer's chain, and checks each record's form, number, writer and the hash of the one before.

    Holds a file open while there is something to read; `close` lets go of it, and the walk can go on afterwards.

    Args:
        folder: the writer's, named as it is.
        seq: number of the record to begin after; 0 for the whole chain.
        prev: that record's hash.
        redacted: by number, what may stand as a tombstone.

    Attributes:
        seq: number of the newest record taken.
        prev: its hash.
        touched: files read since this was emptied.
        read_bytes: how much was read.
    """

    folder: Path
    seq: int = 0
    prev: str = GENESIS
    redacted: Mapping[int, Redaction] = field(default_factory=dict)
    touched: set[Path] = field(default_factory=set, init=False)
    read_bytes: int = field(default=0, init=False)
    _path: Path | None = field(default=None, init=False)
    _offset: int = field(default=0, init=False)
    _file: BinaryIO | None = field(default=None, init=False)
    _vouched: int = field(default=0, init=False)
    _due: Head = field(default=(0, ""), init=False)

    def take(self, most: int, head: str = "") -> list[bytes]:
        """The hashes (32 bytes each) of the next records, at most so many; fewer where the chain ends.

        A line that is being written isn't taken. After `Broken` nothing more can be taken.

        Args:
            most: how many.
            head: the hash that the last of them should have, if it is known; helps to tell which record was changed.

        Raises:
            Broken: the first record that doesn't hold; those before it were taken in vain.
            OSError: a file can't be read.
        """
        found: list[bytes] = []
        self._due = (self.seq + most, head)
        while len(found) < most:
            lines = self._lines(min(most - len(found), _BATCH))
            if not lines:
                break
            self._check(lines, found)
        return found

    def vouch(self) -> None:
        """The newest record taken is the right one, somebody who signed says so: no later fault is put on it."""
        self._vouched = self.seq

    def behind(self) -> bool:
        """Whether there are bytes after the newest record taken; half a line counts."""
        found = segments(self.folder)
        if self._path is None or not found:
            return bool(found) and int(found[-1].stem) + (found[-1].stat().st_size > 0) > self.seq
        return found[-1] != self._path or self._path.stat().st_size > self._offset

    def close(self) -> None:
        """Let go of the file; idempotent."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __post_init__(self) -> None:
        self._vouched = self.seq

    # --- lines --------------------------------------------------------------------------------------------------------

    def _lines(self, most: int) -> list[bytes]:
        """The next whole lines, line feeds included; none at the end of the chain."""
        if self._path is None and not self._find():
            return []
        while True:
            if lines := self._from_file(most):
                return lines
            follows = [path for path in segments(self.folder) if int(path.stem) > int(self._stem())]
            if not follows:
                return []
            if lines := self._from_file(most):  # written before the next file was begun
                return lines
            self._to(follows[0])

    def _from_file(self, most: int) -> list[bytes]:
        assert self._path is not None
        if self._file is None:
            if not self._path.exists() or self._path.stat().st_size < self._offset:
                raise Broken(self.seq, self._place(0), "cut off, or its file is gone")
            self._file = self._path.open("rb", buffering=_BUFFER_BYTES)
            self._file.seek(self._offset)
        lines = list(islice(self._file, most))
        if lines and not lines[-1].endswith(b"\n"):
            self._file.seek(-len(lines.pop()), 1)
        if lines:
            self.touched.add(self._path)
            before, self._offset = self._offset, self._file.tell()
            self.read_bytes += self._offset - before
        return lines

    def _to(self, path: Path) -> None:
        """Go on to the next file, if the one before is at its end and this one's name says what follows."""
        assert self._path is not None
        if self._path.stat().st_size > self._offset:
            raise Broken(self.seq + 1, self._place(1), "half a record, and another file follows")
        if int(path.stem) != self.seq + 1:
            raise Broken(self.seq + 1, path.name, missing(self.seq + 1, int(path.stem) - 1))
        self.close()
        self._path, self._offset = path, 0

    def _find(self) -> bool:
        """Find the place after `seq`; whether there is one yet."""
        found = segments(self.folder)
        upto = [path for path in found if int(path.stem) <= self.seq + 1]
        if not upto:
            if found:
                raise Broken(self.seq + 1, found[0].name, missing(self.seq + 1, int(found[0].stem) - 1))
            return False
        path = upto[-1]
        skip = self.seq + 1 - int(path.stem)
        with path.open("rb", buffering=_BUFFER_BYTES) as file:
            for line in islice(file, skip):
                skip -= line.endswith(b"\n")
            offset = file.tell()
        if skip:
            raise Broken(self.seq - skip + 1, path.name, missing(self.seq - skip + 1, self.seq))
        self._path, self._offset = path, offset
        return True

    def _stem(self) -> str:
        return self._path.stem if self._path is not None else "0"

    def _place(self, seq_after: int) -> str:
        """`file:line` of the record so many after the newest taken."""
        return f"{self._path.name}:{self.seq + seq_after - int(self._path.stem) + 1}" if self._path is not None else ""

    # --- the check ----------------------------------------------------------------------------------------------------

    def _check(self, lines: Sequence[bytes], found: list[bytes]) -> None:
        """Take lines that chain."""
        seq, prev, name = self.seq, self.prev.encode(), self.folder.name.encode()
        for at, line in enumerate(lines):
            form = FORM.match(line)
            if (
                form is not None
                and form.group("v", "seq", "writer", "prev") == (b"1", b"%d" % (seq + 1), name, prev)
                and line.endswith(b"}\n")
                and line.translate(None, PRINTABLE) == b"\n"
            ):
                digest = sha256(line[:-1]).digest()
            else:
                self.seq, self.prev = seq, prev.decode()
                digest = self._redacted(form) or self._broken(lines, at)
            found.append(digest)
            seq, prev = seq + 1, digest.hex().encode()
        self.seq, self.prev = seq, prev.decode()

    def _redacted(self, form: re.Match[bytes] | None) -> bytes | None:
        """The hash for which a tombstone stands, if a signed entry allows it; None for any other line."""
        due = self.seq + 1
        if form is None or form["gone"] is None:
            return None
        if form.group("v", "seq", "writer") != (b"1", b"%d" % due, self.folder.name.encode()):
            return None
        allowed = self.redacted.get(due)
        if allowed is None or allowed.hash != form["gone"].decode():
            raise Broken(due, self._place(1), "taken away without a signed entry that says so")
        if allowed.before != self.prev:
            raise Broken(self.seq, self._place(0), "changed: the signed redaction of the next one names another hash")
        self._vouched = due
        return bytes.fromhex(allowed.hash)

    def _broken(self, lines: Sequence[bytes], at: int) -> NoReturn:
        """Say which record is wrong: this one, or the one before, whose hash it doesn't name.

        What the line after it says tells the two apart, as well as a change of a number from a record that is missing.
        """
        line, due = lines[at], self.seq + 1
        following = lines[at + 1] if at + 1 < len(lines) else self._next_line()
        after = FORM.match(following)
        why = fault_of(line, due, self.folder.name.encode())
        if why.startswith("record") and after is not None and int(after["seq"]) == due + 1:
            why = f"changed: {why}, and then record {due + 1}"
        if at > 0 and b'{"v":1,"seq":%d,' % due in lines[at - 1]:
            raise Broken(self.seq, self._place(0), "changed: something else stands in the place of its line feed")
        if why:
            raise Broken(due, self._place(1), why)
        own, known = sha256(line[:-1]).hexdigest(), self._due[0] == due and self._due[1]
        after_that = self.redacted.get(due + 1)  # a tombstone names no hash, but its signed entry does
        told = known, after_that.before if after_that is not None else ""
        named = own.encode() in following[:_HEAD_BYTES] or own in told
        if self._vouched >= self.seq or ((following or known) and not named):
            raise Broken(due, self._place(1), "changed: it doesn't name the hash of the record before")
        raise Broken(self.seq, self._place(0), "changed: the next record names another hash")

    def _next_line(self) -> bytes:
        """The line after those read last, to look at; the walk ends here."""
        assert self._file is not None
        if line := self._file.readline():
            return line
        for path in segments(self.folder):
            if int(path.stem) > int(self._stem()):
                with path.open("rb") as file:
                    return file.readline()
        return b""
