"""What a figure hands back: plain data, and how it stands against the bounds of the budget."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

JSON = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Bound:
    """A measured value and its limit.

    Args:
        figure: what was measured, as in `echo.added_ms.legacy`.
        value: what came out.
        unit: of value and limit.
        side: whether the value may be `at_most` or must be `at_least` the limit.
        limit: the bound.
    """

    figure: str
    value: float
    unit: str
    side: Literal["at_most", "at_least"]
    limit: float

    @property
    def holds(self) -> bool:
        """Whether the value keeps to the bound."""
        return self.value <= self.limit if self.side == "at_most" else self.value >= self.limit

    def as_dict(self) -> JSON:
        """{figure, value, unit, side, bound, holds}."""
        data = asdict(self)
        data["bound"] = data.pop("limit")
        return data | {"holds": self.holds}


@dataclass(frozen=True, slots=True)
class Run:
    """How thoroughly to measure.

    Args:
        quick: fewer and shorter rounds: says whether it works, not how fast it is.
    """

    quick: bool = False

    def of(self, thorough: int, quick: int) -> int:
        """A count that depends on it."""
        return quick if self.quick else thorough


def say(text: str) -> None:
    """Tell how it goes; standard output is for the result."""
    print(text, file=sys.stderr, flush=True)


def median(values: Iterable[float], digits: int = 3) -> float:
    """The rounded median."""
    return round(statistics.median(values), digits)


def percentile(ordered: Sequence[float], share: float) -> float:
    """The nearest-rank percentile of sorted values, `share` in [0, 1].

    Raises:
        ValueError: there are none.
    """
    if not ordered:
        raise ValueError("no values to take a percentile of")
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def latencies(seconds: Iterable[float]) -> JSON:
    """{count, p50_ms, p99_ms} of latencies in seconds."""
    ordered = sorted(seconds)
    return {
        "count": len(ordered),
        "p50_ms": round(percentile(ordered, 0.5) * 1000, 4),
        "p99_ms": round(percentile(ordered, 0.99) * 1000, 4),
    }


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Columns, the first to the left, the others to the right."""
    cells = [list(head), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])
        for row in cells
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])
