"""Circuit breaker: leave alone what fails, and try it again after a while."""

from __future__ import annotations


class Breaker:
    """Closed while it works; open after `failures` in a row; half-open, for one trial, after `cooldown_s`.

    Every permitted call ends in exactly one of `succeeded`, `failed` or `abandoned`.

    Args:
        failures: how many in a row open it.
        cooldown_s: how long it stays open.
    """

    def __init__(self, failures: int, cooldown_s: float) -> None:
        if failures < 1 or cooldown_s <= 0:
            raise ValueError(f"failures and cooldown_s must be positive, not {failures} and {cooldown_s}")
        self._most = failures
        self._cooldown_s = cooldown_s
        self._row = 0
        self._opened_at: float | None = None
        self._trial = False

    @property
    def state(self) -> str:
        """closed, open or half_open."""
        if self._opened_at is None:
            return "closed"
        return "half_open" if self._trial else "open"

    def permit(self, now: float) -> float:
        """0 when the call may go, else the seconds until another attempt makes sense."""
        if self._opened_at is None:
            return 0.0
        left = self._opened_at + self._cooldown_s - now
        if left > 0:
            return left
        if self._trial:
            return self._cooldown_s
        self._trial = True
        return 0.0

    def succeeded(self) -> None:
        """It answered; whatever it said, it is there."""
        self._row = 0
        self._opened_at = None
        self._trial = False

    def failed(self, now: float) -> None:
        """It didn't answer."""
        self._row += 1
        if self._trial or self._row >= self._most:
            self._opened_at = now
        self._trial = False

    def abandoned(self) -> None:
        """The caller went away before it could answer: nothing was learnt."""
        self._trial = False
