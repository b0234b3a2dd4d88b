"""The form of an audit record's line, and of the tombstone that redaction leaves. See docs/audit.md.

A record's line is hashed as it stands. A tombstone stands for the hash that it holds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256

Head = tuple[int, str]  # number of a record, hash of its line

VERSION = 1
GONE = "tombstone"
"""What readers call the kind of a tombstone, which names none."""
GENESIS = "0" * 64
FORM = re.compile(
    rb'\{"v":(?P<v>\d{1,9}),"seq":(?P<seq>[1-9]\d{0,17}),"ts":(?P<ts>\d{1,12}\.\d{6}),"writer":"(?P<writer>[a-z0-9][a-z0-9_-]{0,63})",'
    rb'(?:"prev":"(?P<prev>[0-9a-f]{64})","kind":"[a-z_]{1,64}"[,}]|"redacted":"(?P<gone>[0-9a-f]{64})" *\}$)'
)
PRINTABLE = bytes(range(0x20, 0x7F))


@dataclass(frozen=True, slots=True)
class Redaction:
    """What a signed entry says of a record whose text was taken away.

    Args:
        hash: of the record's line as it was.
        before: hash of the record before it.
    """

    hash: str
    before: str


def hash_of(line: bytes) -> str:
    """The hash that a line (without its line feed) stands for: its own, or the one that its tombstone holds."""
    form = FORM.match(line)
    if form is not None and form["gone"]:
        return form["gone"].decode()
    return sha256(line).hexdigest()


def number_of(line: bytes) -> int:
    """The number in a record's line or tombstone; 0 for any other line."""
    form = FORM.match(line)
    return 0 if form is None else int(form["seq"])


def time_of(line: bytes) -> float:
    """The time in a record's line or tombstone (Unix seconds); 0 for any other line."""
    form = FORM.match(line)
    return 0.0 if form is None else float(form["ts"])


def prev_of(line: bytes) -> str | None:
    """The hash that a record's line names; None for a tombstone, which names none, and "" for any other line."""
    form = FORM.match(line)
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


def fault_of(line: bytes, due: int, writer: bytes) -> str:
    """What is wrong with the line in the place of record `due`, apart from the hash that it names; "" for nothing."""
    form = FORM.match(line)
    if form is None or not line.endswith(b"}\n") or line.translate(None, PRINTABLE) != b"\n":
        return "changed: not a record in canonical form"
    if form["v"] != b"1":
        return f"changed: version {int(form['v'])}; this program reads {VERSION}"
    if form["writer"] != writer:
        return f"changed: written by {form['writer'].decode()}"
    seq = int(form["seq"])
    if seq > due:
        return f"{missing(due, seq - 1)} or moved: record {seq} stands there"
    return "" if seq == due else f"record {seq} stands there: put in, or moved"


def missing(first: int, last: int) -> str:
    """Words for records that aren't there."""
    return f"record {first} is missing" if first == last else f"records {first} to {last} are missing"
