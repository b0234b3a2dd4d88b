"""Which folders foreign commands may see, and whether an argument leads out of them. Touches the disk."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from aura_ia_mcp.bus.errors import AuraError


class Confinement:
    """Folders that may be seen, but for those hidden below them.

    Args:
        roots: absolute; the first is where commands start.
        hidden: absolute; what lies here is out of bounds even within a root.
    """

    def __init__(self, roots: Sequence[Path], hidden: Sequence[Path] = ()) -> None:
        self._named = tuple(roots)
        self.roots = tuple(Path(os.path.realpath(root)) for root in roots)
        self.hidden = tuple(Path(os.path.realpath(path)) for path in hidden)

    def fault(self) -> str | None:
        """What is wrong with the roots on this machine, or None."""
        for named, root in zip(self._named, self.roots, strict=True):
            if root == Path("/") or not root.is_dir():
                why = "would show the whole machine" if root == Path("/") else "isn't a folder on this machine"
                return f"commands.roots: {named} {why}; name folders that commands may see"
        return None

    def start(self, cwd: str | None) -> Path:
        """The folder, free of symlinks, in which a command starts; relative ones begin at the first root.

        Raises:
            AuraError: `invalid_arguments`: it isn't one, or lies outside.
        """
        found = Path(os.path.realpath(self.roots[0] / (cwd or ".")))
        if not self._inside(found):
            raise AuraError("invalid_arguments", f"arguments.cwd: it lies outside the allowed folders, {self._shown()}")
        if not found.is_dir():
            raise AuraError("invalid_arguments", "arguments.cwd: there is no such folder")
        return found

    def check(self, arguments: Sequence[str], cwd: Path) -> None:
        """Refuse arguments, and values in options, that lead outside, symlinks followed.

        Something counts as a path when it, or the folder that would hold it, exists: what only looks like one, as the
        pattern /api/users, passes.

        Raises:
            AuraError: `invalid_arguments`, with the argument's number.
        """
        for number, argument in enumerate(arguments, 1):
            if any(self._leads_out(text, cwd) for text in _candidates(argument)):
                raise AuraError(
                    "invalid_arguments",
                    f"arguments.command: its argument {number} leads out of the allowed folders, {self._shown()}",
                )

    def _leads_out(self, text: str, cwd: Path) -> bool:
        found = Path(os.path.realpath(cwd / text))
        return not self._inside(found) and (os.path.lexists(found) or os.path.lexists(found.parent))

    def _inside(self, path: Path) -> bool:
        return any(path.is_relative_to(root) for root in self.roots) and not any(
            path.is_relative_to(hidden) for hidden in self.hidden
        )

    def _shown(self) -> str:
        return ", ".join(map(str, self.roots))


def _candidates(argument: str) -> Iterator[str]:
    """The texts in an argument that could be paths: itself, `--name=VALUE`'s value, and each `-xVALUE` could be."""
    if argument.startswith("--"):
        yield argument.partition("=")[2]
    elif argument.startswith("-"):
        yield from (argument[at:] for at in range(2, len(argument)))
    yield argument
