"""Times and durations on the command line."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from typing import Any

import click

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


class Moment(click.ParamType[float]):
    """An age as in `30m`, `2h` or `7d`, or a date with or without a time (UTC unless it says), as Unix seconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read the text."""
        if isinstance(value, float):
            return value
        text = str(value).strip()
        count, unit = text[:-1], text[-1:]
        if unit in _UNITS_S and count.isascii() and count.isdigit():
            return max(0.0, time.time() - int(count) * _UNITS_S[unit])
        try:
            at = datetime.fromisoformat(text)
            return max(0.0, (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())
        except (ValueError, OverflowError):
            self.fail(f"{text!r} is no time; write 30m, 2h, 7d, 2026-01-31 or 2026-01-31T12:00.", param, ctx)


class Duration(click.ParamType[float | None]):
    """`90m`, `12h`, `30d` or `never`, as seconds or None."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | None:
        """Read the text."""
        if value is None or value == "never":
            return None
        found = re.fullmatch(r"(\d{1,6})([smhdw])", str(value), re.ASCII)
        if found is None or int(found[1]) == 0:
            self.fail(f"{value!r} is no duration; write 90m, 12h, 30d or never.", param, ctx)
        return float(int(found[1]) * _UNITS_S[found[2]])
