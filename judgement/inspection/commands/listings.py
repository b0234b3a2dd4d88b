"""Programs that list: folders, homes, disks, processes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .guards import names_guard
from .model import ANYTHING, UNKNOWN, Call, Data, Label
from .prefixes import git_words
from .sources import Files
from .spreading import find_paths
from .targets import Place, normal, place


def homes(call: Call) -> Data | None:
    """Everybody's folders, where a call writes that column of the accounts' file; None otherwise.

    Args:
        call: of cut or awk.
    """
    sixth = call.option("-f", "--fields") == "6" or any("$6" in text for text in call.operands[:1])
    accounts = "/etc/passwd" in [*call.operands, *call.inputs] or Label.PRIVATE in call.stdin.labels
    return Data("/root /home/*", frozenset({Label.PRIVATE})) if sixth and accounts else None


def _disks(call: Call, _files: Files) -> Data:
    """The machine's disks: a name that stands for all of them."""
    if mounted(call):
        return Data(UNKNOWN, _WIDE)
    shown = {data.text for data in call.options("-o", "--output")}
    if any(not text.isupper() and "," not in text and text not in shown for text in call.operands):
        return Data(UNKNOWN)
    whole = call.name != "lsblk" or call.has("p", "--paths") or any("PATH" in text for text in call.argv)
    return Data("/dev/sda" if whole else "sda", frozenset({Label.DISKS}))


def _process_ids(call: Call, _files: Files) -> Data:
    labels = {Label.GUARD} if any(map(names_guard, call.operands)) else set()
    if call.name == "pgrep" and (not call.operands or "." in call.operands):
        labels.add(Label.PROCESSES)
    return Data(UNKNOWN, frozenset(labels))


_WIDE = frozenset({Label.WIDE})
_VAST = frozenset({Place.MACHINE, Place.HOME, Place.DATA})


def _find(call: Call, _files: Files) -> Data:
    paths = find_paths(call)
    vast = any(path.endswith("/*") and place(path, call.folder) in _VAST for path in paths)
    return Data(" ".join(paths), _WIDE if vast else frozenset())


def _of_package(call: Call, _files: Files) -> Data:
    """The files of installed packages: parts of the system, whichever."""
    asks = call.has("L", "-ql", "--listfiles", "-Ql", "-Qlq", "info", "files") or call.operands[:1] == ["files"]
    return Data(UNKNOWN, _WIDE if asks else frozenset())


def _under(call: Call, _files: Files) -> Data:
    """Programs that list all under the folders they are given."""
    roots = [text for text in call.operands if text.startswith(("/", "~", ".."))]
    return Data(UNKNOWN, _WIDE if any(place(root, call.folder) in _VAST for root in roots) else frozenset())


def _git(call: Call, _files: Files) -> Data | None:
    """The files of a repository that is a whole machine or a home."""
    if git_words(call)[:1] != ["ls-files"]:
        return None
    folder = normal(call.option("-C") or ".", call.folder)
    return Data(UNKNOWN, _WIDE if folder.startswith("/") and place(folder) in _VAST else frozenset())


_CHOOSES = ("where", "limit", "join", "delete", "update", "insert", "pg_", "information_schema", "count(")


def _queried(call: Call, _files: Files) -> Data | None:
    """A column of paths that a database holds of all it knows."""
    asked = next((text.lower() for text in call.argv if "select" in text.lower()), "")
    columns = asked.partition("select")[2].partition(" from ")[0]
    named = any(word in columns for word in ("path", "file", "location", "uri", "blob"))
    return Data(UNKNOWN, _WIDE) if named and not any(word in asked for word in _CHOOSES) else None


def mounted(call: Call) -> bool:
    """Whether a call lists where file systems are mounted."""
    return call.name in {"df", "findmnt", "lsblk"} and any(
        "target" in t.lower() or "MOUNTPOINT" in t for t in call.argv
    )


def maybe(call: Call, files: Files) -> Data | None:
    """What a program lists that does other things too; None where it lists nothing that is known.

    Args:
        call: wrappers taken off.
        files: contents known from the same text.
    """
    if mounted(call):
        return Data(UNKNOWN, _WIDE)
    rule = _SOMETIMES.get(call.name)
    return None if rule is None else rule(call, files)


_SOMETIMES: Mapping[str, Callable[[Call, Files], Data | None]] = {
    "git": _git,
    **dict.fromkeys(("sqlite3", "psql", "mysql", "mariadb", "duckdb"), _queried),
}


def _children(call: Call, _files: Files) -> Data:
    """PowerShell's listing: the folders that it goes through, or the environment."""
    if any(text.lower().startswith("env:") for text in call.operands):
        return Data(UNKNOWN, frozenset({Label.PRIVATE}))
    named = [text for text in call.operands if "\\" in text or ":" in text or text.startswith("/")]
    return Data(" ".join(named) or UNKNOWN)


def _locate(call: Call, _files: Files) -> Data:
    """Paths of the whole machine, whoever's they are: a name in every home stands for them."""
    wide = any(place(name) in _VAST for name in call.operands if name.startswith("/"))
    paths = " ".join(f"/home/* /root/{name.lstrip('/')}" for name in call.operands)
    return Data(paths, _WIDE if wide else frozenset())


def _ls(call: Call, _files: Files) -> Data:
    paths = call.operands
    if not paths:
        return ANYTHING
    if any(path.rstrip("/") == "/proc" for path in paths):
        return Data(UNKNOWN, frozenset({Label.PROCESSES}))
    return Data(
        " ".join(path if any(m in path for m in "*?[") or call.has("d") else path.rstrip("/") + "/*" for path in paths)
    )


WRITERS: Mapping[str, Callable[[Call, Files], Data]] = {
    **dict.fromkeys(("find", "gfind", "bfs"), _find),
    **dict.fromkeys(("dpkg", "rpm", "pacman", "apk", "dpkg-query", "pkg"), _of_package),
    **dict.fromkeys(("du", "tree", "fd", "fdfind", "rg", "ncdu", "lsd", "exa", "eza"), _under),
    "ls": _ls,
    **dict.fromkeys(("get-childitem", "gci", "dir"), _children),
    **dict.fromkeys(("locate", "plocate", "mlocate"), _locate),
    **dict.fromkeys(("lsblk", "blkid", "findmnt"), _disks),
    **dict.fromkeys(("pidof", "pgrep"), _process_ids),
}
