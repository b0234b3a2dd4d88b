"""Hazards of paths: ways out of a root, in plain or encoded form, and files that hold credentials."""

from __future__ import annotations

import posixpath
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from urllib.parse import unquote

from ..finding import Finding, Severity
from .commands.model import HOME
from .commands.secrets import is_secret, is_secret_folder
from .commands.targets import is_device

MAX_TEXT = 16 * 1024
_MAX_DECODINGS = 3
_SLASHES = str.maketrans({"\\": "/", "\u2215": "/", "\u2044": "/", "\uff0f": "/", "\uff3c": "/", "\u29f8": "/"})

_WORDS = {
    "escape": ("leads out of the allowed folders", "Name a path below an allowed folder."),
    "encoded": ("is written in an encoding that checks overlook", "Write the path plainly."),
    "nul": ("holds a NUL or control character", "Write the path without control characters."),
    "unc": ("names another machine's share", "Name a path of this machine."),
    "scheme": ("is an address, not a path", "Name a plain path."),
    "sensitive": ("names credentials", "Use the credential through the program it is for."),
    "system": ("names a device or a process's inner files", "Name an ordinary file."),
    "symlink_escape": (
        "leads out of the allowed folders through a link",
        "Name the real path below an allowed folder.",
    ),
    "too_large": ("is longer than a path can be", "Name a shorter path."),
}


def inspect_path(text: str, roots: Sequence[str] = (), resolve: Callable[[str], str] | None = None) -> list[Finding]:
    """Judge one path.

    Args:
        text: a path as a caller gave it.
        roots: absolute folders that it must lie below; relative paths begin at the first. Without any, only ways out of
            the present folder, encodings and sensitive files are found.
        resolve: follows links (`os.path.realpath` of a caller that may do IO); None judges the text alone.

    Returns:
        Findings with rules `path.<name>`: escape, encoded, nul, unc, scheme, sensitive, system, symlink_escape,
        too_large.
    """
    text = text.encode("utf-8", "replace").decode()  # a lone surrogate is no text; RE2 refuses it
    if len(text) > MAX_TEXT:
        return [_finding("too_large", Severity.BLOCK, text)]
    found = dict.fromkeys(_judge(text, roots, resolve))
    return [_finding(rule, Severity.BLOCK, text) for rule in found]


def _finding(rule: str, severity: Severity, text: str) -> Finding:
    what, remedy = _WORDS[rule]
    return Finding(f"path.{rule}", severity, 0, len(text), 0.95, f"The path {what}", remedy)


def _judge(text: str, roots: Sequence[str], resolve: Callable[[str], str] | None) -> Iterator[str]:
    plain, encoded = _decoded(text)
    if any(ord(char) < 32 or ord(char) == 127 for char in plain):  # noqa: PLR2004
        yield "nul"
        plain = plain.split("\0")[0]
    if plain.startswith(("//", "\\\\")) or plain.lower().startswith(("/??/", "\\??\\")):
        yield "unc"
    if "://" in plain or plain.lower().startswith(("file:", "jar:", "phar:", "php:")):
        yield "scheme"
        plain = "/" + plain.partition(":")[2].lstrip("/")
    slashed = unicodedata.normalize("NFKC", plain.translate(_SLASHES))
    climbs = _climbs(slashed)
    if (encoded and (climbs or (slashed.startswith("/") and not text.startswith("/")))) or (
        climbs and slashed.count("..") != text.count("..")
    ):
        yield "encoded"
    yield from _place(slashed, climbs, roots, resolve)


def _decoded(text: str) -> tuple[str, bool]:
    """The text with URL encodings, overlong UTF-8 dots and slashes, and `%uXXXX` undone; and whether there were any."""
    plain = text
    for _ in range(_MAX_DECODINGS):
        if "%" not in plain:
            break
        lowered = plain
        for overlong, char in (
            ("%c0%ae", "."),
            ("%c0%af", "/"),
            ("%c1%9c", "\\"),
            ("%u002e", "."),
            ("%u2215", "/"),
            ("%u2216", "\\"),
            ("%e0%80%af", "/"),
            ("%e0%80%ae", "."),
        ):
            lowered = lowered.replace(overlong, char).replace(overlong.upper().replace("%U", "%u"), char)
        following = unquote(lowered)
        if following == plain:
            break
        plain = following
    return plain, plain != text


def _climbs(path: str) -> bool:
    """Whether the path leaves the folder it begins in; `....//` and `..;/` count as what some programs make of them."""
    depth = 0
    for piece in path.split("/"):
        bare = piece.partition(";")[0].strip()
        if bare == ".." or (bare[2:] and set(bare) == {"."}):
            depth -= 1
            if depth < 0:
                return True
        elif bare not in {"", "."}:
            depth += 1
    return False


def _place(path: str, climbs: bool, roots: Sequence[str], resolve: Callable[[str], str] | None) -> Iterator[str]:
    home = path.startswith("~")
    expanded = HOME + path[1:] if path.startswith(("~/", "~\\")) or path == "~" else path
    absolute = expanded.startswith("/") or (len(path) > 1 and path[1] == ":" and path[0].isalpha())
    clean = posixpath.normpath("/" + expanded.lstrip("/")) if expanded.startswith("/") else posixpath.normpath(expanded)
    if is_secret(clean) or is_secret_folder(clean):
        yield "sensitive"
    if is_device(clean) or clean.startswith(("/proc/", "/sys/", "/dev/mem", "/dev/kmem")):
        yield "system"
    if not roots:
        if climbs:
            yield "escape"
        return
    start = roots[0].rstrip("/") or "/"
    full = clean if absolute else posixpath.normpath(f"{start}/{expanded}")
    if home or not _below(full, roots) or (absolute and path[1:2] == ":"):
        yield "escape"
    elif resolve is not None and not _below(posixpath.normpath(resolve(full)), [resolve(root) for root in roots]):
        yield "symlink_escape"


def _below(path: str, roots: Sequence[str]) -> bool:
    return any(path == root.rstrip("/") or path.startswith(root.rstrip("/") + "/") for root in roots)
