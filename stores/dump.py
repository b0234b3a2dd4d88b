"""The database's rows as JSON lines, the same for SQLite and PostgreSQL: a backup of one restores into the other."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from . import migrations
from .database import Database, RecordError
from .tables import RECORDS, TOKENS

TABLES = {"records": (RECORDS, (RECORDS.c.kind, RECORDS.c.key)), "tokens": (TOKENS, (TOKENS.c.id,))}
_ROWS_AT_ONCE = 500


def rows(connection: Connection, table: str) -> Iterator[bytes]:
    """Each row of a table as a line, in an order that the backup's next reader can rely on.

    Args:
        connection: from `Database.snapshot`, so that all tables are of one moment.
        table: one of `TABLES`.
    """
    _, order = TABLES[table]
    columns = _columns(table)
    query = sa.select(*columns).order_by(*order).execution_options(yield_per=_ROWS_AT_ONCE)
    names = [column.name for column in columns]
    for row in connection.execute(query):
        yield json.dumps(dict(zip(names, row, strict=True)), separators=(",", ":")).encode() + b"\n"


def load(connection: Connection, table: str, lines: Iterable[bytes]) -> int:
    """Put the rows into an empty table; what an older schema didn't have takes its default.

    Returns:
        How many rows it were.

    Raises:
        RecordError: a line isn't a row of this table.
    """
    target, _ = TABLES[table]
    count, left = 0, iter(lines)
    while batch := [_row(table, line) for line in islice(left, _ROWS_AT_ONCE)]:
        connection.execute(sa.insert(target).values(batch))
        count += len(batch)
    return count


def clear(connection: Connection) -> None:
    """Remove every row."""
    for table, _ in TABLES.values():
        connection.execute(sa.delete(table))


def is_empty(database: Database) -> bool:
    """Whether nothing is kept but tokens of the command line itself, which every start makes."""
    with database.reading() as connection:
        record = connection.execute(sa.select(RECORDS.c.key).limit(1)).first()
        token = connection.execute(sa.select(TOKENS.c.id).where(TOKENS.c.name != "operator").limit(1)).first()
    return record is None and token is None


def check_schema(version: Any) -> None:
    """Pass a backup whose schema this program knows.

    Raises:
        RecordError: it doesn't.
    """
    if version not in migrations.VERSIONS:
        raise RecordError(
            f"the backup's schema is {version}; this program knows {migrations.HEAD}: use the one that made it"
        )


def _columns(table: str) -> list[sa.Column[Any]]:
    """All but numbers that the database gives itself."""
    return [column for column in TABLES[table][0].c if column.name != "id"]


def _row(table: str, line: bytes) -> dict[str, Any]:
    names = {column.name for column in _columns(table)}
    try:
        row = json.loads(line)
    except ValueError:
        row = None
    if not isinstance(row, dict) or not row.keys() <= names:
        raise RecordError(f"the backup holds a line that is no row of {table}; use the program that made it")
    return {name: row[name] for name in sorted(row)}
