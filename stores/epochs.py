"""The form of the signed entries that join all writers' records: epochs, and what retention and redaction did.

`logs/audit/epochs/<first number:08d>.jsonl`: one chain of lines, each signed with Ed25519. Nothing here writes; see
`epoch_writer.py`, and docs/audit.md for the exact bytes.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from .form import GENESIS, Head, Redaction
from .segments import segments

VERSION = 1
FOLDER = "epochs"
PUBLIC_KEY = "public_key.pem"
_LONGEST_BYTES = 1_048_576
_SIGNATURE_BYTES = 98  # ,"sig":"<88>"}
_encode = json.JSONEncoder(separators=(",", ":")).encode


class EntryError(Exception):
    """A signed entry doesn't hold; the message says why."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A writer's records in one epoch: `first` to `last`, and the hash of the last."""

    first: int
    last: int
    head: str

    @property
    def count(self) -> int:
        """How many."""
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One signed line.

    Args:
        number: 1, 2, 3, ... in the chain, whatever the kind.
        ts: Unix seconds.
        kind: epoch, pruned or redacted.
        members: all that the line says.
        writers: of an epoch, what it seals, by writer's name.
    """

    number: int
    ts: float
    kind: str
    members: dict[str, Any]
    writers: dict[str, Sealed]


def signed(number: int, prev: str, kind: str, members: dict[str, Any], key: Ed25519PrivateKey) -> bytes:
    """The line of an entry, without a line feed.

    Args:
        number: its place in the chain.
        prev: hash of the line before.
        kind: epoch, pruned or redacted.
        members: what it says.
        key: signs it.
    """
    body = _encode(members | {"key": fingerprint(key.public_key())})
    frame = f'{{"v":{VERSION},"epoch":{number},"ts":{time.time():.6f},"prev":"{prev}","kind":"{kind}",'
    line = (frame + body[1:]).encode()
    signature = base64.b64encode(key.sign(line))
    return line[:-1] + b',"sig":"' + signature + b'"}'


def parsed(line: bytes) -> Entry:
    """An entry's line as data; checks its form alone.

    Raises:
        EntryError: it isn't of the form.
    """
    try:
        data = json.loads(line)
        if data["v"] != VERSION:
            raise EntryError(f"version {data['v']}; this program reads {VERSION}")
        writers = {name: Sealed(**sealed) for name, sealed in data.get("writers", {}).items()}
        return Entry(int(data["epoch"]), float(data["ts"]), str(data["kind"]), data, writers)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise EntryError("changed: not an entry") from error


def lines(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Each whole line of the chain under `logs/audit` with its place (`epochs/file:line`); half a last line is left."""
    for path in segments(folder / FOLDER):
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.endswith(b"\n"):
                    yield f"{FOLDER}/{path.name}:{number}", line[:-1]


def half(folder: Path) -> bytes:
    """What follows the last line feed of the chain: nothing, or what a crash left of an entry."""
    for path in segments(folder / FOLDER)[-1:]:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _LONGEST_BYTES))
            return file.read().rpartition(b"\n")[2]
    return b""


@dataclass
class Standing:
    """What the entries up to one of them say together.

    Attributes:
        number: of the newest entry.
        prev: hash of its line.
        sealed: by writer, the newest record that an epoch seals.
        pruned: by writer, the newest record that retention removed.
        redacted: by writer and number, the records whose text was taken away.
    """

    number: int = 0
    prev: str = GENESIS
    sealed: dict[str, Head] = field(default_factory=dict)
    pruned: dict[str, Head] = field(default_factory=dict)
    redacted: dict[str, dict[int, Redaction]] = field(default_factory=dict)

    def add(self, line: bytes, key: Ed25519PublicKey) -> Entry:
        """Take the next entry, if it holds.

        Raises:
            EntryError: it doesn't; nothing changed.
        """
        entry = checked(line, key)
        if entry.number != self.number + 1:
            raise EntryError(f"entry {self.number + 1} is missing or moved: entry {entry.number} stands there")
        if entry.members["prev"] != self.prev:
            raise EntryError("it doesn't name the hash of the entry before")
        try:
            _TAKE[entry.kind](self, entry)
        except (ValueError, TypeError, KeyError) as error:
            raise EntryError(f"an entry of kind {entry.kind!r} of unknown form; update this program") from error
        self.number, self.prev = entry.number, sha256(line).hexdigest()
        return entry

    def begins(self, writer: str) -> Head:
        """After which record the files of a writer begin: what retention removed last, or 0."""
        return self.pruned.get(writer, (0, GENESIS))

    def of(self, writer: str) -> dict[int, Redaction]:
        """The redactions of one writer; the same object for good, which grows."""
        return self.redacted.setdefault(writer, {})

    def _epoch(self, entry: Entry) -> None:
        for writer, sealed in entry.writers.items():
            last, _ = self.sealed.get(writer, (0, ""))
            if sealed.first != last + 1 or sealed.count < 1:
                raise EntryError(f"it seals {writer} from {sealed.first} on, and {last} was sealed before")
        if entry.members["records"] != sum(sealed.count for sealed in entry.writers.values()):
            raise EntryError("it counts its records otherwise than by writer")
        self.sealed |= {writer: (sealed.last, sealed.head) for writer, sealed in entry.writers.items()}

    def _pruned(self, entry: Entry) -> None:
        writer, through = entry.members["writer"], int(entry.members["through"])
        if not self.begins(writer)[0] < through <= self.sealed.get(writer, (0, ""))[0]:
            raise EntryError(f"it removes records of {writer} that no epoch sealed, or that were removed before")
        self.pruned[writer] = (through, str(entry.members["head"]))

    def _redacted(self, entry: Entry) -> None:
        said = entry.members
        self.of(said["writer"])[int(said["seq"])] = Redaction(str(said["hash"]), str(said["before"]))


_TAKE = {"epoch": Standing._epoch, "pruned": Standing._pruned, "redacted": Standing._redacted}


def checked(line: bytes, key: Ed25519PublicKey) -> Entry:
    """An entry's line as data, if its signature holds; its place in the chain isn't looked at.

    Raises:
        EntryError: it isn't of the form, or not signed by this key.
    """
    entry = parsed(line)
    _check_signature(line, entry, key)
    return entry


def _check_signature(line: bytes, entry: Entry, key: Ed25519PublicKey) -> None:
    if entry.members.get("key") != fingerprint(key):
        raise EntryError(f"signed by another key ({str(entry.members.get('key'))[:16]}, not {fingerprint(key)[:16]})")
    body, sig = line[:-_SIGNATURE_BYTES] + b"}", line[-_SIGNATURE_BYTES:]
    try:
        if not (sig.startswith(b',"sig":"') and sig.endswith(b'"}')):
            raise EntryError("changed: not signed")
        signature = base64.b64decode(sig[8:-2], validate=True)
        if base64.b64encode(signature) != sig[8:-2]:
            raise EntryError("changed: its signature isn't in canonical base64")
        key.verify(signature, body)
    except (InvalidSignature, ValueError) as error:
        raise EntryError("changed: its signature doesn't hold") from error


def fingerprint(key: Ed25519PublicKey) -> str:
    """SHA-256 (hexadecimal) of the key's 32 bytes."""
    return sha256(key.public_bytes_raw()).hexdigest()


def public_pem(key: Ed25519PublicKey) -> bytes:
    """The key as a PEM file (SubjectPublicKeyInfo)."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def load_public(path: Path) -> Ed25519PublicKey:
    """The key in a PEM file.

    Raises:
        EntryError: it holds no Ed25519 public key.
        OSError: it can't be read.
    """
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except ValueError as error:
        raise EntryError(f"{path} holds no public key; name the PEM file of the Ed25519 one") from error
    if not isinstance(key, Ed25519PublicKey):
        raise EntryError(f"{path} holds no Ed25519 public key; name the PEM file of that one")
    return key
