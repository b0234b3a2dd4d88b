"""All rules behind one door: which of them look at a call, and what files a call leaves."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping

from ..filters import Files
from ..model import UNKNOWN, Call, Data, Hit, Label, review
from . import (
    containers,
    credentials,
    databases,
    devices,
    exfiltrate,
    exhaust,
    files,
    guards,
    infrastructure,
    network,
    persist,
    privilege,
    publishing,
    spying,
    tracks,
    windows,
)

_MODULES = (
    files,
    devices,
    exfiltrate,
    exhaust,
    guards,
    tracks,
    credentials,
    network,
    persist,
    databases,
    infrastructure,
    privilege,
    containers,
    publishing,
    spying,
    windows,
)
Rule = Callable[[Call], Iterable[Hit]]

_ALWAYS: tuple[Rule, ...] = tuple(rule for module in _MODULES for rule in module.ALWAYS)
_WRITING: tuple[Rule, ...] = tuple(rule for module in _MODULES for rule in getattr(module, "WRITING", ()))
_WRITERS = frozenset("tee sponge cp mv ln install rsync scp ditto sed gsed perl curl wget dd".split())
FOLDED: frozenset[str] = frozenset(windows.RULES) | frozenset(
    {"cmd", "powershell", "pwsh", "mimikatz", "foreach-object"}
)
"""Names that count in upper case too."""


_INSTALLERS = frozenset({"dpkg", "rpm", "apt", "apt-get", "dnf", "yum", "apk", "installer", "msiexec", "snap"})


def _by_name() -> Mapping[str, tuple[Rule, ...]]:
    table: dict[str, tuple[Rule, ...]] = {}
    for module in _MODULES:
        for name, rule in module.RULES.items():
            table[name] = (*table.get(name, ()), rule)
    return table


_RULES = _by_name()


def judge(call: Call, files: Files) -> Iterator[Hit]:
    """All that the rules say of a call.

    Args:
        call: wrappers taken off.
        files: contents known from the same text; a copied file is what was copied.
    """
    if call.args and len(call.args) <= 3 and call.argv[-1] in {"--help", "--version", "-h", "--usage", "/?"}:  # noqa: PLR2004, SIM102
        if call.argv[-1] != "-h" or call.name not in {"shutdown"}:
            return
    for rule in _RULES.get(call.name, ()):
        yield from rule(call)
    if call.name.startswith(("mkfs.", "mke2fs")):
        yield from devices.make_file_system(call)
    for rule in _ALWAYS:
        yield from rule(call)
    if call.outputs or call.name in _WRITERS:
        for rule in _WRITING:
            yield from rule(call)
    yield from exfiltrate.sends_content(call, files)
    if call.name in _INSTALLERS:
        held = [files.content(path) for path in call.operands]
        if any(data is not None and Label.REMOTE in data.labels for data in held):
            yield review("download_execute", "installs what was just fetched")


def files_written(call: Call, files: Files) -> Iterator[tuple[str, Data]]:
    """The files that the call leaves, besides redirections, and what is in them.

    Args:
        call: a download, tee, cp, mv, ln or install.
        files: contents known so far.
    """
    fetched = Data(UNKNOWN, frozenset({Label.REMOTE}))
    operands = call.operands
    if call.name in {"curl", "wget", "fetch", "aria2c"}:
        yield from ((path, fetched) for path in _downloads(call))
    elif call.name in {"scp", "certutil", "bitsadmin", "start-bitstransfer", "invoke-webrequest", "iwr"} and operands:
        if any("://" in text or ":" in text[2:] for text in operands[:-1]):
            yield operands[-1], fetched
    elif call.name == "tee":
        for path in operands:
            yield path, call.stdin
    elif call.name in {"cp", "mv", "ln", "install"} and len(operands) > 1:
        for source in operands[:-1]:
            held = files.content(source)
            if held is not None:
                yield operands[-1], held
                yield posixpath.join(operands[-1], posixpath.basename(source)), held


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
