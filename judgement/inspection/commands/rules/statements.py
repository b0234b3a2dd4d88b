"""What a database's statements reach besides its tables: accounts' passwords, programs, other statements."""

from __future__ import annotations

from collections.abc import Iterator

from ....finding import Severity
from ...sql import inspect_sql
from ..model import Hit, block, review
from ..secrets import is_secret

_FAMILY = "database"
_PASSWORD_TABLES = (
    "pg_shadow",
    "pg_authid",
    "authentication_string",
    "mysql.global_priv",
    "sys.sql_logins",
    "sys.user$",
    "dba_users",
    "mysql.user",
    "system.users",
)
_GENERATED = ("drop table", "drop schema", "drop database", "truncate table", "truncate ", "delete from")


def _of_passwords(text: str) -> Iterator[Hit]:
    """Reads of the tables in which a server keeps its accounts' passwords."""
    lowered = text.lower()
    named = any(table in lowered for table in _PASSWORD_TABLES)
    if (
        named
        and any(mark in lowered for mark in ("passw", "authentication_string", "*", "spare4"))
        and "select" in lowered
    ):
        yield block("credentials", "reads accounts' passwords from a database")


def _of_generated(text: str) -> Iterator[Hit]:
    """Statements put together from a catalogue's rows: what they name can't be seen."""
    lowered = text.lower()
    made = any(f"'{verb}" in lowered for verb in _GENERATED)
    if made and any(
        mark in lowered for mark in ("pg_tables", "information_schema", "sys.tables", "sqlite_master", "pg_class")
    ):
        yield review("database", "makes statements that drop or empty tables")


_PROGRAM_RUNNERS = (
    "xp_cmdshell",
    "from program",
    "to program",
    "sys_exec",
    "sys_eval",
    "lo_export",
    "utl_http.request",
)


def _of_programs(text: str) -> Iterator[Hit]:
    """A database server that is told to run programs, write its machine's files or call out."""
    lowered = " ".join(text.lower().split())
    if any(mark in lowered for mark in _PROGRAM_RUNNERS) or "into outfile '/" in lowered or "into dumpfile" in lowered:
        yield review("privilege", "has a database's server run a program or write a file")


def _of_files(text: str) -> Iterator[Hit]:
    """Stores of credentials that a client opens as databases: `.open`, `attach`, files that a function reads."""
    lowered = text.lower()
    if any(verb in lowered for verb in (".open", "attach ", "readfile(", "load_file(", "pg_read_file(")):
        named = text.replace('"', "'").split("'")[1::2] + text.split()
        if any(is_secret(name.removeprefix("file:").partition("?")[0]) for name in named[:100]):
            yield block("credentials", "opens a store of credentials as a database")


def of_statements(text: str) -> Iterator[Hit]:
    """What statements reach beyond what the SQL detector judges.

    Args:
        text: SQL, as a client gets it.
    """
    yield from _of_passwords(text)
    yield from _of_generated(text)
    yield from _of_programs(text)
    yield from _of_files(text)


_TEST_NAMES = ("test", "tmp", "temp", "scratch", "sandbox", "_dev", "dev_", "fixture", "spec", "local")


def is_test_name(name: str) -> bool:
    """Whether a database's name says that it is for tests."""
    return any(mark in name.lower() for mark in _TEST_NAMES)


def of_sql(text: str) -> Iterator[Hit]:
    """What the SQL detector says, as hits of a command."""
    for found in inspect_sql(text):
        if found.severity is not Severity.INFO:
            family = "privilege" if found.rule == "sql.grant_all" else _FAMILY
            yield Hit(family, found.severity, found.what)
