"""How a message, what to do about it, and when, are told in one text."""

from __future__ import annotations

import math

_ENDS = (".", "!", "?", ":", ";", "…")
_LEAST_S = 0.1


def joined(message: str, recovery: str, between: str = " ") -> str:
    """A message and its recovery; the message ends with a period if it has no end of its own."""
    message = message.rstrip()
    if not message or not recovery:
        return message or recovery
    return f"{message}{'' if message.endswith(_ENDS) else '.'}{between}{recovery}"


def seconds(wait_s: float) -> str:
    """A wait for a person, in seconds: rounded up to tenths, and at least one."""
    return f"{max(_LEAST_S, math.ceil(round(wait_s * 10, 6)) / 10):.10g}"
