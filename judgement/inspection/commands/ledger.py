"""What all scripts within a text share: their hits, and how much may still be followed."""

from __future__ import annotations

from dataclasses import dataclass, field

from .model import Hit

MAX_CALLS = 3000
"""Calls that are followed in one text."""


@dataclass(slots=True)
class Ledger:
    """What is shared by all scripts within a text: the hits with their places, and what may still be spent."""

    hits: list[tuple[Hit, int, int]] = field(default_factory=list)
    calls: int = 0
    parsed: int = 0
    fetched: bool = False
    executable: set[str] = field(default_factory=set)

    def note(self, hit: Hit, place: tuple[int, int]) -> None:
        """Keep a hit, once per place."""
        if (hit, *place) not in self.hits[-8:]:
            self.hits.append((hit, *place))
