"""Counts by group, with their intervals, as data and as a table for people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .wilson import interval

TOTAL = "all"


@dataclass
class Table:
    """How many lines of each group were hits.

    Args:
        title: what was counted.
        mark: the bound that the total is held against, as in `>= 0.98`; "" for none.
        hits: by group.
        of: lines by group.
    """

    title: str
    mark: str = ""
    hits: dict[str, int] = field(default_factory=dict)
    of: dict[str, int] = field(default_factory=dict)

    def add(self, hit: bool, *groups: str) -> None:
        """Count one line in the total and in these groups."""
        for group in (TOTAL, *groups):
            self.hits[group] = self.hits.get(group, 0) + hit
            self.of[group] = self.of.get(group, 0) + 1

    @property
    def rate(self) -> float:
        """Of the total; 0 when nothing was counted."""
        return self.hits.get(TOTAL, 0) / max(1, self.of.get(TOTAL, 0))

    @property
    def holds(self) -> bool | None:
        """Whether the mark holds; None where there is none."""
        if not self.mark:
            return None
        sign, bound = self.mark.split()
        return self.rate >= float(bound) if sign == ">=" else self.rate <= float(bound)

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        groups = {
            name: {
                "hits": self.hits[name],
                "of": of,
                "rate": self.hits[name] / of,
                "interval": interval(self.hits[name], of),
            }
            for name, of in self.of.items()
        }
        return {"title": self.title, "mark": self.mark, "holds": self.holds, "groups": groups}

    def lines(self) -> Iterable[str]:
        """The table in Markdown."""
        held = {None: "", True: f" (mark {self.mark}: holds)", False: f" (mark {self.mark}: MISSED)"}[self.holds]
        yield f"**{self.title}**{held}"
        yield ""
        yield "| group | hits | of | rate | 95 % interval |"
        yield "|---|---|---|---|---|"
        for name in sorted(self.of, key=lambda group: (group != TOTAL, group)):
            low, high = interval(self.hits[name], self.of[name])
            rate = self.hits[name] / self.of[name]
            yield f"| {name} | {self.hits[name]} | {self.of[name]} | {rate:.1%} | {low:.1%} to {high:.1%} |"
