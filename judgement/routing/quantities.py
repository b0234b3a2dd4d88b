"""Windows of time, counts and durations in a request; all linear."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import re2

_WINDOW = re2.compile(
    r"(?i)\b(?:(?:last|past|previous|over the|within)\s+)?"
    r"(?:([0-9]{1,5}|an?|one|two|three|five|six|ten|twelve|few|half an)\s+)?"
    r"(s|sec|seconds?|min|minutes?|h|hours?|days?|weeks?|months?)\b"
)
LINES = re2.compile(
    r"(?i)\b([0-9]{1,5})\s+(?:\w+\s+){0,2}(?:lines?|log|entries|messages|zeilen|lignes)\b|-n\s*([0-9]{1,5})"
)
TOP = re2.compile(
    r"(?i)\b(?:top|best|first)\s+([0-9]{1,3})\b|\b([0-9]{1,3})\s+(?:hits|results|passages|documents|emotions)\b"
)
ROUNDS = re2.compile(r"(?i)\b([0-9]{1,2})[\s-]+rounds?\b")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "mo": 2592000}
_WORDS: Final = {"one": 1, "two": 2, "three": 3, "five": 5, "six": 6, "ten": 10, "twelve": 12, "few": 3, "half an": 0.5}


def window_s(request: str) -> int | None:
    """Seconds of a window such as `the last two hours`."""
    lowered = request.casefold()
    if "today" in lowered:
        return 86400
    if "week" in lowered and "last" not in lowered:
        return 604800
    for match in _WINDOW.finditer(request):
        amount, unit = match.group(1), match.group(2).casefold()
        if amount is None and match.group(0).casefold() == unit:
            continue
        size = _SECONDS["mo" if unit.startswith("mo") else unit[0]]
        many = float(amount) if amount and amount.isdigit() else _WORDS.get((amount or "").casefold(), 1)
        return int(many * size)
    return None


def since(request: str) -> str | None:
    """A window or a day as search_logs takes it."""
    window = window_s(request)
    if window is not None:
        return f"{window}s"
    lowered = request.casefold()
    return next((word for word in ("yesterday", "today", "midnight", "noon") if word in lowered), None)


def count(pattern: Any) -> Callable[[str], int | None]:
    """A rule for the number that a pattern finds."""

    def find(request: str) -> int | None:
        found = pattern.search(request)
        return int(next(part for part in found.groups() if part)) if found else None

    return find


def ms(request: str) -> int | None:
    """A duration in milliseconds."""
    found = re2.search(r"(?i)\b([0-9]{1,6})\s*(ms|milliseconds|s|seconds?)\b", request)
    if not found:
        return None
    return int(found.group(1)) * (1 if found.group(2).casefold().startswith("m") else 1000)
