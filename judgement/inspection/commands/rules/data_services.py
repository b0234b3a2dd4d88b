"""Databases and services that don't speak SQL: documents, keys, graphs, indexes behind an address."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping
from urllib.parse import unquote_plus

from ..model import Call, Hit, Label, block, review
from .statements import is_test_name, of_sql
from .verbs import is_dry

_FAMILY = "database"
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


def of_redis(text: str) -> Iterator[Hit]:
    """What a redis command does."""
    words = text.upper().split()
    if any(word in {"FLUSHALL", "FLUSHDB"} for word in words):
        yield block(_FAMILY, "empties a redis database")
    elif "SHUTDOWN" in words[:1] or "DEBUG SEGFAULT" in text.upper():
        yield block(_FAMILY, "stops a redis server")
    elif words[:2] == ["CONFIG", "SET"] and words[2:] and words[2] in {"DIR", "DBFILENAME"}:
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


RULES: Mapping[str, Callable[[Call], Iterable[Hit]]] = {
    **dict.fromkeys(("redis-cli", "valkey-cli", "keydb-cli"), _redis),
    **dict.fromkeys(("mongo", "mongosh"), _mongo),
    "curl": _curl,
    **dict.fromkeys(("nc", "ncat", "telnet"), _netcat),
    "bq": _bq,
    **dict.fromkeys(("zkCli.sh", "zookeeper-shell", "zookeeper-shell.sh"), _zookeeper),
    "cypher-shell": _cypher,
    "aws": _aws_data,
}
ALWAYS: tuple[Callable[[Call], Iterable[Hit]], ...] = ()
