"""Writes what was measured into the docs: `python -m tests.judge.page R.json`, of `python -m tests.judge --json`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

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
    lines = ["| measured | mark | dev | held out | 95 % interval |", "|---|---|---|---|---|"]
    families: list[str] = []
    for part in parts:
        for dev, held in zip(result[f"dev/{part}"], result[f"heldout/{part}"], strict=True):
            all_held, all_dev = held["groups"].get(TOTAL), dev["groups"].get(TOTAL)
            if all_held is None:
                continue
            mark = f"{held['mark'].split()[0]} {float(held['mark'].split()[1]):.0%}" if held["mark"] else ""
            shown = _of(all_held) if held["holds"] is not False else f"**{_of(all_held)}**"
            lines.append(f"| {held['title']} | {mark} | {_of(all_dev)} | {shown} | {_interval(all_held)} |")
            families += _families(held)
    return "\n".join([*lines, "", "By group, held out:", "", *families, ""])


def _families(table: JSON) -> list[str]:
    groups = {name: group for name, group in table["groups"].items() if name != TOTAL}
    if not groups:
        return []
    cells = [f"{name} {group['hits']}/{group['of']}" for name, group in sorted(groups.items())]
    return [f"- {table['title']}: {', '.join(cells)}."]


def _of(group: JSON | None) -> str:
    return f"{group['rate']:.1%} of {group['of']}" if group else ""


def _interval(group: JSON) -> str:
    low, high = group["interval"]
    return f"{low:.1%} to {high:.1%}"


def main() -> None:
    """Rewrite the pages."""
    result = json.loads(Path(sys.argv[1]).read_text())
    for name, parts in PAGES.items():
        page = DOCS / name
        page.write_text(insert(page.read_text(), parts, result))


if __name__ == "__main__":
    main()
