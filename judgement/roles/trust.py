"""How far a principal is trusted: moved by what the system saw, bounded, and drawn back to its roles' own trust."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

LEAST: Final = 0.0
MOST: Final = 5.0
SWING: Final = 1.5
"""How far trust may move away from the base of the roles."""

HALF_LIFE_S: Final = 7 * 86_400.0
MOVES: Final[Mapping[str, float]] = {"approval_granted": 0.2, "approval_refused": -0.3, "call_stopped": -0.1}
"""What moves it, and how far; nothing that a caller says of itself is among them."""


@dataclass(frozen=True, slots=True)
class Trust:
    """The trust of one principal; it never grants a capability.

    Args:
        value: what it was at `at`, 0 to 5.
        base: the trust of the principal's roles, to which it decays with a half-life of seven days.
        at: Unix seconds.
    """

    value: float
    base: float
    at: float

    def current(self, now: float) -> float:
        """The trust at `now` (Unix seconds): within 1.5 of the base and within 0 and 5."""
        elapsed_s = max(0.0, now - self.at)
        return _bounded(self.base + (self.value - self.base) * 0.5 ** (elapsed_s / HALF_LIFE_S), self.base)

    def after(self, what: str, now: float) -> Trust:
        """The trust after an event of `MOVES` at `now`; a time before `at` counts as `at`.

        Raises:
            KeyError: there is no such event.
        """
        return Trust(_bounded(self.current(now) + MOVES[what], self.base), self.base, max(now, self.at))

    def rebased(self, base: float) -> Trust:
        """The same distance from another base: the principal's roles changed."""
        return replace(self, value=_bounded(self.value - self.base + base, base), base=base)


def _bounded(value: float, base: float) -> float:
    return min(max(value, base - SWING, LEAST), base + SWING, MOST)
