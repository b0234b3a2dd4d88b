"""Replies kept so that a message that arrives twice is handled once."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

T = TypeVar("T")


class Dedupe(Generic[T]):
    """What was done, by key; bounded in number, size and age. The caller gives the clock.

    Args:
        limit: entries kept; the oldest goes first.
        limit_bytes: their size in all.
        keep_s: seconds an entry is kept.
    """

    def __init__(self, limit: int, limit_bytes: int, keep_s: float) -> None:
        self._limit = limit
        self._limit_bytes = limit_bytes
        self._keep_s = keep_s
        self._held_bytes = 0
        self._entries: OrderedDict[tuple[str, ...], tuple[float, int, T]] = OrderedDict()

    def get(self, key: tuple[str, ...], now: float) -> T | None:
        """What is known of the key, or None."""
        entry = self._entries.get(key)
        return entry[2] if entry and now - entry[0] <= self._keep_s else None

    def put(self, key: tuple[str, ...], value: T, size_bytes: int, now: float) -> None:
        """Remember, newest last; what alone is over the bound isn't kept."""
        self._drop(key)
        self._entries[key] = (now, size_bytes, value)
        self._held_bytes += size_bytes
        self._expire(now)

    def _expire(self, now: float) -> None:
        while self._entries:
            key, (oldest_at, _, _) = next(iter(self._entries.items()))
            fits = len(self._entries) <= self._limit and self._held_bytes <= self._limit_bytes
            if fits and now - oldest_at <= self._keep_s:
                return
            self._drop(key)

    def _drop(self, key: tuple[str, ...]) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._held_bytes -= entry[1]
