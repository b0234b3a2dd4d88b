"""Times as callers give them, and as replies and records tell them."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from aura_ia_mcp.bus.errors import AuraError

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def ms_since(began: float) -> float:
    """Milliseconds since `time.perf_counter()` said `began`, to the microsecond."""
    return round((time.perf_counter() - began) * 1000, 3)


def moment(text: str, now: float, where: str = "arguments.since") -> float:
    """A time as people give it, in Unix seconds.

    Args:
        text: ISO 8601, in UTC unless it says otherwise; or an age as in `90s`, `30m`, `1h`, `2d`.
        now: Unix seconds.
        where: the argument, for the message.

    Raises:
        AuraError: `invalid_arguments`: it is neither.
    """
    count, unit = text[:-1], text[-1:]
    if unit in _UNITS_S and count.isascii() and count.isdigit():
        return max(0.0, now - int(count) * _UNITS_S[unit])
    try:
        at = datetime.fromisoformat(text)
        return max(0.0, (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        raise AuraError(
            "invalid_arguments", f"{where}: write a time as in 2026-01-31T12:00:00Z, or an age as in 30m or 1h"
        ) from None
