"""Tokens lay in a file of their own once; it is taken over into the database and renamed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from .tables import TOKENS

_COLUMNS = ("digest", "name", "kind", "tenant", "roles", "created_at", "expires_at", "revoked_at")


def take_over(path: Path, connection: Connection) -> None:
    """Copy every token that the database doesn't have yet; what it has stays as it is.

    Raises:
        sqlite3.Error: the file can't be read.
    """
    with closing(sqlite3.connect(path, timeout=5.0)) as old:
        rows = old.execute(f"SELECT {', '.join(_COLUMNS)} FROM tokens ORDER BY id").fetchall()  # noqa: S608
    known = set(connection.scalars(sa.select(TOKENS.c.digest)))
    new: list[dict[str, Any]] = [dict(zip(_COLUMNS, row, strict=True)) for row in rows if row[0] not in known]
    if new:
        connection.execute(sa.insert(TOKENS), new)


def set_aside(path: Path) -> None:
    """Rename the file, once what it held is committed; SQLite's own two files beside it go with the next open."""
    with closing(sqlite3.connect(path, timeout=5.0)) as old:
        old.execute("PRAGMA journal_mode=DELETE")  # all in one file
    path.replace(path.with_name(f"{path.name}.old"))
