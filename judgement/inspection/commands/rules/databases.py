"""Databases: what their clients are told to do."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping
from urllib.parse import unquote_plus

from ....finding import Severity
from ...sql import inspect_sql
from ..code import concepts
from ..model import ENVIRONMENTS, UNKNOWN, Call, Hit, Label, block, review
from .statements import of_statements
from .verbs import is_dry

_FAMILY = "database"
_TEST_NAMES = ("test", "tmp", "temp", "scratch", "sandbox", "_dev", "dev_", "fixture", "spec", "local")
_SCRATCH = frozenset({"test", "scratch", "tmp", "temp", "sandbox", "test_db", "testdb", "app_test"})
_MONGO = (
    "dropDatabase(",
    ".drop(",
    "deleteMany({})",
    "remove({})",
    "dropAllUsersFromDatabase(",
    "dropIndexes(",
    "deleteMany( {} )",
    "deleteMany()",
    "remove()",
    "dropUser(",
    "shutdownServer(",
    ".dropDatabase",
    "renameCollection(",
    "createUser(",
    "dropAllRoles",
)


def is_test_name(name: str) -> bool:
    """Whether a database's name says that it is for tests."""
    return any(mark in name.lower() for mark in _TEST_NAMES)


def of_sql(text: str) -> Iterator[Hit]:
    """What the SQL detector says, as hits of a command."""
    for found in inspect_sql(text):
        if found.severity is not Severity.INFO:
            family = "privilege" if found.rule == "sql.grant_all" else _FAMILY
            yield Hit(family, found.severity, found.what)


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
            if len(text) > 2 and text[0] == "-" and text[1] != "-" and "-" + text[-1] in options  # noqa: PLR2004
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


def of_redis(text: str) -> Iterator[Hit]:
    """What a redis command does."""
    words = text.upper().split()
    if any(word in {"FLUSHALL", "FLUSHDB"} for word in words):
        yield block(_FAMILY, "empties a redis database")
    elif "SHUTDOWN" in words[:1] or "DEBUG SEGFAULT" in text.upper():
        yield block(_FAMILY, "stops a redis server")
    elif words[:2] == ["CONFIG", "SET"] and len(words) > 2 and words[2] in {"DIR", "DBFILENAME"}:  # noqa: PLR2004
        yield block("persist", "makes redis write a file anywhere")
    elif words[:1] in (["SLAVEOF"], ["REPLICAOF"]) and "NO" not in words:
        yield block(_FAMILY, "makes redis follow another server")


def _redis(call: Call) -> Iterator[Hit]:
    words = call.operands
    while words and (
        words[0].isdigit()
        or words[0] in {d.text for d in call.options("-h", "-p", "-a", "-n", "-u", "--user", "--pass")}
    ):
        words = words[1:]
    if words[:1] and words[0].upper() in {"DEL", "UNLINK"} and any(Label.INSTANCES in a.data.labels for a in call.args):
        yield block(_FAMILY, "empties a redis database")
    yield from of_redis(" ".join(words))
    if call.stdin.text:
        for line in call.stdin.text.splitlines()[:200]:
            yield from of_redis(line)


def _mongo(call: Call) -> Iterator[Hit]:
    for text in [*(data.text for data in call.options("--eval")), call.stdin.text]:
        squeezed = "".join(text.split())
        if any("".join(mark.split()) in squeezed for mark in _MONGO):
            yield block(_FAMILY, "drops or empties collections")


_REMOTE_APIS = tuple(
    """
        /namespaces/ /repos/ api.github.com /clusters/ /volumes/ /buckets/ :6443 :8001 api.digitalocean.com
        api.hetzner.cloud api.linode.com api.vultr.com management.azure.com googleapis.com api.cloudflare.com
        api.heroku.com api.vercel.com api.netlify.com amazonaws.com app.terraform.io api.scaleway.com
        /api/v4/projects/ /droplets/ /instances/ /servers/ /zones/ /databases/ /tenants/ /organizations/
    """.split()
)


def _whole_thing(name: str) -> bool:
    """Whether an address ends with a name that a person gave, not with one entry's number."""
    return name.replace("-", "").replace("_", "").isalpha()


def _curl(call: Call) -> Iterator[Hit]:
    """DELETE on Elasticsearch, CouchDB, InfluxDB and such by their ports, paths and wildcards."""
    method = (call.option("-X", "--request", "--method") or "").upper()
    text = " ".join(call.operands)
    sent = " ".join(data.text for data in call.options("-d", "--data", "--data-raw", "--data-urlencode"))
    own = "://localhost" in text or "://127." in text or text.startswith(("localhost", "127."))
    if method == "DELETE":
        path = posixpath.basename(text.split("?")[0].rstrip("/"))
        ports = (":9200", ":9201", ":5984", ":8086", ":6333", ":8983", ":19530", ":2379")
        if (
            path in {"_all", "*"}
            or path.endswith("*")
            or (any(port in text for port in ports) and "/_doc/" not in text and not (own and is_test_name(path)))
        ):
            yield block(_FAMILY, "deletes whole indexes")
        elif any(mark in text for mark in _REMOTE_APIS):
            yield block("infrastructure", "deletes what can't be had again")
        elif not own and _whole_thing(path) and not any(map(is_test_name, text.split("/"))):
            yield review("infrastructure", "deletes what others may use")
    elif "drop%20" in text.lower() or "truncate%20" in text.lower():
        yield from of_sql(unquote_plus(text.partition("query=")[2]))
    elif ("_delete_by_query" in text and "match_all" in sent) or "<delete><query>*:*" in "".join(sent.split()):
        yield block(_FAMILY, "empties an index")
    elif "DROP " in sent.upper() and ("query" in text or "8123" in text):
        yield from of_sql(sent.removeprefix("q=").removeprefix("query="))


def _netcat(call: Call) -> Iterator[Hit]:
    if call.stdin.known:
        for line in call.stdin.text.splitlines()[:50]:
            yield from of_redis(line)
            if line.strip() == "flush_all":
                yield block(_FAMILY, "empties a cache")


def _replaced(call: Call) -> Iterator[Hit]:
    """A dump put in the place of what a database holds."""
    named = call.option("-d", "--dbname") or ""
    if call.has("c", "--clean") and named and not is_test_name(named):
        yield review(_FAMILY, "replaces what a database holds by a copy")


def _rman(call: Call) -> Iterator[Hit]:
    said = f"{call.stdin.text} {' '.join(call.argv)}".lower()
    if "delete" in said and any(word in said for word in ("backup", "archivelog", "copy")) and "obsolete" not in said:
        yield block(_FAMILY, "deletes a database's backups")


def _for_tests(call: Call) -> bool:
    """Whether a framework is told to use its database for tests."""
    named = {f"{name}=test" for name in ENVIRONMENTS} | {"--env=test"}
    return not named.isdisjoint(call.argv) or any(call.environment.get(name) == "test" for name in ENVIRONMENTS)


def _consoles(call: Call) -> Iterator[Hit]:
    """Code that a framework runs beside its models."""
    runs = {"runner", "console", "tinker", "shell", "shell_plus", "c", "r"} & set(call.operands[:3])
    if runs:
        for text in [*call.argv, call.stdin.text]:
            yield from concepts.judge(text)


def _frameworks(call: Call) -> Iterator[Hit]:
    yield from _consoles(call)
    words = [text for text in call.argv if not text.startswith("-")]
    for word in words:
        drops = frozenset(
            """
            db:drop db:reset db:wipe migrate:fresh migrate:reset db:purge db:drop:_unsafe db:truncate_all
            doctrine:database:drop doctrine:schema:drop schema:drop db:drop:all ecto.drop ecto.reset sql:drop
            db:schema:load db:structure:load db:setup db:migrate:reset db:truncate db:empty db:clear
            doctrine:mongodb:schema:drop db:collection:drop db:destroy
        """.split()
        )
        if word in drops and not _for_tests(call):
            yield block(_FAMILY, "drops or empties a database")
    if "flush" in words and any(w.endswith("manage.py") or w == "django-admin" for w in [call.name, *words]):
        yield block(_FAMILY, "empties a database")
    if any(w.endswith("manage.py") for w in words) and "reset_db" in words:
        yield block(_FAMILY, "empties a database")
    if words[:2] in (["migrate", "reset"], ["prisma", "migrate"]) and "reset" in words:
        yield block(_FAMILY, "empties a database")
    if words[-1:] == ["zero"] and "migrate" in words:
        yield review(_FAMILY, "takes a whole schema down")
    if "dbconsole" in words or "dbshell" in words or words[:2] == ["db", "query"]:
        for text in [call.stdin.text, words[-1]]:
            yield from of_sql(text)
    if call.name == "alembic" and words[:2] == ["downgrade", "base"]:
        yield block(_FAMILY, "takes a whole schema down")


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


def _zookeeper(call: Call) -> Iterator[Hit]:
    if any(word in {"deleteall", "rmr"} for word in [*call.operands, *call.stdin.text.split()[:200]]):
        yield block("infrastructure", "deletes a cluster's configuration")


def _cypher(call: Call) -> Iterator[Hit]:
    for text in [*call.operands, call.stdin.text]:
        lowered = " ".join(text.lower().split())
        if "detach delete" in lowered and " where " not in lowered and "{" not in lowered:
            yield block(_FAMILY, "deletes every node of a graph")


def _bq(call: Call) -> Iterator[Hit]:
    words = call.operands
    if words[:1] == ["rm"]:
        yield block(_FAMILY, "deletes a data set")
    if words[:1] == ["query"] and not is_dry(call):
        yield from of_sql(words[-1])


def _aws_data(call: Call) -> Iterator[Hit]:
    if call.operands[:2] == ["dynamodb", "delete-table"]:
        yield block(_FAMILY, "deletes a table")


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
    "redis-cli": _redis,
    "valkey-cli": _redis,
    "keydb-cli": _redis,
    "mongo": _mongo,
    "mongosh": _mongo,
    "curl": _curl,
    "nc": _netcat,
    "ncat": _netcat,
    "telnet": _netcat,
    **dict.fromkeys(
        tuple(
            """
            rails rake bundle python python3 django-admin manage.py php artisan mix npx prisma sequelize
            knex typeorm alembic flask console symfony wp
        """.split()
        ),
        _frameworks,
    ),
    "bq": _bq,
    "influx": lambda call: [*_influx_statements(call), *_influx_verbs(call)],
    **dict.fromkeys(("pg_resetwal", "pg_resetxlog"), _resets),
    **dict.fromkeys(("zkCli.sh", "zookeeper-shell", "zookeeper-shell.sh"), _zookeeper),
    "cypher-shell": _cypher,
    "pg_restore": _replaced,
    "rman": _rman,
    "mongorestore": _subcommand("replaces collections by a copy", "--drop"),
    "ldapdelete": _subcommand("deletes a directory's branch", "-r"),
    "couchbase-cli": _subcommand("deletes or empties a bucket", "bucket-delete", "bucket-flush"),
    "flyway": _subcommand("empties a database", "clean"),
    "liquibase": _subcommand("empties a database", "drop-all", "dropAll"),
    "wp": lambda call: [*_wp_verbs(call), *_frameworks(call)],
    "drush": _subcommand("empties a database", "sql-drop", "sql:drop"),
    "dotnet": _subcommand("drops a database", "ef database drop"),
    "supabase": _subcommand("empties a database", "db reset --linked"),
    "nats": _subcommand("empties a stream", "stream rm", "stream purge", "kv del", "kv purge"),
    "solr": _subcommand("deletes a collection", "delete"),
    "aws": _aws_data,
}
ALWAYS: tuple[Callable[[Call], Iterable[Hit]], ...] = ()
