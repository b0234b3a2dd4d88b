"""The files that a call leaves, besides redirections, and what is in them."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping

from ..filters import Files
from ..model import UNKNOWN, Call, Data, Label

_FETCHED = Data(UNKNOWN, frozenset({Label.REMOTE}))
_PRIVATE = Data(UNKNOWN, frozenset({Label.PRIVATE}))
_Left = Iterator[tuple[str, Data]]


def files_written(call: Call, files: Files) -> _Left:
    """The files that the call leaves, besides redirections, and what is in them.

    Args:
        call: a download, tee, cp, mv, ln or install.
        files: contents known so far; a copied file is what was copied.
    """
    rule = _BY_NAME.get(call.name)
    if rule is not None and call.args:
        yield from rule(call, files)


def _downloaded(call: Call, files: Files) -> _Left:  # noqa: ARG001 (one signature for all of a table)
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


def _transferred(call: Call, files: Files) -> _Left:  # noqa: ARG001
    yield from ((data.text, _FETCHED) for data in call.options("-l", "-r", "-c"))


def _shared(call: Call, files: Files) -> _Left:  # noqa: ARG001
    texts = [data.text for data in call.options("-c", "--command")]
    yield from ((text.split()[-1], _FETCHED) for text in texts if "get " in text)


def _copied_here(call: Call, files: Files) -> _Left:  # noqa: ARG001
    if any("://" in text or ":" in text[2:] for text in call.operands[:-1]):
        yield call.operands[-1], _FETCHED


def _recorded(call: Call, files: Files) -> _Left:  # noqa: ARG001
    if call.operands:
        yield call.operands[-1], _PRIVATE


def _split(call: Call, files: Files) -> _Left:  # noqa: ARG001
    yield from ((path, call.stdin) for path in call.operands)


def _copied(call: Call, files: Files) -> _Left:
    for source in call.operands[:-1]:
        held = files.content(source)
        if held is not None:
            yield call.operands[-1], held
            yield posixpath.join(call.operands[-1], posixpath.basename(source)), held


_BY_NAME: Mapping[str, Callable[[Call, Files], _Left]] = {
    **dict.fromkeys(("curl", "wget", "wget2", "curlie", "fetch", "aria2c", "axel", "lwp-download"), _downloaded),
    **dict.fromkeys(("http", "https", "xh"), _asked_to_download),
    "tftp": _transferred,
    "smbclient": _shared,
    **dict.fromkeys(
        ("rsync", "scp", "certutil", "bitsadmin", "start-bitstransfer", "invoke-webrequest", "iwr"), _copied_here
    ),
    **dict.fromkeys(("compress-archive", "screencapture", "scrot", "grim", "maim", "arecord"), _recorded),
    "tee": _split,
    **dict.fromkeys(("cp", "mv", "ln", "install"), _copied),
}
