"""Looks whether the database can be read, and changes neither its schema nor its content.

An SQLite file is looked at without SQLAlchemy: whoever starts the system looks first, and stays small.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from aura_ia_mcp.configs.paths import Paths
from aura_ia_mcp.configs.settings import Settings

from .faults import RecordError, fault

_WAIT_S = 5.0  # for who writes just now


def examine(settings: Settings, paths: Paths) -> str | None:
    """The name of the database that these settings mean; None if it isn't there yet.

    An SQLite file is read as a whole (https://www.sqlite.org/pragma.html#pragma_quick_check); to any other database a
    connection is made.

    Raises:
        RecordError: it can't be read, or is corrupt; the message says what to do.
    """
    if settings.database.url is not None:
        return _connect(settings.database.url.get_secret_value())
    if not paths.database.exists():
        return None
    _read(paths.database)
    return str(paths.database)


def _read(path: Path) -> None:
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", timeout=_WAIT_S, uri=True)) as connection:
            (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if said != "ok":
                damage = sqlite3.DatabaseError(said)
                damage.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
                raise damage
    except sqlite3.Error as error:
        raise fault(str(path), error, file=True) from None


def _connect(url: str) -> str:
    import sqlalchemy as sa  # noqa: PLC0415 - 12 MiB that only PostgreSQL needs here
    from sqlalchemy import exc  # noqa: PLC0415

    from .engine import PlaceError, postgresql  # noqa: PLC0415

    try:
        engine = postgresql(url)
    except PlaceError as error:
        raise RecordError(str(error)) from error
    name = engine.url.render_as_string(hide_password=True)
    try:
        with engine.connect() as connection:
            connection.execute(sa.text("SELECT 1"))
    except exc.SQLAlchemyError as error:
        raise fault(name, error, file=False) from None
    finally:
        engine.dispose()
    return name
