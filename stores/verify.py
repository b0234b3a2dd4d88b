"""Checks audit records against their chains and the signed epochs; needs the files and the public key, nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from . import merkle
from .chain import Broken, Cursor
from .epochs import FOLDER, PUBLIC_KEY, Entry, EntryError, Standing, fingerprint, half, lines, load_public, parsed
from .form import Head
from .known import Known
from .read import writers
from .receipts import Receipt
from .segments import segments
from .verdict import Chain, Fault, Verdict

Progress = Callable[[int], None]

_BATCH = 50_000
_ATTEMPTS = 3


def verify(
    folder: Path,
    *,
    key: Path | None = None,
    since: float | None = None,
    receipt: Receipt | None = None,
    progress: Progress | None = None,
    own: Known | None = None,
) -> Verdict:
    """Check the records under a folder; works while they are written, sealed, removed and redacted.

    Args:
        folder: `logs/audit`, or a copy of it.
        key: file of the public key; None takes the one beside the records.
        since: check records from the first epoch on that was sealed at or after this (Unix seconds); None checks all.
            The signed entries are checked from the first on in any case.
        receipt: also say whether its record is there.
        progress: told of bytes read.
        own: what the system knows whose record this is, to hold it against; it may have no record yet. None for any
            other folder: one without records is a fault.

    Raises:
        OSError: a file can't be read.
        EntryError: the file of the key holds none.
    """
    attempt = 1
    while True:
        asked = None if receipt is None else replace(receipt)  # each attempt finds anew
        verdict = _Check(folder, _key(folder, key), since, asked, progress, own).run()
        if verdict.intact or attempt == _ATTEMPTS or not _moved_on(folder, verdict):
            return verdict
        attempt += 1


def _key(folder: Path, given: Path | None) -> Ed25519PublicKey | None:
    path = given or folder / PUBLIC_KEY
    return load_public(path) if given or path.exists() else None


def _moved_on(folder: Path, verdict: Verdict) -> bool:
    """Whether entries came while records were read: then records that are gone may have been removed rightly."""
    return any(entry > verdict.epochs for entry in _numbers(folder))


def _numbers(folder: Path) -> Iterator[int]:
    for _, line in lines(folder):
        try:
            yield parsed(line).number
        except EntryError:
            return


class _Check:
    """One pass over everything."""

    def __init__(
        self,
        folder: Path,
        key: Ed25519PublicKey | None,
        since: float | None,
        receipt: Receipt | None,
        progress: Progress | None,
        own: Known | None,
    ) -> None:
        self._folder = folder
        self._key = key
        self._since = since
        self._receipt = receipt
        self._progress = progress
        self._own = own
        self._standing = Standing()
        self._before: dict[str, Head] | None = None if since is not None else {}
        self._cursors: dict[str, Cursor] = {}
        self._broken: dict[str, Fault] = {}
        self._checked: dict[str, int] = {}
        self._found = Verdict(key="" if key is None else fingerprint(key))

    def run(self) -> Verdict:
        found = self._found
        self._entries()
        self._begin()
        for number, (_, line) in enumerate(lines(self._folder), 1):
            if number > self._standing.number:
                break
            if number >= found.begins:
                self._epoch(parsed(line))
        self._rest()
        if self._own is None and not found.chains and found.intact:
            found.faults.append(Fault("epoch 1", "", "there are no records"))
        found.epochs, found.head = self._standing.number, self._standing.prev
        if self._receipt is not None:
            found.receipt = self._receipt.told(self._standing)
            if self._receipt.fault:
                found.faults.append(Fault(self._receipt.id, "", self._receipt.fault))
        for cursor in self._cursors.values():
            cursor.close()
        return found

    # --- the signed entries -------------------------------------------------------------------------------------------

    def _entries(self) -> None:
        """Check the chain of signed entries; what comes after the first that doesn't hold counts for nothing."""
        own, seen = self._own or Known(), False
        if self._key is not None and own.key not in ("", fingerprint(self._key)):
            self._found.faults.append(Fault("epoch 1", PUBLIC_KEY, "it isn't the key that this system signs with"))
            return
        for place, line in lines(self._folder):
            seen = True
            if self._key is None:
                why = f"there is no {PUBLIC_KEY} to check it with: name the key"
                self._found.faults.append(Fault("epoch 1", place, why))
                return
            before = self._standing.sealed.copy() if self._before is None else {}
            try:
                entry = self._standing.add(line, self._key)
            except EntryError as error:
                self._found.faults.append(Fault(f"epoch {self._standing.number + 1}", place, str(error)))
                return
            if entry.number == own.number and self._standing.prev != own.head:
                self._found.faults.append(Fault(f"epoch {entry.number}", place, "this system wrote another"))
            if self._before is None and self._since is not None and entry.kind == "epoch" and entry.ts >= self._since:
                self._before, self._found.begins = before, entry.number
        self._end(half(self._folder))
        lacking = own.lacks(self._standing.number)
        if self._key is not None and not seen:
            lacking = lacking or "there is a public key, and no epochs: they were removed"
        if lacking:
            self._found.faults.append(Fault(f"epoch {self._standing.number + 1}", FOLDER, lacking))
        if self._before is None:
            self._before, self._found.begins = self._standing.sealed.copy(), self._standing.number + 1

    def _end(self, left: bytes) -> None:
        """A crash leaves a part of an entry, never more than one without its line feed."""
        if b'"sig":"' in left and not left.endswith(b'"}') and b'"}' in left[left.index(b'"sig":"') :]:
            why = "changed: something else stands in the place of its line feed"
            self._found.faults.append(Fault(f"epoch {self._standing.number + 1}", FOLDER, why))
        elif left:
            self._found.notes.append(f"{FOLDER}: a last entry isn't whole; a crash left it, or it is being written")

    def _begin(self) -> None:
        """Stand before the first record to check of each writer."""
        for writer in sorted({*writers(self._folder), *self._standing.sealed}):
            pruned = self._standing.begins(writer)
            begin = max((self._before or {}).get(writer, pruned), pruned)
            self._cursors[writer] = Cursor(self._folder / writer, *begin, self._standing.of(writer))
            self._checked[writer] = 0
            if self._receipt is not None and self._receipt.within(writer, pruned[0] + 1, begin[0]):
                self._receipt.fault = "its record was sealed before the check begins; check it without --since"
            left = [path for path in segments(self._folder / writer) if int(path.stem) <= pruned[0]]
            if left:
                self._found.notes.append(f"{writer}: {len(left)} files that retention gave up are still there")

    def _epoch(self, entry: Entry) -> None:
        """Check the records that an epoch seals, and its root if all of them are there."""
        whole = True
        leaves: list[bytes] = []
        for writer, sealed in sorted(entry.writers.items()):
            cursor = self._cursors[writer]
            whole &= writer not in self._broken and cursor.seq + 1 == sealed.first
            if writer in self._broken or cursor.seq >= sealed.last:
                continue
            hashes = self._take(cursor, sealed.last - cursor.seq, f"epoch {entry.number} seals it", sealed.head)
            if hashes is not None and cursor.prev != sealed.head:
                self._break(writer, Broken(sealed.last, "", _rewritten(sealed.first, sealed.last, entry.number)))
                hashes = None
            if hashes is None:
                whole = False
                continue
            cursor.vouch()
            self._look(writer, cursor, hashes, entry.number)
            if self._receipt is not None and self._receipt.within(writer, sealed.first, sealed.last):
                self._receipt.at = len(leaves) + self._receipt.seq - sealed.first
            leaves += hashes
        if whole and entry.writers:
            if merkle.root(leaves).hex() != entry.members["root"]:
                self._found.faults.append(Fault(f"epoch {entry.number}", "", "its root isn't that of its records"))
            elif self._receipt is not None:
                self._receipt.prove(leaves, entry.number)

    def _rest(self) -> None:
        """Check what no epoch seals yet, and sum up."""
        for writer, cursor in self._cursors.items():
            sealed, _ = self._standing.sealed.get(writer, (0, ""))
            while writer not in self._broken and (hashes := self._take(cursor, _BATCH)):
                self._look(writer, cursor, hashes, None)
            if writer not in self._broken:
                self._found.unsealed += max(0, cursor.seq - sealed)
            fault = self._broken.get(writer)
            self._found.checked += self._checked[writer]
            self._found.chains.append(
                Chain(
                    writer,
                    cursor.seq,
                    self._checked[writer],
                    sealed,
                    self._standing.begins(writer)[0],
                    fault is None,
                    cursor.prev,
                    fault.place if fault else None,
                    fault.why if fault else "",
                )
            )

    # --- records ------------------------------------------------------------------------------------------------------

    def _take(self, cursor: Cursor, most: int, why: str = "", head: str = "") -> list[bytes] | None:
        """The next records' hashes; with a reason, fewer than asked for are a fault. None after a fault."""
        writer = cursor.folder.name
        before = cursor.read_bytes
        try:
            hashes = cursor.take(most, head)
        except Broken as broken:
            self._break(writer, broken)
            return None
        if self._progress is not None:
            self._progress(cursor.read_bytes - before)
        if why and len(hashes) < most:
            missing = most - len(hashes)
            lost = "1 record is" if missing == 1 else f"{missing} records are"
            self._break(writer, Broken(cursor.seq + 1, "", f"cut off: {lost} missing; {why}"))
            return None
        self._checked[writer] += len(hashes)
        return hashes

    def _break(self, writer: str, broken: Broken) -> None:
        place = f"{writer}/{broken.place}" if broken.place else ""
        self._broken[writer] = fault = Fault(f"{writer}:{broken.seq}", place, broken.why)
        self._found.faults.append(fault)

    def _look(self, writer: str, cursor: Cursor, hashes: list[bytes], epoch: int | None) -> None:
        first = cursor.seq - len(hashes) + 1
        if self._receipt is not None and self._receipt.within(writer, first, cursor.seq):
            self._receipt.seen(hashes[self._receipt.seq - first].hex(), epoch)


def _rewritten(first: int, last: int, number: int) -> str:
    if first == last:
        return f"changed: epoch {number} sealed another"
    return f"changed, or written anew with some of the records {first} to {last - 1}: epoch {number} sealed another"
