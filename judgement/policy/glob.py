"""Name patterns: `*` stands for any characters, everything else for itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable


def matcher(patterns: Iterable[str]) -> Callable[[str], bool]:
    """Whether a name has the form of one of the patterns; linear in the name."""
    patterns = tuple(patterns)
    plain = frozenset(each for each in patterns if "*" not in each)
    split = tuple(each.split("*") for each in patterns if "*" in each)

    def matches(name: str) -> bool:
        return name in plain or any(_fits(parts, name) for parts in split)

    return matches


def _fits(parts: list[str], name: str) -> bool:
    first, *middle, last = parts
    if len(name) < len(first) + len(last) or not name.startswith(first) or not name.endswith(last):
        return False
    at, stop = len(first), len(name) - len(last)
    for part in middle:
        found = name.find(part, at, stop)
        if found < 0:
            return False
        at = found + len(part)
    return True
