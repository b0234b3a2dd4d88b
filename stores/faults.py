"""What keeps what must survive from being read or kept, in words; knows no database's library."""

from __future__ import annotations

import sqlite3

_CORRUPT = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_SERVER = "see that it runs and that database.url is right; `aura doctor database` tries it"
_FILE = "look at the disk, and at the file's rights"
_PRIMARY = 0xFF  # of an extended code of SQLite, the bits that hold the primary one


class RecordError(Exception):
    """What must survive can't be read or kept; the message says why and what to do."""


def fault(name: str, error: Exception, *, file: bool) -> RecordError:
    """A fault of the database in words, with what to do about it.

    Args:
        name: of the database, without a password.
        error: what its driver raised, or SQLAlchemy.
        file: it is an SQLite file.
    """
    cause = getattr(error, "orig", None) or error  # SQLAlchemy wraps what the driver raised
    if not file:
        if isinstance(cause.__cause__, TimeoutError):  # of the socket
            return silent(name, file=False)
        remedy = _SERVER
    elif getattr(cause, "sqlite_errorcode", 0) & _PRIMARY in _CORRUPT:
        remedy = "look at the disk, and put a backup back: `aura restore FILE --force` sets this one aside"
    else:
        remedy = _FILE
    return RecordError(f"{name} can't be used: {_said(cause).rstrip('.')}; {remedy}")


def silent(name: str, *, file: bool) -> RecordError:
    """The database doesn't answer in time, in words; arguments as of `fault`."""
    return RecordError(f"the database {name} doesn't answer; {_FILE if file else _SERVER}")


def _said(cause: BaseException) -> str:
    """What the database itself said."""
    first = cause.args[0] if cause.args else cause
    return str(first.get("M", "no reason given")) if isinstance(first, dict) else str(first)
