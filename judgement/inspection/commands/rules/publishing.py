"""Data opened to strangers: public buckets, shared copies, folders served to the network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from ..model import UNKNOWN, Call, Hit, block, review
from ..secrets import is_private, is_secret_folder
from ..targets import Place, normal, place

_FAMILY = "exfiltrate"
_EVERYBODY = ("allusers", "allauthenticatedusers", "public-read", "authenticated-read", "acl-public")
_HELD = frozenset({Place.MACHINE, Place.HOME, Place.DATA, Place.LOGS})
_OWN = ("127.", "localhost", "::1", "unix")


def _spoken(call: Call) -> str:
    return "".join(" ".join(call.argv).lower().split(" "))


def _aws(call: Call) -> Iterator[Hit]:
    service, verb = [*call.operands, "", ""][:2]
    spoken = _spoken(call)
    public = any(mark in spoken for mark in _EVERYBODY) or '"principal":"*"' in spoken or '"aws":"*"' in spoken
    if service == "s3" and public and any(place(path) in _HELD for path in call.operands[2:]):
        yield review(_FAMILY, "copies a whole folder of the machine for everybody to read")
    elif service == "s3api" and verb.startswith("put-") and public:
        yield block(_FAMILY, "opens a bucket to everybody")
    elif verb == "put-public-access-block" and "=false" in spoken:
        yield block(_FAMILY, "lets buckets be opened to everybody")
    elif verb.startswith("modify-") and verb.endswith(("snapshot-attribute", "image-attribute")):
        if "--values-to-add" in call.argv or "add" in spoken:
            everybody = "all" in call.argv or "group=all" in spoken
            yield (block if everybody else review)(_FAMILY, "shares a copy of data with another account")
    elif verb.endswith("-policy") and public:
        yield review(_FAMILY, "opens a store to everybody")
    elif verb == "modify-db-instance" and "--publicly-accessible" in call.argv:
        yield review(_FAMILY, "opens a database to everybody")


def _gsutil(call: Call) -> Iterator[Hit]:
    opens = call.operands[:1] in (["iam"], ["acl"], ["defacl"]) and not call.has("d")
    if opens and any(mark in _spoken(call) for mark in _EVERYBODY):
        yield block(_FAMILY, "opens a bucket to everybody")


def _az(call: Call) -> Iterator[Hit]:
    if call.option("--public-access") in {"blob", "container"} or call.option("--allow-blob-public-access") == "true":
        yield block(_FAMILY, "opens a bucket to everybody")


def _minio(call: Call) -> Iterator[Hit]:
    words = call.operands
    if words[:2] in (["anonymous", "set"], ["policy", "set"]) and {"public", "download", "upload"} & set(words):
        yield block(_FAMILY, "opens a bucket to everybody")


def _s3cmd(call: Call) -> Iterator[Hit]:
    if call.operands[:1] == ["setacl"] and call.has("", "--acl-public"):
        yield block(_FAMILY, "opens a bucket to everybody")


def _gh(call: Call) -> Iterator[Hit]:
    if call.operands[:2] == ["repo", "edit"] and call.option("--visibility") == "public":
        yield review(_FAMILY, "opens a repository to everybody")


def _serves(*options: str, operand: bool = False) -> Callable[[Call], Iterator[Hit]]:
    """A server of files: the folder that it gives out is looked at.

    Args:
        options: those that name the folder; without them it is the present one.
        operand: whether the folder is the last operand.
    """

    def rule(call: Call) -> Iterator[Hit]:
        bound = call.option("-b", "--bind", "--interfaces", "-i", "--listen") or ""
        if bound.startswith(_OWN):
            return
        named = call.option(*options) if options else None
        if named is None and operand and call.operands:
            named = call.operands[-1]
        folder = normal(named or ".", call.folder)
        if UNKNOWN not in folder and (is_private(folder) or is_secret_folder(folder)):
            yield review(_FAMILY, "serves a private folder to the network")

    return rule


def _python(call: Call) -> Iterator[Hit]:
    if call.option("-m") in {"http.server", "SimpleHTTPServer", "pyftpdlib", "uploadserver"}:
        yield from _serves("-d", "--directory")(call)


def _php(call: Call) -> Iterator[Hit]:
    listens = call.option("-S")
    if listens is not None and not listens.startswith(_OWN):
        yield from _serves("-t")(call)


RULES: Mapping[str, Callable[[Call], Iterable[Hit]]] = {
    "aws": _aws,
    "gsutil": _gsutil,
    "az": _az,
    "mc": _minio,
    "s3cmd": _s3cmd,
    "gh": _gh,
    "httpd": _serves("-h"),
    **dict.fromkeys(("python", "python3", "python2"), _python),
    "php": _php,
    "caddy": _serves("--root", "-r"),
    **dict.fromkeys(
        ("darkhttpd", "miniserve", "http-server", "serve", "smbserver.py", "impacket-smbserver", "dufs"),
        _serves(operand=True),
    ),
}
ALWAYS: tuple[Callable[[Call], Iterable[Hit]], ...] = ()
