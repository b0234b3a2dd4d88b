"""Hazards of code in any language, seen by the things that it names together (`concepts.yaml`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import ahocorasick_rs
import yaml

from ..model import Hit, review

MAX_CODE = 64 * 1024
"""Characters that are looked at."""


@dataclass(frozen=True, slots=True)
class _Hazard:
    """Concepts that are a hazard together."""

    hit: Hit
    together: frozenset[str]
    absent: frozenset[str]


def _read() -> tuple[list[str], list[str], tuple[_Hazard, ...]]:
    data = yaml.safe_load((files(__package__) / "concepts.yaml").read_text("utf-8"))
    words: list[str] = []
    meanings: list[str] = []
    for concept, spelled in data["concepts"].items():
        words += [word.lower() for word in spelled]
        meanings += [concept] * len(spelled)
    hazards = tuple(
        _Hazard(review(entry["family"], entry["what"]), frozenset(entry["with"]), frozenset(entry.get("without", ())))
        for entry in data["hazards"]
    )
    return words, meanings, hazards


_WORDS, _MEANINGS, _HAZARDS = _read()
_AUTOMATON = ahocorasick_rs.AhoCorasick(_WORDS)


@lru_cache(maxsize=64)
def spoken_of(code: str) -> frozenset[str]:
    """The concepts that a code names."""
    found = _AUTOMATON.find_matches_as_indexes(
        code[:MAX_CODE].lower().encode("utf-8", "replace").decode(), overlapping=True
    )
    return frozenset(_MEANINGS[index] for index, _start, _end in found)


def judge(code: str) -> Iterator[Hit]:
    """What is for a person to see in a code, of whatever language."""
    spoken = spoken_of(code)
    for hazard in _HAZARDS:
        if hazard.together <= spoken and not hazard.absent & spoken:
            yield hazard.hit
