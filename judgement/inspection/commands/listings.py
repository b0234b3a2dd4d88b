"""Programs that list: folders, homes, disks, processes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .guards import is_guard
from .model import ANYTHING, UNKNOWN, Call, Data, Label
from .sources import Files
from .spreading import find_paths


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
    shown = {data.text for data in call.options("-o", "--output")}
    if any(not text.isupper() and "," not in text and text not in shown for text in call.operands):
        return Data(UNKNOWN)
    whole = call.name != "lsblk" or call.has("p", "--paths") or any("PATH" in text for text in call.argv)
    return Data("/dev/sda" if whole else "sda", frozenset({Label.DISKS}))


def _process_ids(call: Call, _files: Files) -> Data:
    labels = {Label.GUARD} if any(is_guard(name.strip("^$")) for name in call.operands) else set()
    if call.name == "pgrep" and (not call.operands or "." in call.operands):
        labels.add(Label.PROCESSES)
    return Data(UNKNOWN, frozenset(labels))


def _find(call: Call, _files: Files) -> Data:
    return Data(" ".join(find_paths(call)))


def _children(call: Call, _files: Files) -> Data:
    """PowerShell's listing: the folders that it goes through, or the environment."""
    if any(text.lower().startswith("env:") for text in call.operands):
        return Data(UNKNOWN, frozenset({Label.PRIVATE}))
    named = [text for text in call.operands if "\\" in text or ":" in text or text.startswith("/")]
    return Data(" ".join(named) or UNKNOWN)


def _locate(call: Call, _files: Files) -> Data:
    """Paths of the whole machine, whoever's they are: a name in every home stands for them."""
    return Data(" ".join(f"/home/* /root/{name.lstrip('/')}" for name in call.operands))


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
    "find": _find,
    "ls": _ls,
    **dict.fromkeys(("get-childitem", "gci", "dir"), _children),
    **dict.fromkeys(("locate", "plocate", "mlocate"), _locate),
    **dict.fromkeys(("lsblk", "blkid", "findmnt"), _disks),
    **dict.fromkeys(("pidof", "pgrep"), _process_ids),
}
