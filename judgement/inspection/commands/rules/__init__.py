"""All rules behind one door: which of them look at a call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from ..model import Call, Hit
from ..sources import Files
from . import (
    clouds,
    containers,
    credentials,
    data_services,
    databases,
    devices,
    environments,
    exfiltrate,
    exhaust,
    fetched,
    files,
    frameworks,
    guards,
    hooks,
    infrastructure,
    network,
    persist,
    privilege,
    publishing,
    repositories,
    resources,
    root_shells,
    shadowing,
    spying,
    start_files,
    tracks,
    vaults,
    verbs,
    webshells,
    windows,
)
from .leaves import files_written

__all__ = ["FOLDED", "files_written", "judge"]

_MODULES = (
    files,
    devices,
    exfiltrate,
    exhaust,
    guards,
    tracks,
    credentials,
    vaults,
    environments,
    network,
    fetched,
    persist,
    shadowing,
    start_files,
    hooks,
    databases,
    data_services,
    frameworks,
    infrastructure,
    clouds,
    repositories,
    privilege,
    root_shells,
    containers,
    publishing,
    spying,
    webshells,
    windows,
    verbs,
    resources,
)
Rule = Callable[[Call], Iterable[Hit]]

_ALWAYS: tuple[Rule, ...] = tuple(rule for module in _MODULES for rule in module.ALWAYS)
_WRITING: tuple[Rule, ...] = tuple(rule for module in _MODULES for rule in getattr(module, "WRITING", ()))
_WRITERS = frozenset(
    "tee sponge cp mv ln install rsync scp ditto sed gsed perl ruby awk gawk curl wget dd"
    " add-content set-content out-file".split()
)
FOLDED: frozenset[str] = (
    frozenset(windows.RULES)
    | frozenset(verbs.RULES)
    | frozenset(
        {"cmd", "powershell", "pwsh", "mimikatz", "foreach-object", "get-content", "get-childitem", "get-process"}
    )
)
"""Names that count in upper case too."""


def _by_name() -> Mapping[str, tuple[Rule, ...]]:
    table: dict[str, tuple[Rule, ...]] = {}
    for module in _MODULES:
        for name, rule in module.RULES.items():
            table[name] = (*table.get(name, ()), rule)
    return table


_RULES = _by_name()


_HELP = frozenset({"--help", "--version", "-h", "--usage", "/?"})


def _asks_for_help(call: Call) -> bool:
    """Whether a program is only asked how it is used; `shutdown -h` halts."""
    last = call.argv[-1] if call.argv and not call.argv[3:] else ""
    return last in _HELP and (last != "-h" or call.name != "shutdown")


def judge(call: Call, files: Files) -> Iterator[Hit]:
    """All that the rules say of a call.

    Args:
        call: wrappers taken off.
        files: contents known from the same text; a copied file is what was copied.
    """
    if _asks_for_help(call):
        return
    for rule in _RULES.get(call.name, ()):
        yield from rule(call)
    if call.name.startswith(("mkfs.", "mke2fs", "newfs_")):
        yield from devices.make_file_system(call)
    for rule in _ALWAYS:
        yield from rule(call)
    if call.outputs or call.name in _WRITERS:
        for rule in _WRITING:
            yield from rule(call)
    yield from exfiltrate.sends_content(call, files)
    yield from fetched.runs_fetched(call, files)
