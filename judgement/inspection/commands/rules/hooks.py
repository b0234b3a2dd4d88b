"""Package managers' hooks, which run whenever somebody installs: set by a command or written to a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from ..model import Call, Hit, block

_NAMES = (
    "preinstall",
    "postinstall",
    "scripts.install",
    '"install"',
    "prepare",
    "prepublish",
    "prepack",
    "install-cmd",
    "update-cmd",
    "autoload-dump",
    "preuninstall",
    "installer.",
)
_MARKS = (
    "curl ",
    "wget ",
    "| sh",
    "|sh",
    "| bash",
    "|bash",
    "base64 -d",
    "/dev/tcp",
    "nc ",
    "iwr ",
    "powershell",
    "eval(",
    "/tmp/",  # noqa: S108 (a pattern)
    "iex",
)
_SETTERS = frozenset({"npm", "yarn", "pnpm", "bun", "composer", "poetry", "jq", "sed", "perl", "npx", "json", "gsed"})
_FILES = ("package.json", "composer.json", ".npmrc", "pyproject.toml", "setup.py")


def _sets_hook(call: Call) -> Iterator[Hit]:
    texts = [made.data.text for made in call.outputs if made.path.endswith(_FILES)]
    if call.name in {"tee", "sponge"} and any(path.endswith(_FILES) for path in call.operands):
        texts.append(call.stdin.text)
    if call.name in _SETTERS:
        texts.append(" ".join(call.argv))
    if any(name in text and any(mark in text for mark in _MARKS) for text in texts for name in _NAMES):
        yield block("persist", "makes each installation of a package run something hidden")


RULES: Mapping[str, Callable[[Call], Iterable[Hit]]] = {}
ALWAYS: tuple[Callable[[Call], Iterable[Hit]], ...] = (_sets_hook,)
