"""Databases: what their clients are told to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from ..model import UNKNOWN, Call, Hit, block, review
from .statements import is_test_name, of_sql, of_statements

_FAMILY = "database"
_SCRATCH = frozenset({"test", "scratch", "tmp", "temp", "sandbox", "test_db", "testdb", "app_test"})


def _client(*options: str, operands: int = 0) -> Callable[[Call], Iterator[Hit]]:
    """A client that takes statements in these options, as its operands from that number on, and as its input."""

    def rule(call: Call) -> Iterator[Hit]:
        named = [*call.operands[:1], *(data.text for data in call.options("-d", "--dbname", "-D", "--database"))]
        if any(name == ":memory:" or name in _SCRATCH or name.endswith("_test") for name in named):
            return
        texts = [data.text for data in call.options(*options)]
        bundled = [
            n
            for n, text in enumerate(call.argv)
            if text[2:] and text[0] == "-" and text[1] != "-" and "-" + text[-1] in options
        ]
        texts += [call.argv[n + 1] for n in bundled if n + 1 < len(call.argv)]
        if operands:
            texts += call.operands[operands:]
        if call.stdin.text:
            texts.append(call.stdin.text)
        for text in texts:
            if text.rstrip("; \n").lower().endswith("rollback"):
                continue
            if text.strip() and not _only_unknown(text):
                yield from of_sql(text)
                yield from of_statements(text)

    return rule


def _only_unknown(text: str) -> bool:
    return not text.replace(UNKNOWN, "").strip()


def _drop_tool(call: Call) -> Iterator[Hit]:
    names = call.operands
    if names and not all(is_test_name(name) for name in names[:1]):
        yield block(_FAMILY, "drops a database or a user")


def _mysqladmin(call: Call) -> Iterator[Hit]:
    words = call.operands
    if "drop" in words and not is_test_name(words[-1]):
        yield block(_FAMILY, "drops a database")
    if "shutdown" in words:
        yield review(_FAMILY, "stops a database")


def _replaced(call: Call) -> Iterator[Hit]:
    """A dump put in the place of what a database holds."""
    named = call.option("-d", "--dbname") or ""
    if call.has("c", "--clean") and named and not is_test_name(named):
        yield review(_FAMILY, "replaces what a database holds by a copy")


def _rman(call: Call) -> Iterator[Hit]:
    said = f"{call.stdin.text} {' '.join(call.argv)}".lower()
    if "delete" in said and any(word in said for word in ("backup", "archivelog", "copy")) and "obsolete" not in said:
        yield block(_FAMILY, "deletes a database's backups")


def _subcommand(what: str, *verbs: str) -> Callable[[Call], Iterator[Hit]]:
    """A program that loses data with one of these among its words; a leading dash counts as written."""

    def rule(call: Call) -> Iterator[Hit]:
        text = f" {' '.join(call.argv)} "
        dry = call.has("", "--dry-run", "--help", "-dryRun")
        if any(f" {verb} " in text for verb in verbs) and not dry:
            yield block(_FAMILY, what)

    return rule


def _resets(call: Call) -> Iterator[Hit]:
    if not call.has("n", "--dry-run"):
        yield block(_FAMILY, "throws away what a database hasn't written yet")


_SQL = {
    "psql": _client("-c", "--command"),
    "pgcli": _client("-c", "--command"),
    "cockroach": _client("-e", "--execute"),
    "mysql": _client("-e", "--execute"),
    "mariadb": _client("-e", "--execute"),
    "mycli": _client("-e", "--execute"),
    "sqlite3": _client("-cmd", operands=1),
    "sqlite": _client("-cmd", operands=1),
    "duckdb": _client("-c", "-s", operands=1),
    "sqlcmd": _client("-Q", "-q"),
    "osql": _client("-Q", "-q"),
    "bcp": _client("-Q"),
    "sqlplus": _client("-e"),
    "cqlsh": _client("-e", "--execute"),
    "clickhouse-client": _client("-q", "--query"),
    "clickhouse": _client("-q", "--query"),
    "snowsql": _client("-q", "--query"),
    "snow": _client("-q", "--query"),
    "presto": _client("--execute"),
    "trino": _client("--execute"),
    "hive": _client("-e"),
    "beeline": _client("-e"),
    "impala-shell": _client("-q", "--query"),
    "spark-sql": _client("-e"),
    "athena": _client("-q"),
    **dict.fromkeys(("isql", "isql-fb", "firebird"), _client("-q", "-s")),
    "usql": _client("-c", "--command"),
    **dict.fromkeys(("litecli", "iredis", "mssql-cli", "vsql", "nzsql", "gsql"), _client("-e", "-c", "-Q", operands=1)),
    "invoke-sqlcmd": _client("-Query", "-query", "-Q"),
    **dict.fromkeys(("hbase", "bteq", "jsql"), _client("-e")),
    "ysqlsh": _client("-c", "--command"),
}
_wp_verbs = _subcommand("empties a database", "db reset", "db drop", "site empty")
_influx_statements = _client("-execute", "--execute")
_influx_verbs = _subcommand("deletes a bucket", "bucket delete", "org delete", "delete --bucket")
RULES: Mapping[str, Callable[[Call], Iterable[Hit]]] = {
    **_SQL,
    "dropdb": _drop_tool,
    "pg_dropcluster": _drop_tool,
    "mysql_install_db": _drop_tool,
    "dropuser": _drop_tool,
    "mysqladmin": _mysqladmin,
    "mariadb-admin": _mysqladmin,
    "influx": lambda call: [*_influx_statements(call), *_influx_verbs(call)],
    **dict.fromkeys(("pg_resetwal", "pg_resetxlog"), _resets),
    "pg_restore": _replaced,
    "rman": _rman,
    "mongorestore": _subcommand("replaces collections by a copy", "--drop"),
    "ldapdelete": _subcommand("deletes a directory's branch", "-r"),
    "couchbase-cli": _subcommand("deletes or empties a bucket", "bucket-delete", "bucket-flush"),
    "flyway": _subcommand("empties a database", "clean"),
    "liquibase": _subcommand("empties a database", "drop-all", "dropAll"),
    "wp": _wp_verbs,
    "drush": _subcommand("empties a database", "sql-drop", "sql:drop"),
    "dotnet": _subcommand("drops a database", "ef database drop"),
    "supabase": _subcommand("empties a database", "db reset --linked"),
    "nats": _subcommand("empties a stream", "stream rm", "stream purge", "kv del", "kv purge"),
    "solr": _subcommand("deletes a collection", "delete"),
}
ALWAYS: tuple[Callable[[Call], Iterable[Hit]], ...] = ()
