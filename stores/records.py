"""Small durable records: JSON by kind and key, in one SQLite file."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

MOST_BYTES = 65_536
MOST_RECORDS = 100_000
_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    updated_at REAL NOT NULL,
    PRIMARY KEY (kind, key)
) WITHOUT ROWID;
"""


class RecordError(Exception):
    """A record can't be kept; the message says why and what to do."""


class RecordStore:
    """Records in one SQLite file of mode 0600; what `put` was given is durable when it returns.

    Args:
        path: the file; made if it isn't there.

    Raises:
        RecordError: the file was written by a newer version.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, timeout=5.0, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")  # survives power loss
        (found,) = self._db.execute("PRAGMA user_version").fetchone()
        if found > _VERSION:
            self._db.close()
            raise RecordError(
                f"{path} has version {found}; this program knows {_VERSION}: update it, or restore a copy"
            )
        self._db.executescript(_SCHEMA)
        self._db.execute(f"PRAGMA user_version = {_VERSION}")

    def close(self) -> None:
        """Close the file; idempotent."""
        with self._lock:
            self._db.close()

    def all(self, kind: str) -> dict[str, dict[str, Any]]:
        """Every record of a kind, by key."""
        with self._lock:
            rows = self._db.execute("SELECT key, value FROM records WHERE kind = ? ORDER BY key", (kind,)).fetchall()
        return {key: json.loads(value) for key, value in rows}

    def get(self, kind: str, key: str) -> dict[str, Any] | None:
        """One record, or None."""
        with self._lock:
            row = self._db.execute("SELECT value FROM records WHERE kind = ? AND key = ?", (kind, key)).fetchone()
        return None if row is None else json.loads(row[0])

    def put(self, kind: str, key: str, value: dict[str, Any] | None) -> None:
        """Keep a record; None forgets it.

        Raises:
            RecordError: it is too large, there are too many of its kind, or the file can't be written.
        """
        text = "" if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        if len(text.encode("utf-8", "surrogatepass")) > MOST_BYTES:
            raise RecordError(f"a record of {kind} may have {MOST_BYTES} bytes")
        try:
            with self._lock:
                if value is None:
                    self._db.execute("DELETE FROM records WHERE kind = ? AND key = ?", (kind, key))
                    return
                (there,) = self._db.execute("SELECT count(*) FROM records WHERE kind = ?", (kind,)).fetchone()
                if there >= MOST_RECORDS and self._missing(kind, key):
                    raise RecordError(f"there are {there} records of {kind} already")
                self._db.execute(
                    "INSERT INTO records VALUES (?, ?, ?, ?) ON CONFLICT (kind, key)"
                    " DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at",
                    (kind, key, text, time.time()),
                )
        except sqlite3.Error as error:
            raise RecordError(f"{kind} can't be kept: {error}; look at the disk and the file's rights") from error

    def _missing(self, kind: str, key: str) -> bool:
        return self._db.execute("SELECT 1 FROM records WHERE kind = ? AND key = ?", (kind, key)).fetchone() is None
