"""Takes away the text of a record in such a way that its chain, its epoch and its receipt still verify."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path
from typing import Any

from .epoch_writer import EpochWriter
from .epochs import PUBLIC_KEY, Entry, EntryError, Standing, checked, lines, load_public
from .form import GENESIS, Redaction, hash_of, number_of, tombstone
from .read import writers
from .segments import segments

MOST_REASON_CHARS = 500


class RedactionError(Exception):
    """The record can't be redacted; the message says why and what to do."""


def redact(folder: Path, epochs: EpochWriter, audit_id: str, *, reason: str, by: str) -> dict[str, Any]:
    """Overwrite a record by a tombstone of the same length that holds its hash; a signed entry says so first.

    Works while the record is written to. After a crash in between, the same call ends what was begun.

    Args:
        folder: `logs/audit`.
        epochs: where the entry goes.
        audit_id: `writer:seq`.
        reason: why; is kept for good.
        by: who does it.

    Returns:
        {writer, seq, hash, epoch}: what was redacted, and the number of the entry that says so; None when it said so
        before.

    Raises:
        RedactionError: there is no such record, it isn't the one that its chain says, or it can't be written to.
        EpochError: nothing could be signed, and the record stands.
    """
    writer, _, number = audit_id.partition(":")
    if not number.isdecimal() or writer not in writers(folder):
        raise RedactionError(f"there is no record {audit_id!r}; an id is writer:number, as in safety-0:17")
    seq = int(number)
    with epochs.held() as standing:
        path, offset, line = _found(folder / writer, seq)
        said = standing.of(writer).get(seq)
        entry = None
        if said is None:
            said = _checked(folder / writer, standing, seq, line)
            more = {"reason": reason[:MOST_REASON_CHARS], "by": by}
            members = {"writer": writer, "seq": seq, "hash": said.hash, "before": said.before}
            entry = epochs.append("redacted", members | more)
        try:
            _overwrite(path, offset, tombstone(line, said.hash))
        except OSError as error:
            raise RedactionError(f"{path} can't be written to: {error}; mend that, then redact it again") from error
    return {"writer": writer, "seq": seq, "hash": said.hash, "epoch": entry}


def entry_of(folder: Path, audit_id: str) -> Entry | None:
    """The signed entry that says of a record that it was redacted; None if there is none, or its signature fails.

    Its members are those of docs/audit.md: `reason` and `by` among them.

    Args:
        folder: `logs/audit`.
        audit_id: `writer:seq`.

    Raises:
        OSError: the entries or the public key beside them can't be read.
    """
    try:
        key = load_public(folder / PUBLIC_KEY)
        for _, line in lines(folder):
            if b'"kind":"redacted"' in line:
                entry = checked(line, key)
                if f"{entry.members.get('writer')}:{entry.members.get('seq')}" == audit_id:
                    return entry
    except EntryError:
        return None  # `aura audit verify` tells what is wrong
    return None


def _found(folder: Path, seq: int) -> tuple[Path, int, bytes]:
    """Where a record lies: file, offset and its line; found by counting, since half a tombstone may lie there."""
    for path in reversed(segments(folder)):
        if int(path.stem) > seq:
            continue
        offset = 0
        with path.open("rb") as file:
            for number, line in enumerate(file, int(path.stem)):
                if number == seq and line.endswith(b"\n"):
                    return path, offset, line[:-1]
                offset += len(line)
        break
    raise RedactionError(f"there is no record {folder.name}:{seq}; it may have been removed by retention")


def _checked(folder: Path, standing: Standing, seq: int, line: bytes) -> Redaction:
    """What to sign, if the record and those beside it agree on who it is."""
    found = Redaction(sha256(line).hexdigest(), GENESIS)
    pruned, head = standing.begins(folder.name)
    if seq == pruned + 1:
        found = Redaction(found.hash, head)
    elif seq > 1:
        found = Redaction(found.hash, hash_of(_found(folder, seq - 1)[2]))
    fits = number_of(line) == seq and b'"prev":"%b"' % found.before.encode() in line
    if not fits:
        raise RedactionError(f"{folder.name}:{seq} isn't the record that its chain says; run `aura audit verify`")
    return found


def _overwrite(path: Path, offset: int, data: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        while data:
            written = os.pwrite(fd, data, offset)
            data, offset = data[written:], offset + written
        os.fsync(fd)
    finally:
        os.close(fd)
