"""The form of an audit record, and the walk along one writer's chain of them. See docs/audit.md.

A record's line is hashed as it stands. A tombstone, which redaction leaves, stands for the hash that it holds, and
counts only where a signed entry says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import BinaryIO, NoReturn

from .segments import segments

VERSION = 1
GENESIS = "0" * 64
_BATCH = 512
_BUFFER_BYTES = 262_144
_FORM = re.compile(
    rb'\{"v":(?P<v>\d{1,9}),"seq":(?P<seq>[1-9]\d{0,17}),"ts":(?P<ts>\d{1,12}\.\d{6}),"writer":"(?P<writer>[a-z0-9][a-z0-9_-]{0,63})",'
    rb'(?:"prev":"(?P<prev>[0-9a-f]{64})","kind":"[a-z_]{1,64}"[,}]|"redacted":"(?P<gone>[0-9a-f]{64})" *\}$)'
)
_HEAD_BYTES = 256
_PRINTABLE = bytes(range(0x20, 0x7F))


@dataclass(frozen=True, slots=True)
class Redaction:
    """What a signed entry says of a record whose text was taken away.

    Args:
        hash: of the record's line as it was.
        before: hash of the record before it.
    """

    hash: str
    before: str


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


def hash_of(line: bytes) -> str:
    """The hash that a line (without its line feed) stands for: its own, or the one that its tombstone holds."""
    form = _FORM.match(line)
    if form is not None and form["gone"]:
        return form["gone"].decode()
    return sha256(line).hexdigest()


def number_of(line: bytes) -> int:
    """The number in a record's line or tombstone; 0 for any other line."""
    form = _FORM.match(line)
    return 0 if form is None else int(form["seq"])


def time_of(line: bytes) -> float:
    """The time in a record's line or tombstone (Unix seconds); 0 for any other line."""
    form = _FORM.match(line)
    return 0.0 if form is None else float(form["ts"])


def prev_of(line: bytes) -> str | None:
    """The hash that a record's line names; None for a tombstone, which names none, and "" for any other line."""
    form = _FORM.match(line)
    if form is None:
        return ""
    return None if form["prev"] is None else form["prev"].decode()


def tombstone(line: bytes, line_hash: str) -> bytes:
    """What takes a record's place: as many bytes, of which number, time and writer are the record's, and its hash.

    Args:
        line: the record or, after a crash, what is half a tombstone; without its line feed.
        line_hash: of the record as it was.
    """
    head = line[: line.index(b'"writer":"') + 10]
    head += line[len(head) : line.index(b'"', len(head))]
    return (head + b'","redacted":"' + line_hash.encode() + b'"').ljust(len(line) - 1) + b"}"


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

    def take(self, most: int) -> list[bytes]:
        """The hashes (32 bytes each) of the next records, at most so many; fewer where the chain ends.

        A line that is being written isn't taken. After `Broken` nothing more can be taken.

        Raises:
            Broken: the first record that doesn't hold; those before it were taken in vain.
            OSError: a file can't be read.
        """
        found: list[bytes] = []
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
            raise Broken(self.seq + 1, path.name, _missing(self.seq + 1, int(path.stem) - 1))
        self.close()
        self._path, self._offset = path, 0

    def _find(self) -> bool:
        """Find the place after `seq`; whether there is one yet."""
        found = segments(self.folder)
        upto = [path for path in found if int(path.stem) <= self.seq + 1]
        if not upto:
            if found:
                raise Broken(self.seq + 1, found[0].name, _missing(self.seq + 1, int(found[0].stem) - 1))
            return False
        path = upto[-1]
        skip = self.seq + 1 - int(path.stem)
        with path.open("rb", buffering=_BUFFER_BYTES) as file:
            for line in islice(file, skip):
                skip -= line.endswith(b"\n")
            offset = file.tell()
        if skip:
            raise Broken(self.seq - skip + 1, path.name, _missing(self.seq - skip + 1, self.seq))
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
            form = _FORM.match(line)
            if (
                form is not None
                and form.group("v", "seq", "writer", "prev") == (b"1", b"%d" % (seq + 1), name, prev)
                and line.endswith(b"}\n")
                and line.translate(None, _PRINTABLE) == b"\n"
            ):
                digest = sha256(line[:-1]).digest()
            else:
                self.seq, self.prev = seq, prev.decode()
                digest = self._redacted(form) or self._broken(line, lines[at + 1] if at + 1 < len(lines) else None)
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

    def _broken(self, line: bytes, following: bytes | None) -> NoReturn:
        """Say which record is wrong: this one, or the one before, whose hash it doesn't name.

        What the line after it says tells the two apart, as well as a change of a number from a record that is missing.
        """
        due = self.seq + 1
        following = self._next_line() if following is None else following
        after = _FORM.match(following)
        why = _fault(line, due, self.folder.name.encode())
        if why.startswith("record") and after is not None and int(after["seq"]) == due + 1:
            why = f"changed: {why}, and then record {due + 1}"
        if why:
            raise Broken(due, self._place(1), why)
        named = sha256(line[:-1]).hexdigest().encode() in following[:_HEAD_BYTES]
        if self._vouched >= self.seq or (following and not named):
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


def _fault(line: bytes, due: int, writer: bytes) -> str:
    """What is wrong with the line in the place of record `due`, apart from the hash that it names; "" for nothing."""
    form = _FORM.match(line)
    if form is None or not line.endswith(b"}\n") or line.translate(None, _PRINTABLE) != b"\n":
        return "changed: not a record in canonical form"
    if form["v"] != b"1":
        return f"changed: version {int(form['v'])}; this program reads {VERSION}"
    if form["writer"] != writer:
        return f"changed: written by {form['writer'].decode()}"
    seq = int(form["seq"])
    if seq > due:
        return f"{_missing(due, seq - 1)} or moved: record {seq} stands there"
    return "" if seq == due else f"record {seq} stands there: put in, or moved"


def _missing(first: int, last: int) -> str:
    return f"record {first} is missing" if first == last else f"records {first} to {last} are missing"
