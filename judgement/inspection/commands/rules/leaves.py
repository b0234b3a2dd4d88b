"""The files that a call leaves, besides redirections, and what is in them."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping

from ..model import UNKNOWN, Call, Data, Field, Label
from ..secrets import is_secret_folder
from ..sources import Files, read_labels
from .written import HIDDEN_FOLDERS

_FETCHED = Data(UNKNOWN, frozenset({Label.REMOTE}))
_PRIVATE = Data(UNKNOWN, frozenset({Label.PRIVATE}))
_Left = Iterable[tuple[str, Data]]


def files_written(call: Call, files: Files) -> Iterator[tuple[str, Data]]:
    """The files that the call leaves, besides redirections, and what is in them.

    Args:
        call: a download, tee, cp, mv, ln or install.
        files: contents known so far; a copied file is what was copied.
    """
    rule = _BY_NAME.get(call.name)
    if rule is not None and call.args:
        yield from rule(call, files)


def _downloaded(call: Call, _files: Files) -> _Left:
    yield from ((path, _FETCHED) for path in _downloads(call))


def _downloads(call: Call) -> Iterator[str]:
    named = call.option("-o", "--output", "-O", "--output-document", "--out")
    folder = call.option("-P", "--directory-prefix", "--output-dir", "-d", "--dir") or "."
    if named and not named.startswith(("http", "-")):
        yield named
    if call.name == "curl" and not call.has("OJ", "--remote-name"):
        return
    for text in call.operands:
        if "/" in text and not text.startswith("/"):
            yield posixpath.join(folder, posixpath.basename(text.split("?")[0]))


def _asked_to_download(call: Call, files: Files) -> _Left:
    if call.has("d", "--download"):
        yield from _downloaded(call, files)


def _transferred(call: Call, _files: Files) -> _Left:
    yield from ((data.text, _FETCHED) for data in call.options("-l", "-r", "-c"))


def _shared(call: Call, _files: Files) -> _Left:
    if call.name == "sftp" and call.operands[1:] and ":" in call.operands[0]:
        yield call.operands[-1], _FETCHED
    told = [call.stdin.text, *(data.text for data in call.options("-c", "-e", "--command"))]
    for line in "\n".join(told).replace(";", "\n").split("\n")[:200]:
        words = line.split()
        if words[:1] in (["get"], ["mget"], ["pget"]):
            yield from ((path, _FETCHED) for path in words[1:])


def _copied_here(call: Call, _files: Files) -> _Left:
    if any("://" in text or ":" in text[2:] for text in call.operands[:-1]):
        yield call.operands[-1], _FETCHED


_STORES = "aws gsutil gcloud rclone az mc mcli s3cmd s5cmd b2 ipfs gh glab azcopy kubectl oc doctl oras".split()
_STORE_VERBS = frozenset("cp copy copyto sync get download mv move get-object clone pull".split())


def _from_store(call: Call, _files: Files) -> _Left:
    """What a client of a store, a forge or an engine puts into a folder where everybody may write.

    What goes into a project's own folder is daily work; it is a download that is run from a temporary one that tells.
    """
    if _STORE_VERBS.isdisjoint(call.operands[:4]):
        return
    named = [data.text for data in call.options("-f", "--file", "-o", "--output", "-O", "-D", "--dir", "--destination")]
    for path in [*named, *call.operands[-1:]]:
        if path.startswith(HIDDEN_FOLDERS):
            yield path, _FETCHED


def _recorded(call: Call, _files: Files) -> _Left:
    if call.operands:
        yield call.operands[-1], _PRIVATE


def _split(call: Call, _files: Files) -> _Left:
    yield from ((path, call.stdin) for path in call.operands)


def _copied(call: Call, files: Files) -> _Left:
    for source in call.operands[:-1]:
        held = files.content(source)
        if held is not None:
            yield call.operands[-1], held
            yield posixpath.join(call.operands[-1], posixpath.basename(source)), held


_ENGINES = frozenset({"docker", "podman", "nerdctl", "buildah"})
_ARCHIVED = frozenset({Label.SECRET, Label.PRIVATE, Label.DUMP})


def _packed(call: Call, files: Files) -> _Left:
    """An archive, with the labels of what was packed; whole folders of a home or a machine are a dump of it."""
    folder = call.option("-C", "--directory") or ""
    if Label.REMOTE in call.stdin.labels and f"{folder}/".startswith(HIDDEN_FOLDERS):
        yield folder, _FETCHED
    archive, sources = _archive(call)
    if archive in {"", "-"}:
        return
    labels = read_labels(Call(call.name, [Field(Data(path)) for path in sources], folder=call.folder), files)
    labels |= call.stdin.labels
    if Label.PRIVATE in labels or any(is_secret_folder(path, call.folder) for path in sources):
        labels = (labels - {Label.PRIVATE}) | {Label.DUMP}
    yield archive, Data(UNKNOWN, frozenset(labels & _ARCHIVED))


def _archive(call: Call) -> tuple[str, list[str]]:
    """An archive's path and what goes into it."""
    words = call.operands
    if call.name in {"tar", "bsdtar", "gtar"}:
        bundle = call.argv[0]
        if "x" in bundle or "t" in bundle.strip("-") or call.has("", "--extract", "--list"):
            return "", []
        named = call.option("-f", "--file") or next((data.text for data in call.bundled("f")), "")
        if not named and words[:1] == [bundle] and "f" in bundle and len(words) > 1:
            named = words[1]
        return named, [path for path in [*words, call.option("-C", "--directory") or ""] if path not in {named, bundle}]
    if call.name in {"7z", "7za", "7zz", "7zr", "rar"}:
        return (words[1], words[2:]) if words[:1] == ["a"] and len(words) > 1 else ("", [])
    return (words[0], words[1:]) if words else ("", [])


def _dumped(call: Call, files: Files) -> _Left:
    """What a database's or an engine's client writes out by its own option, or makes an image of."""
    verb = next(iter(call.operands), "")
    if verb == "commit" and call.name in _ENGINES and call.operands[2:]:
        yield call.operands[-1], Data(UNKNOWN, frozenset({Label.DUMP}))
    if verb == "tag" and call.name in _ENGINES and call.operands[2:]:
        yield call.operands[-1], files.content(call.operands[1]) or Data(UNKNOWN)
    if call.name in _ENGINES and verb == "cp" and call.operands[-1].startswith(HIDDEN_FOLDERS):
        yield call.operands[-1], _FETCHED
    if call.name in {"redis-cli", "valkey-cli"} and call.option("--rdb"):
        yield call.option("--rdb") or "", Data(UNKNOWN, frozenset({Label.DUMP}))
    if call.name.endswith(("dump", "dumpall")) or verb in {"save", "export", "bundle"}:
        named = call.option("-f", "--file", "-r", "--result-file", "-o", "--output")
        if verb == "bundle" and call.operands[1:2] == ["create"] and call.operands[2:]:
            named = call.operands[2]
        if named:
            yield named, Data(UNKNOWN, frozenset({Label.DUMP}))


def _cloned(call: Call, _files: Files) -> _Left:
    """A repository from a bare address or over an unprotected connection: as good as any download."""
    words = call.operands
    if not {"clone", "checkout", "co"} & set(words[:1]) and words[:2] != ["submodule", "add"]:
        return
    at = next((n for n, text in enumerate(words) if "://" in text), None)
    if at is None:
        return
    target = words[at + 1] if len(words) > at + 1 else posixpath.basename(words[at].rstrip("/")).removesuffix(".git")
    if _unprotected(words[at]) or f"{target}/".startswith(HIDDEN_FOLDERS):
        yield target, _FETCHED


def _unprotected(address: str) -> bool:
    scheme, _, rest = address.partition("://")
    host = rest.rpartition("@")[2].partition("/")[0].partition(":")[0]
    near = host in {"localhost", "127.0.0.1"}
    return not near and (scheme in {"http", "git", "svn", "ftp"} or host.replace(".", "").isdigit())


_BY_NAME: Mapping[str, Callable[[Call, Files], _Left]] = {
    **dict.fromkeys(("curl", "wget", "wget2", "curlie", "fetch", "aria2c", "axel", "lwp-download"), _downloaded),
    **dict.fromkeys(("http", "https", "xh"), _asked_to_download),
    "tftp": _transferred,
    **dict.fromkeys(("smbclient", "ftp", "sftp", "lftp"), _shared),
    **dict.fromkeys(
        ("rsync", "scp", "certutil", "bitsadmin", "start-bitstransfer", "invoke-webrequest", "iwr"), _copied_here
    ),
    **dict.fromkeys(("compress-archive", "screencapture", "scrot", "grim", "maim", "arecord"), _recorded),
    **dict.fromkeys(("tar", "bsdtar", "gtar", "zip", "7z", "7za", "7zz", "7zr", "rar"), _packed),
    **dict.fromkeys(
        (
            "redis-cli",
            "valkey-cli",
            "pg_dump",
            "pg_dumpall",
            "mysqldump",
            "mariadb-dump",
            "mongodump",
            "docker",
            "podman",
            "nerdctl",
        ),
        _dumped,
    ),
    "git": lambda call, files: [*_cloned(call, files), *_dumped(call, files)],
    **dict.fromkeys(("svn", "hg", "fossil", "bzr"), _cloned),
    **dict.fromkeys(_STORES, _from_store),
    "tee": _split,
    **dict.fromkeys(("cp", "mv", "ln", "install"), _copied),
}
