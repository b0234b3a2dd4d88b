"""How often something happened lately: a count that halves with time, by key, bounded."""

from __future__ import annotations

from collections import OrderedDict


class Recent:
    """Counts that decay exponentially.

    Args:
        half_life_s: seconds in which a count halves.
        most: keys kept; the one that was counted longest ago makes room.
    """

    def __init__(self, half_life_s: float = 300.0, most: int = 10_000) -> None:
        self._half_life_s = half_life_s
        self._most = most
        self._counts: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def count(self, key: str, now: float) -> float:
        """How often, as of `now` (seconds of any clock that doesn't go back)."""
        value, at = self._counts.get(key, (0.0, now))
        return 0.0 if value == 0.0 else value * 0.5 ** (max(0.0, now - at) / self._half_life_s)

    def add(self, key: str, now: float) -> None:
        """It happened once more."""
        self._counts[key] = (self.count(key, now) + 1.0, now)
        self._counts.move_to_end(key)
        if len(self._counts) > self._most:
            self._counts.popitem(last=False)
