"""Every text of rules that ever was in force, by its version, beside the records that name it.

`logs/audit/rules/<version>.yaml`; the version is the start of the text's SHA-256, so a reader sees whether it still is
the text that decided. A file's time is when it last came into force: it stayed so until the next file's time.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from .keys import write_private
from .read import writers
from .segments import flush, make_private, segments

MOST = 500  # texts from which on those are looked for that no record names any more
VERSION_CHARS = 16
_VERSION = re.compile(r"[0-9a-f]{16}")
_LAG_S = 86_400.0  # within which whoever decides has heard that its rules are superseded


class RulesArchive:
    """Keeps the texts; each is written once, whole, and private to its owner.

    Promises: a text that a record may name is never removed. Beyond `most` texts those go that were superseded a day
    before the oldest record that is left.

    Args:
        audit: `logs/audit`.
        most: texts that are always kept.
    """

    def __init__(self, audit: Path, most: int = MOST) -> None:
        self._audit = audit
        self._folder = audit / "rules"
        self._most = most

    def keep(self, texts: Iterable[str]) -> None:
        """Keep texts that are about to come into force together, on the disk when this returns.

        Raises:
            OSError: they could not be written.
        """
        make_private(self._folder)
        now = time.time_ns()
        for text in texts:
            data = text.encode("utf-8", "surrogatepass")
            path = self._path(_version(data))
            if not _holds(path, data):
                _write(path, data)
            os.utime(path, ns=(now, now))
        self._prune()

    def read(self, version: str) -> str | None:
        """The text of a version; None when it isn't kept, or isn't any more what decided."""
        if not _VERSION.fullmatch(version):
            return None
        try:
            data = self._path(version).read_bytes()
        except OSError:
            return None
        return data.decode("utf-8", "surrogatepass") if _version(data) == version else None

    def _path(self, version: str) -> Path:
        return self._folder / f"{version}.yaml"

    def _prune(self) -> None:
        kept = {path: path.stat().st_mtime for path in self._folder.glob("*.yaml")}
        if len(kept) <= self._most:
            return
        ends = sorted(set(kept.values()))
        superseded = dict(pairwise(ends))
        oldest = _oldest(self._audit)
        for path, since in kept.items():
            if superseded.get(since, oldest) + _LAG_S < oldest:
                path.unlink(missing_ok=True)


def _version(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:VERSION_CHARS]


def _holds(path: Path, data: bytes) -> bool:
    try:
        return path.read_bytes() == data
    except OSError:
        return False


def _write(path: Path, data: bytes) -> None:
    """Put it there as a whole or not at all, also when the power fails."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    write_private(new, data)
    new.replace(path)
    flush(path.parent)


def _oldest(audit: Path) -> float:
    """When the oldest record was written that is left, Unix seconds; 0 when that can't be seen."""
    found = []
    for writer in writers(audit):
        for path in segments(audit / writer)[:1]:
            with path.open("rb") as file:
                try:
                    found.append(float(json.loads(file.readline())["ts"]))
                except (ValueError, KeyError, TypeError):
                    return 0.0
    return min(found, default=0.0)
