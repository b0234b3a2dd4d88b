"""Small durable records: JSON by kind and key, behind which everything lies that must survive."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from .database import Database, RecordError
from .tables import RECORDS

__all__ = ["MOST_BYTES", "MOST_RECORDS", "Record", "RecordError", "RecordStore", "StaleRecordError"]

MOST_BYTES = 65_536
MOST_RECORDS = 100_000
MOST_NAME_CHARS = 1_024
_DAY_S = 86_400.0
RETENTION_S = {"approval": 30 * _DAY_S, "dead_letter": 7 * _DAY_S, "idempotency": 0.0}
"""How long a record is kept once it has expired (seconds), by kind; `purge` removes it then. Other kinds stay."""

_MOST_PURGED = 10_000
_FIRST_REVISION_BITS = 48


class StaleRecordError(RecordError):
    """The record isn't what it was when it was read; read it again."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record.

    Attributes:
        kind: whose it is: `approval`, `trust`, ….
        key: its name among its kind.
        value: JSON.
        revision: moves with every change; a record that was forgotten and made anew has another one. Never 0.
        status: what `find` looks for; may be empty.
        binding: likewise.
        expires_at: Unix seconds, or None.
        updated_at: Unix seconds of its last change.
    """

    kind: str
    key: str
    value: dict[str, Any]
    revision: int
    status: str
    binding: str
    expires_at: float | None
    updated_at: float


class RecordStore:
    """Records in a database. What a method was given is durable when it returns.

    Blocks while the database works: some ten microseconds to read an SQLite file, a disk write to change it. So it is
    for threads, any number of them. Every method raises `RecordError` if the database can't be used.

    Args:
        database: whoever opened it closes it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, kind: str, key: str) -> Record | None:
        """One record, or None."""
        with self._database.reading() as db:
            row = db.execute(_SELECT.where(*_is(kind, key))).one_or_none()
        return None if row is None else _record(row)

    def all(self, kind: str) -> dict[str, dict[str, Any]]:
        """The value of every record of a kind, by key."""
        with self._database.reading() as db:
            rows = db.execute(sa.select(RECORDS.c.key, RECORDS.c.value).where(RECORDS.c.kind == kind)).all()
        return {key: json.loads(value) for key, value in sorted(rows)}

    def find(
        self,
        kind: str,
        *,
        status: str | None = None,
        binding: str | None = None,
        limit: int = 100,
        before: Record | None = None,
    ) -> list[Record]:
        """Records of a kind, the last changed first.

        Args:
            kind: of which kind.
            status: only those with this status; None for any.
            binding: only those with this binding; None for any.
            limit: how many at most.
            before: the last record of the page before this one.
        """
        query = _SELECT.where(*_matches(kind, status, binding))
        if before is not None:
            at = sa.tuple_(RECORDS.c.updated_at, RECORDS.c.key)
            query = query.where(at < sa.tuple_(sa.literal(before.updated_at), sa.literal(before.key)))
        query = query.order_by(RECORDS.c.updated_at.desc(), RECORDS.c.key.desc()).limit(limit)
        with self._database.reading() as db:
            return [_record(row) for row in db.execute(query)]

    def count(self, kind: str, status: str | None = None, binding: str | None = None) -> int:
        """How many records `find` would find, without a limit."""
        with self._database.reading() as db:
            return _count(db, _matches(kind, status, binding))

    def put(
        self,
        kind: str,
        key: str,
        value: dict[str, Any] | None,
        *,
        status: str = "",
        binding: str = "",
        expires_at: float | None = None,
    ) -> None:
        """Keep a record, whatever was there; None forgets it.

        Raises:
            RecordError: it is too large, or there are too many of its kind.
        """
        if value is None:
            with self._database.writing() as db:
                db.execute(sa.delete(RECORDS).where(*_is(kind, key)))
            return
        row = _row(kind, key, value, status, binding, expires_at)
        moved = row | {"revision": RECORDS.c.revision + 1}
        with self._database.writing(alone=True) as db:
            if not db.execute(sa.update(RECORDS).where(*_is(kind, key)).values(moved)).rowcount:
                _insert(db, row)

    def swap(
        self,
        kind: str,
        key: str,
        value: dict[str, Any],
        revision: int,
        *,
        status: str = "",
        binding: str = "",
        expires_at: float | None = None,
    ) -> Record:
        """Keep a record if it is still the one that was read: of several who try at once, one wins.

        Args:
            kind: of the record.
            key: of the record.
            value: takes the place of what was there, as the following do.
            revision: of the record as it was read; 0 if there must be none yet.
            status: see `Record`.
            binding: see `Record`.
            expires_at: see `Record`.

        Returns:
            The record as it is now.

        Raises:
            StaleRecordError: it was changed, forgotten or made meanwhile.
            RecordError: it is too large, or there are too many of its kind.
        """
        row = _row(kind, key, value, status, binding, expires_at)
        with self._database.writing(alone=revision == 0) as db:
            if revision:
                now = revision + 1
                same = (*_is(kind, key), RECORDS.c.revision == revision)
                if not db.execute(sa.update(RECORDS).where(*same).values(row | {"revision": now})).rowcount:
                    raise StaleRecordError(f"{kind} {key} was changed by somebody else; read it again")
            else:
                if _count(db, _is(kind, key)):
                    raise StaleRecordError(f"{kind} {key} is there already; read it")
                now = _insert(db, row)
        return Record(kind, key, value, now, status, binding, expires_at, row["updated_at"])

    def purge(self, now: float) -> int:
        """Remove what expired long enough ago, of the kinds in `RETENTION_S`; at most some thousands at a time.

        Returns:
            How many it were.
        """
        gone = 0
        for kind, kept_s in RETENTION_S.items():
            due = sa.select(RECORDS.c.key).where(RECORDS.c.kind == kind, RECORDS.c.expires_at < now - kept_s)
            with self._database.writing() as db:
                gone += db.execute(
                    sa.delete(RECORDS).where(
                        RECORDS.c.kind == kind,
                        RECORDS.c.key.in_(due.limit(_MOST_PURGED)),
                        RECORDS.c.expires_at < now - kept_s,
                    )
                ).rowcount
        return gone

    def trim(self, kind: str, most: int, most_chars: int | None = None, *, status: str | None = None) -> int:
        """Remove the records of a kind, and a status if one is given, that were changed longest ago.

        Args:
            kind: of which kind.
            most: how many are left.
            most_chars: how long the values that are left may be together; None for any length.
            status: only those with this status are looked at; None for any.

        Returns:
            How many were removed.
        """
        newest = (RECORDS.c.updated_at.desc(), RECORDS.c.key.desc())
        ranked = sa.select(
            RECORDS.c.key,
            sa.func.row_number().over(order_by=newest).label("rank"),
            sa.func.sum(sa.func.length(RECORDS.c.value)).over(order_by=newest).label("chars"),
        ).where(*_matches(kind, status, None))
        each = ranked.subquery()
        too_many = each.c.rank > most if most_chars is None else sa.or_(each.c.rank > most, each.c.chars > most_chars)
        old = sa.select(each.c.key).where(too_many)
        with self._database.writing(alone=True) as db:
            return int(db.execute(sa.delete(RECORDS).where(RECORDS.c.kind == kind, RECORDS.c.key.in_(old))).rowcount)


_SELECT = sa.select(*(RECORDS.c[each.name] for each in fields(Record)))


def _record(row: Any) -> Record:
    kind, key, value, *rest = row
    return Record(kind, key, json.loads(value), *rest)


def _is(kind: str, key: str) -> tuple[sa.ColumnElement[bool], ...]:
    return RECORDS.c.kind == kind, RECORDS.c.key == key


def _matches(kind: str, status: str | None, binding: str | None) -> tuple[sa.ColumnElement[bool], ...]:
    found = [RECORDS.c.kind == kind]
    if status is not None:
        found.append(RECORDS.c.status == status)
    if binding is not None:
        found.append(RECORDS.c.binding == binding)
    return tuple(found)


def _count(db: Connection, where: Iterable[sa.ColumnElement[bool]]) -> int:
    return int(db.execute(sa.select(sa.func.count()).select_from(RECORDS).where(*where)).scalar_one())


def _insert(db: Connection, row: dict[str, Any]) -> int:
    """Keep a new record; its revision."""
    there = _count(db, (RECORDS.c.kind == row["kind"],))
    if there >= MOST_RECORDS:
        raise RecordError(f"there are {there} records of {row['kind']} already; forget some first")
    revision = 1 + secrets.randbits(_FIRST_REVISION_BITS)
    db.execute(sa.insert(RECORDS).values(row | {"revision": revision}))
    return revision


def _row(
    kind: str, key: str, value: dict[str, Any], status: str, binding: str, expires_at: float | None
) -> dict[str, Any]:
    """The columns, all but the revision.

    Raises:
        RecordError: the value is too large, or a name can't be kept.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        size = len(text.encode())
    except UnicodeEncodeError:  # half of a surrogate pair: no database takes it bare
        text = json.dumps(value, separators=(",", ":"))
        size = len(text)
    if size > MOST_BYTES:
        raise RecordError(f"a record of {kind} may have {MOST_BYTES} bytes, this one has {size}; keep less in it")
    for name in (kind, key, status, binding):
        _check_name(name)
    return {
        "kind": kind,
        "key": key,
        "value": text,
        "status": status,
        "binding": binding,
        "expires_at": expires_at,
        "updated_at": time.time(),
    }


def _check_name(name: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError:
        raise RecordError(f"{name!r} isn't text that can be kept") from None
    if len(name) > MOST_NAME_CHARS or "\0" in name:
        raise RecordError(f"{name[:40]!r} can't name a record: {MOST_NAME_CHARS} characters at most, and no NUL")
