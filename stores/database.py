"""The one database of what must survive: an SQLite file by default, or PostgreSQL."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from weakref import WeakValueDictionary

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.engine import Connection

from aura_ia_mcp.configs.paths import Paths
from aura_ia_mcp.configs.settings import Settings

from . import migrations
from .engine import TIMEOUT_S, WRITES, PlaceError, postgresql, sqlite
from .faults import RecordError, fault, silent
from .takeover import set_aside, take_over

__all__ = ["Database", "RecordError"]

_ALONE = 0x61757261  # "aura": the key of the advisory lock by which writers that must be alone are
_FORMER_TOKENS = "tokens.sqlite"  # beside the file

# SQLite's own waiting isn't fair, so whoever writes one file in this process waits in line here.
_WRITERS: WeakValueDictionary[Path | str, threading.Lock] = WeakValueDictionary()


class Database:
    """A pool of a few connections to the database; made, and brought to this program's schema, when it is opened.

    Promises: what was committed survives power loss; an SQLite file is its owner's alone; a lost connection is replaced
    by the next use. For any number of threads; wherever an event loop runs, use it in a thread.

    Args:
        where: an SQLite file, made if it isn't there, or the URL of a PostgreSQL database.

    Raises:
        RecordError: it can't be reached, or was written by a newer version of this program.
    """

    def __init__(self, where: Path | str) -> None:
        self._closed = False
        self._writing = _WRITERS.setdefault(where, threading.Lock())
        self.path = where if isinstance(where, Path) else None
        try:
            self._engine = sqlite(where) if isinstance(where, Path) else postgresql(where)
        except PlaceError as error:
            raise RecordError(str(error)) from error
        self.name = str(where) if isinstance(where, Path) else self._engine.url.render_as_string(hide_password=True)
        try:
            self._migrate()
        except BaseException:
            self.close()
            raise

    @classmethod
    def of(cls, settings: Settings, paths: Paths) -> Database:
        """The database that these settings mean.

        Raises:
            RecordError: as above.
        """
        url = settings.database.url
        return cls(url.get_secret_value() if url else paths.database)

    def close(self) -> None:
        """Close all connections; idempotent."""
        self._closed = True
        self._engine.dispose()

    @property
    def silence(self) -> str:
        """What to say of it when it doesn't answer in time, with what to do about it."""
        return str(silent(self.name, file=self.path is not None))

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._engine.dialect.name

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One state of the database; never waits for a writer.

        Raises:
            RecordError: it can't be read.
        """
        with self._errors(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """One state of the database over several statements; others may write meanwhile.

        Raises:
            RecordError: it can't be read.
        """
        level = {} if self.dialect == "sqlite" else {"isolation_level": "REPEATABLE READ"}  # SQLite knows no less
        with self._errors(), self._engine.connect() as plain:
            connection = plain.execution_options(**level)
            with connection.begin():
                yield connection

    @contextmanager
    def writing(self, *, alone: bool = False) -> Iterator[Connection]:
        """A transaction that is committed at the end, or rolled back if anything is raised.

        Args:
            alone: no other transaction of this sort runs at the same time, in any process. (In SQLite, none ever does.)

        Raises:
            RecordError: it can't be written, or somebody else wrote for longer than 5 s.
        """
        sqlite = self.dialect == "sqlite"
        with self._errors(), _held(self._writing if sqlite else None), self._engine.connect() as plain:
            connection = plain.execution_options(**{WRITES: True})
            with connection.begin():
                if alone and not sqlite:
                    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ALONE)))
                yield connection

    def _migrate(self) -> None:
        """Bring the schema to this program's, and take over what lay in a file of its own once."""
        former = self.path and self.path.with_name(_FORMER_TOKENS)
        with self.reading() as connection:
            if self._version(connection) == migrations.HEAD and not (former and former.exists()):
                return
        with self.writing(alone=True) as connection:  # another process may have been faster
            if self._version(connection) != migrations.HEAD:
                _upgrade(connection)
            if former and former.exists():
                take_over(former, connection)
        if former:
            with self.writing(alone=True):  # only now that the rows are committed
                if former.exists():
                    set_aside(former)

    def _version(self, connection: Connection) -> str | None:
        """The schema's version; None where there is none yet."""
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
        if found is not None and found not in migrations.VERSIONS:
            raise RecordError(
                f"{self.name} has version {found}; this program knows {migrations.HEAD}: "
                "update the program, or restore a backup that it made"
            )
        return found

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Faults of the database in words, without its address' password and without what was written."""
        if self._closed:
            raise RecordError(f"{self.name} is closed; open it again")
        try:
            yield
        except (exc.SQLAlchemyError, sqlite3.Error) as error:
            raise fault(self.name, error, file=self.path is not None) from None


@contextmanager
def _held(lock: threading.Lock | None) -> Iterator[None]:
    if lock is None:
        yield
        return
    if not lock.acquire(timeout=TIMEOUT_S):
        raise exc.TimeoutError("other threads write for too long")
    try:
        yield
    finally:
        lock.release()


def _upgrade(connection: Connection) -> None:
    """Run the scripts that are missing, in the connection's transaction."""
    from alembic import command  # noqa: PLC0415 - 0.1 s that only a change of the schema needs
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    folder = str(Path(migrations.__file__).parent)
    config.set_main_option("script_location", folder.replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA user_version = {len(migrations.VERSIONS)}")  # older programs look there
