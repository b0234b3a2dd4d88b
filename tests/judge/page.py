"""Writes what was measured into the docs: `python -m tests.judge.page R.json`, of `python -m tests.judge --json`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .corpus import SETS
from .table import TOTAL

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {"safety.md": ("commands", "texts", "pii"), "routing.md": ("requests",), "roles.md": ("roles",)}
BEGIN, END = "<!-- measured: written by tests/judge/page.py -->", "<!-- end of measured -->"

JSON = dict[str, Any]


def insert(page: str, parts: Iterable[str], result: JSON) -> str:
    """The page with the tables of these parts between its two marks.

    Raises:
        ValueError: it doesn't have the marks.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"there is no place for the figures: {BEGIN} ... {END}")
    return f"{before}{BEGIN}\n\n{_tables(parts, result)}\n{END}{after}"


def _tables(parts: Iterable[str], result: JSON) -> str:
    lines = ["| measured | mark | dev | held out | held out, second set |", "|---|---|---|---|---|"]
    families: list[str] = []
    for part in parts:
        of_sets = [{table["title"]: table for table in result.get(f"{of}/{part}", ())} for of in SETS]
        for title, held in of_sets[1].items():
            mark = f"{held['mark'].split()[0]} {float(held['mark'].split()[1]):.0%}" if held["mark"] else ""
            cells = [_cell(tables.get(title)) for tables in of_sets]
            lines.append(f"| {title} | {mark} | {' | '.join(cells)} |")
            families += _families([tables[title] for tables in of_sets[1:] if title in tables])
    return "\n".join([*lines, "", "By group, both held-out sets together:", "", *families, ""])


def _cell(table: JSON | None) -> str:
    """The rate with its interval; bold where a mark is missed."""
    group = table["groups"].get(TOTAL) if table else None
    if table is None or group is None:
        return ""
    text = f"{group['rate']:.1%} of {group['of']} ({_interval(group)})"
    return f"**{text}**" if table["holds"] is False else text


def _families(tables: list[JSON]) -> list[str]:
    sums: dict[str, list[int]] = {}
    for table in tables:
        for name, group in table["groups"].items():
            if name != TOTAL:
                hits, of = sums.get(name, (0, 0))
                sums[name] = [hits + group["hits"], of + group["of"]]
    if not sums:
        return []
    return [f"- {tables[0]['title']}: {', '.join(f'{name} {hits}/{of}' for name, (hits, of) in sorted(sums.items()))}."]


def _interval(group: JSON) -> str:
    low, high = group["interval"]
    return f"{low:.0%} to {high:.0%}"


def main() -> None:
    """Rewrite the pages."""
    result = json.loads(Path(sys.argv[1]).read_text())
    for name, parts in PAGES.items():
        page = DOCS / name
        page.write_text(insert(page.read_text(), parts, result))


if __name__ == "__main__":
    main()
