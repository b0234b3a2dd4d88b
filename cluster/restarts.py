"""When a dead process is started again, and when not: a pure decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """How patient a supervisor is.

    Args:
        first_s: the wait before the first restart of a window.
        factor: by how much each further wait grows.
        most_s: no wait is longer.
        deaths: so many deaths within the window ...
        window_s: ... are too many.
    """

    first_s: float = 0.1
    factor: float = 2.0
    most_s: float = 5.0
    deaths: int = 5
    window_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Restart:
    """Start it again after `after_s` seconds."""

    after_s: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Leave it, and say why."""

    reason: str


def decide(policy: RestartPolicy, deaths: Sequence[float]) -> Restart | GiveUp:
    """What to do about the newest death.

    Args:
        policy: the bounds.
        deaths: when it died, in seconds of any one clock, in order; the last one is the newest.

    Raises:
        ValueError: nobody died.
    """
    if not deaths:
        raise ValueError("no death to decide about")
    now = deaths[-1]
    recent = sum(1 for at in deaths if now - at < policy.window_s)
    if recent >= policy.deaths:
        return GiveUp(f"it died {recent} times within {policy.window_s:g} s")
    return Restart(min(policy.most_s, policy.first_s * policy.factor ** (recent - 1)))
