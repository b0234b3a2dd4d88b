"""Names of roles and actions, however they are spelt."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

MOST_CHARS = 128
_SEPARATORS = str.maketrans(dict.fromkeys(":-./ ", "_"))
_CLOSE = 0.6


def fold(name: str) -> str:
    """One spelling for all: `read:config`, `Read-Config` and `read_config` are one name; case is folded.

    Longer names than 128 characters are cut, which no known name survives.
    """
    words = name[: MOST_CHARS + 1].casefold().translate(_SEPARATORS).split("_")
    return "_".join(word for word in words if word)


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name that looks most like this one; "" when none does."""
    found = difflib.get_close_matches(fold(name)[:MOST_CHARS], sorted(known), n=1, cutoff=_CLOSE)
    return found[0] if found else ""


def hint(name: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown name: the nearest known one, or all of them."""
    known = sorted(known)
    if not known:
        return "there is none at all"
    near = nearest(name, known)
    return f"did you mean {near!r}?" if near else f"there are {', '.join(known)}"
