"""Writes the chain of signed entries: one owner at a time, whole lines, on the disk before they count."""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from . import position
from .epochs import FOLDER, PUBLIC_KEY, EntryError, Standing, load_public, public_pem, signed
from .form import Redaction
from .segments import SegmentError, cut, flush, last_line, lock, make_private, segments

_WAIT_S = 10.0
_REMEMBER_EVERY = 100
_LONGEST_BYTES = 1_048_576


class EpochError(Exception):
    """Nothing can be sealed; the message says why and what to do."""


class EpochWriter:
    """Appends signed entries under `logs/audit/epochs`.

    Promises: within `held` nobody else appends; an entry is on the disk, whole, when `append` returns, and leaves
    nothing behind when it fails. A last line torn by a crash is moved aside by the next owner and told in `repairs`.

    Args:
        folder: `logs/audit`.
        key: signs.
        segment_bytes: size at which the next file begins.
        remembered: a file in which to keep what the entries say, so that a start needn't read them all.

    Attributes:
        repairs: torn ends that were moved aside: {file, bytes, kept_in} each. Whoever tells of them removes them.
    """

    def __init__(
        self, folder: Path, key: Ed25519PrivateKey, segment_bytes: int = 67_108_864, remembered: Path | None = None
    ) -> None:
        self.repairs: list[dict[str, Any]] = []
        self._audit = folder
        self._folder = folder / FOLDER
        self._key = key
        self._public = key.public_key()
        self._segment_bytes = segment_bytes
        self._remembered = remembered
        self._standing = Standing()
        self._place: tuple[str, int] = ("", 0)
        self._kept_number = 0
        self._recalled = remembered is None

    @contextmanager
    def held(self) -> Iterator[Standing]:
        """Own the chain: what its entries say up to now.

        Raises:
            EpochError: another process owns it, its files can't be used, or they were tampered with.
        """
        fd = None
        try:
            make_private(self._folder)
            fd = lock(self._folder / ".lock", _WAIT_S)
            if fd is None:
                raise EpochError(f"another process has held {self._folder} for {_WAIT_S:g} s; see whether it hangs")
            if not self._recalled:
                self._recall(position.load(self._remembered) if self._remembered else None)
                self._recalled = True
            self._catch_up()
            yield self._standing
        except (OSError, SegmentError) as error:
            raise EpochError(f"{self._folder} can't be used: {error}; make room or look at its mode") from error
        finally:
            if fd is not None:
                os.close(fd)

    def append(self, kind: str, members: dict[str, Any]) -> int:
        """Sign and write an entry; only within `held`: its number.

        Raises:
            EpochError: it isn't written.
        """
        standing = self._standing
        try:
            self._export()
            line = signed(standing.number + 1, standing.prev, kind, members, self._key)
            self._write(line + b"\n")
            standing.add(line, self._public)
        except EntryError as error:
            raise EpochError(str(error)) from error
        except OSError as error:
            raise EpochError(f"{self._folder} can't be written: {error}; free disk space") from error
        if standing.number - self._kept_number >= _REMEMBER_EVERY:
            self.remember()
        return standing.number

    def remember(self) -> None:
        """Keep what the entries say for the next start."""
        if self._remembered is None or self._standing.number == self._kept_number:
            return
        standing = self._standing
        with contextlib.suppress(OSError):  # the next start reads more, that is all
            position.save(
                self._remembered,
                {
                    "place": self._place,
                    "number": standing.number,
                    "prev": standing.prev,
                    "sealed": standing.sealed,
                    "pruned": standing.pruned,
                    "redacted": {
                        writer: {seq: (each.hash, each.before) for seq, each in found.items()}
                        for writer, found in standing.redacted.items()
                    },
                },
            )
            self._kept_number = standing.number

    # --- within the lock ----------------------------------------------------------------------------------------------

    def _write(self, data: bytes) -> None:
        name, size = self._place
        new = not name or size >= self._segment_bytes
        if new:
            name, size = f"{self._standing.number + 1:08d}.jsonl", 0
        path = self._folder / name
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            written = os.write(fd, data)
            if written != len(data):
                raise OSError(errno.ENOSPC, f"only {written} of {len(data)} bytes were written")  # noqa: TRY301
            os.fsync(fd)
            if new:
                flush(self._folder)
                flush(self._audit)
        except OSError:
            with contextlib.suppress(OSError):  # else the next owner does it
                os.ftruncate(fd, size)
            raise
        finally:
            os.close(fd)
        self._place = (name, size + len(data))

    def _export(self) -> None:
        """Put the public key beside the records; one that is there must be the same."""
        path = self._audit / PUBLIC_KEY
        if not path.exists():
            draft = path.with_name(f".{PUBLIC_KEY}.{os.getpid()}")
            draft.write_bytes(public_pem(self._public))
            draft.replace(path)
        elif load_public(path) != self._public:
            raise EntryError(f"{path} isn't the key that signs; restore the one or the other, and look who changed it")

    def _catch_up(self) -> None:
        """Read what was appended since; cut off what a crash tore."""
        found = segments(self._folder)
        if found:
            _, good, size = last_line(found[-1], "epoch")
            if size > good:
                torn = cut(found[-1], good)
                self.repairs.append(torn | {name: f"{FOLDER}/{torn[name]}" for name in ("file", "kept_in")})
        name, offset = self._place
        if name and (not found or not (self._folder / name).exists() or (self._folder / name).stat().st_size < offset):
            raise EpochError(f"{self._folder / name} was cut or removed; restore it, and look who did")
        for path in found:
            if path.name >= name:
                self._read(path, offset if path.name == name else 0)

    def _read(self, path: Path, offset: int) -> None:
        with path.open("rb") as file:
            file.seek(offset)
            for line in file:
                try:
                    self._standing.add(line[:-1], self._public)
                except EntryError as error:
                    raise EpochError(
                        f"{path} doesn't hold after entry {self._standing.number}: {error}; "
                        f"restore it, or stop and move {self._audit} aside to begin anew"
                    ) from error
                offset += len(line)
        self._place = (path.name, offset)

    def _recall(self, kept: Any) -> None:
        """Go on from what was kept, if the files still hold it; read them all where nothing was kept.

        Raises:
            EpochError: entries that were there are gone, though the records that they seal aren't.
        """
        if not isinstance(kept, dict):
            return
        try:
            standing = Standing(
                int(kept["number"]),
                str(kept["prev"]),
                {writer: (int(seq), str(head)) for writer, (seq, head) in kept["sealed"].items()},
                {writer: (int(seq), str(head)) for writer, (seq, head) in kept["pruned"].items()},
                {
                    writer: {int(seq): Redaction(*each) for seq, each in found.items()}
                    for writer, found in kept["redacted"].items()
                },
            )
            name, offset = kept["place"]
        except (ValueError, TypeError, KeyError, AttributeError):
            return
        if _ends(self._folder / name, offset) == standing.prev:
            self._standing, self._place, self._kept_number = standing, (name, offset), standing.number
        elif self._anew(standing):
            if self._remembered is not None:
                self._remembered.unlink(missing_ok=True)  # what it tells of was set aside
        else:
            raise EpochError(
                f"{self._folder} has no entry {standing.number} any more; restore it, or move {self._audit} aside"
            )

    def _anew(self, standing: Standing) -> bool:
        """Whether the records were begun anew, too, so that a new chain of entries is right."""
        for writer, (last, _) in standing.sealed.items():
            for path in segments(self._audit / writer)[-1:]:
                line, _, _ = last_line(path)
                newest = int(path.stem) - 1 if line is None else json.loads(line)["seq"]
                if newest >= last:
                    return False
        return not segments(self._folder)


def _ends(path: Path, offset: int) -> str:
    """The hash of the line that ends at a place; "" if none does."""
    begin = max(0, offset - _LONGEST_BYTES)
    try:
        with path.open("rb") as file:
            file.seek(begin)
            data = file.read(offset - begin)
    except (OSError, ValueError):
        return ""
    if not data.endswith(b"\n") or len(data) < offset - begin:
        return ""
    return sha256(data[data.rfind(b"\n", 0, len(data) - 1) + 1 : -1]).hexdigest()
