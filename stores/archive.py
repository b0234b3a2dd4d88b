"""A backup's file: a compressed tar whose last member says what the others are.

Members are plain files. `manifest.json` comes last, so that a file that was cut off has none: {format, program, schema,
made_at, database, rows, members: {name: {bytes, sha256}}}.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import secrets
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from .segments import flush

FORMAT = 1
_MANIFEST = "manifest.json"
_MOST_MANIFEST_BYTES = 67_108_864
_CHUNK_BYTES = 1_048_576
_LEVEL = 3  # records of calls shrink to a tenth already here
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")


class ArchiveError(Exception):
    """A backup can't be written or read; the message says why and what to do."""


class Writer:
    """Adds members; made by `writing`."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self._members: dict[str, dict[str, Any]] = {}

    def add(self, name: str, source: IO[bytes], size: int) -> None:
        """Add `size` bytes of a file.

        Raises:
            ArchiveError: the file has become shorter.
        """
        info = tarfile.TarInfo(name)
        info.size, info.mode = size, 0o600
        hashed = _Hashed(source)
        try:
            self._tar.addfile(info, hashed)
        except OSError as error:
            if error.errno is not None:
                raise
            raise ArchiveError(f"{name} changed while it was read; run the backup again") from error
        self._members[name] = {"bytes": size, "sha256": hashed.digest.hexdigest()}

    def finish(self, about: dict[str, Any]) -> None:
        """Add the manifest."""
        text = json.dumps({"format": FORMAT, **about, "members": self._members}, indent=1).encode()
        self.add(_MANIFEST, BytesIO(text), len(text))


@contextmanager
def writing(path: Path) -> Iterator[Writer]:
    """A new backup, of mode 0600, that is there only once it is whole and on the disk.

    Raises:
        OSError: it can't be written.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    fd = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(fd, "wb") as file:
            with tarfile.open(fileobj=file, mode="w:gz", compresslevel=_LEVEL, format=tarfile.PAX_FORMAT) as tar:
                yield Writer(tar)
            file.flush()
            os.fsync(fd)
        draft.replace(path)
        flush(path.parent)
    finally:
        draft.unlink(missing_ok=True)


class Reader:
    """A backup that was found whole; made by `reading`.

    Attributes:
        manifest: see this module.
    """

    def __init__(self, file: IO[bytes], name: str) -> None:
        self._file, self._name = file, name
        self.manifest = self._checked()

    def members(self) -> Iterator[tuple[str, IO[bytes]]]:
        """Each member's name and content, which is readable until the next; all are checked already."""
        self._file.seek(0)
        with tarfile.open(fileobj=self._file, mode="r:gz") as tar:
            for info in tar:
                content = tar.extractfile(info)
                if content is not None and info.name != _MANIFEST:
                    yield info.name, content

    def _checked(self) -> dict[str, Any]:
        found: dict[str, dict[str, Any]] = {}
        text = b""
        try:
            with gzip.open(self._file) as plain, tarfile.open(fileobj=plain, mode="r:") as tar:
                for info in tar:
                    content = tar.extractfile(info) if info.isreg() else None
                    if content is None or not _NAME.fullmatch(info.name) or info.name in found or text:
                        raise ArchiveError(
                            f"{self._name} isn't a backup: {info.name!r} has no place in one; use another file"
                        )
                    if info.name == _MANIFEST:
                        text = content.read(_MOST_MANIFEST_BYTES)
                    else:
                        found[info.name] = {"bytes": info.size, "sha256": _digest(content)}
                _digest(plain)  # to the end, where the checksum of it all is
        except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
            raise ArchiveError(f"{self._name} isn't a whole backup: {error}; use another one") from error
        return self._agreeing(text, found)

    def _agreeing(self, text: bytes, found: dict[str, dict[str, Any]]) -> dict[str, Any]:
        try:
            manifest = json.loads(text)
            form, members = manifest["format"], manifest["members"]
        except (ValueError, TypeError, KeyError):
            raise ArchiveError(f"{self._name} isn't a whole backup: it has no manifest; use another one") from None
        if form != FORMAT:
            raise ArchiveError(f"{self._name} has format {form}; this program reads {FORMAT}: use the one that made it")
        for name in sorted(members.keys() | found.keys()):
            if members.get(name) != found.get(name):
                raise ArchiveError(f"{self._name} is damaged: {name} isn't what its manifest says; use another backup")
        checked: dict[str, Any] = manifest
        return checked


@contextmanager
def reading(path: Path) -> Iterator[Reader]:
    """A backup, read once from end to end before anything of it is used.

    Raises:
        ArchiveError: it isn't one, isn't whole, was changed, or is of another format.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise ArchiveError(f"{path} can't be read: {error.strerror}; look at its name and mode") from error
    with file:
        yield Reader(file, str(path))


class _Hashed:
    """A file that is hashed as it is read."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self.digest.update(data)
        return data


def _digest(content: IO[bytes] | gzip.GzipFile) -> str:
    digest = hashlib.sha256()
    while chunk := content.read(_CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()
