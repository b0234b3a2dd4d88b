"""Shell globs by RE2, so that no pattern, ours or foreign, can make matching slow."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache

import re2

_MAX_GLOB = 512


def _translated(pattern: str) -> str:
    out: list[str] = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*":
            if not out or out[-1] != ".*":
                out.append(".*")
        elif char == "?":
            out.append(".")
        elif char == "[" and 0 < (end := pattern.find("]", at + 1)) <= at + 40:
            inner = pattern[at:end]
            negated = inner[:1] in {"!", "^"}
            members = "".join("\\" + c if c in "\\]^[" else c for c in inner[negated:])
            out.append(f"[{'^' if negated else ''}{members}]")
            at = end + 1
        else:
            out.append(re2.escape(char))
    return "".join(out)


def any_of(patterns: Iterable[str]) -> Callable[[str], bool]:
    """A test whether a whole text matches one of these globs; `*` crosses slashes."""
    options = re2.Options()
    options.log_errors = False
    options.dot_nl = True
    compiled = re2.compile("(?:" + "|".join(_translated(pattern) for pattern in patterns) + r")\z", options)
    return lambda text: compiled.match(text) is not None


@lru_cache(maxsize=256)
def matcher(pattern: str) -> Callable[[str], bool]:
    """A test for one glob, which may be foreign; one that is too long or no glob matches nothing."""
    if len(pattern) > _MAX_GLOB:
        return lambda _text: False
    try:
        return any_of([pattern])
    except re2.error:
        return lambda _text: False
