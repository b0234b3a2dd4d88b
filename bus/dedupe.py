"""Replies kept so that a message that arrives twice is handled once."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

T = TypeVar("T")


class Dedupe(Generic[T]):
    """What was done, by key; bounded in number and age. The caller gives the clock.

    Args:
        limit: entries kept; the oldest goes first.
        keep_s: seconds an entry is kept.
    """

    def __init__(self, limit: int, keep_s: float) -> None:
        self._limit = limit
        self._keep_s = keep_s
        self._entries: OrderedDict[tuple[str, ...], tuple[float, T]] = OrderedDict()

    def get(self, key: tuple[str, ...], now: float) -> T | None:
        """What is known of the key, or None."""
        self._expire(now)
        entry = self._entries.get(key)
        return entry[1] if entry else None

    def put(self, key: tuple[str, ...], value: T, now: float) -> None:
        """Remember, newest last."""
        self._entries.pop(key, None)
        self._entries[key] = (now, value)
        self._expire(now)

    def _expire(self, now: float) -> None:
        while self._entries:
            oldest_at, _ = next(iter(self._entries.values()))
            if len(self._entries) <= self._limit and now - oldest_at <= self._keep_s:
                return
            self._entries.popitem(last=False)
