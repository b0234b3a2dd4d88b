"""How each of the two databases is connected to."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import ssl
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.engine import URL, Connection, Engine, make_url

TIMEOUT_S = 5.0  # waiting for a lock, a connection, one statement
WRITES = "aura_writes"  # the execution option of a transaction that will write

_SOCKET_S = 6.0  # PostgreSQL's next word, at most: longer than a statement, so that its own reason is heard
_CONNECTIONS = 4
_RECYCLE_S = 1800
_FORM = "write postgresql://USER:PASSWORD@HOST/DATABASE, or unset it for SQLite"
_POOL: dict[str, Any] = {"pool_size": _CONNECTIONS, "max_overflow": 0, "pool_timeout": TIMEOUT_S}


class PlaceError(Exception):
    """There can be no database at this place; the message says why and what to do, without a password."""


def sqlite(path: Path) -> Engine:
    """An SQLite file of mode 0600, made if it isn't there; what was committed survives power loss.

    Raises:
        PlaceError: it can't be made or opened.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # one that is there is never opened and closed here: that would drop the locks that this process's other
        # connections hold on it (https://www.sqlite.org/howtocorrupt.html, 2.2)
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise PlaceError(f"{path} can't be opened: {error.strerror}; look at its mode and its folder's") from error
    engine = sa.create_engine(
        URL.create("sqlite", database=str(path)),
        **_POOL,
        hide_parameters=True,
        connect_args={"timeout": TIMEOUT_S, "check_same_thread": False, "isolation_level": None},
    )

    @sa.event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, _: Any) -> None:
        connection.execute("PRAGMA journal_mode=WAL")  # readers never wait for a writer
        connection.execute("PRAGMA synchronous=FULL")  # survives power loss

    @sa.event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def postgresql(text: str) -> Engine:
    """A PostgreSQL database; nothing is connected yet.

    Args:
        text: its URL; `sslmode` (disable, prefer, require, verify-full) and `sslrootcert` may follow as a query.

    Raises:
        PlaceError: it isn't such a URL.
    """
    try:
        url = make_url(text)
    except (exc.ArgumentError, ValueError):
        raise PlaceError(f"database.url can't be read; {_FORM}") from None
    if url.get_backend_name() != "postgresql":
        raise PlaceError(f"database.url names a database that isn't PostgreSQL; {_FORM}")
    engine = sa.create_engine(
        url.set(drivername="postgresql+pg8000", query={}),
        **_POOL,
        pool_pre_ping=True,  # a connection that was lost meanwhile is replaced before it is used
        pool_recycle=_RECYCLE_S,
        hide_parameters=True,
        connect_args={
            "timeout": _SOCKET_S,
            "application_name": "aura",
            "ssl_context": _tls(dict(url.query)),
            "startup_params": {"statement_timeout": str(int(TIMEOUT_S * 1000))},
        },
    )

    @sa.event.listens_for(engine, "do_connect")
    def connect(_: Any, _record: Any, _unnamed: list[Any], named: dict[str, Any]) -> Any:
        from .postgresql_link import Link  # noqa: PLC0415 - the driver, which only PostgreSQL needs

        return Link(**named)

    return engine


def _tls(query: dict[str, Any]) -> ssl.SSLContext | bool | None:
    """What pg8000 takes: a context, True (encrypted, unproven), None (if the server can), False (never).

    The words are libpq's: https://www.postgresql.org/docs/current/libpq-ssl.html
    """
    mode, root = query.pop("sslmode", "prefer"), query.pop("sslrootcert", None)
    if query:
        raise PlaceError("database.url may be followed by sslmode and sslrootcert; take the rest away")
    if mode == "verify-full":
        try:
            return ssl.create_default_context(cafile=root)
        except OSError as error:
            raise PlaceError(
                f"the file that database.url's sslrootcert names can't be read: {error.strerror}"
            ) from error
    modes: dict[Any, bool | None] = {"disable": False, "prefer": None, "require": True}
    if mode not in modes or root:
        raise PlaceError("sslmode is disable, prefer, require or verify-full; sslrootcert goes with verify-full")
    return modes[mode]
