"""Forged chat markup, forged ends of documents, and places that readers don't see."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import re2

from .lexicon import load
from .source import Source


class Place(NamedTuple):
    """A piece of markup.

    Args:
        start: where it begins, in characters.
        end: where it ends.
        weight: how sure it is by itself, 0 to 1; what is said inside or behind it adds.
        what: what it is, for a person.
        family: delimiter or indirect or exfiltrate.
    """

    start: int
    end: int
    weight: float
    what: str
    family: str


class _Mark(NamedTuple):
    """A pattern of forged markup with what it means."""

    pattern: Any
    weight: float
    what: str
    family: str


@cache
def _patterns() -> tuple[list[_Mark], list[Any]]:
    """The patterns of `markup.yaml`: forged markup, and places that readers don't see."""
    data = load("markup")

    def compiled(pattern: str) -> Any:
        for word, choices in data["words"].items():
            pattern = pattern.replace(f"@{word}@", choices)
        return re2.compile(pattern.encode())

    marks = [
        _Mark(compiled(f"(?im){row['pattern']}"), row["weight"], row["what"], row["family"]) for row in data["marks"]
    ]
    return marks, [compiled(pattern) for pattern in data["unseen"]]


def marks(source: Source) -> list[Place]:
    """Forged markup, each with its weight."""
    found = []
    for pattern, weight, what, family in _patterns()[0]:
        found += [Place(start, end, weight, what, family) for start, end, _ in source.find(pattern)]
    return found


def unseen(source: Source) -> list[tuple[int, int]]:
    """Where readers see nothing, or not at once: comments, hidden elements, texts instead of images."""
    return [(start, end) for pattern in _patterns()[1] for start, end, _ in source.find(pattern)]
