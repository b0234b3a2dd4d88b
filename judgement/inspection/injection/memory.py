"""Remembers what was found of words, which come again and again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Memory(Generic[Value]):
    """What a function finds of words; it's asked once for all words of a text that are new.

    Args:
        find: gives a value for each word, in their order.
        most: words that are remembered.
        most_at_once: more words than these are found anew, and not remembered.
    """

    def __init__(self, find: Callable[[Sequence[str]], Iterable[Value]], most: int, most_at_once: int) -> None:
        self._find = find
        self._most = most
        self._most_at_once = most_at_once
        self._seen: dict[str, Value] = {}

    def of(self, words: Sequence[str]) -> list[Value]:
        """A value for each word, in their order."""
        if len(words) > self._most_at_once:
            return list(self._find(words))
        found = self._seen
        new = list(set(words).difference(found))
        if new:
            if len(found) + len(new) > self._most:
                found, new = {}, list(set(words))
            found.update(zip(new, self._find(new), strict=True))
            self._seen = found
        return list(map(found.__getitem__, words))
