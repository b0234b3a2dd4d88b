"""The corpora's lines."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "corpora"
SETS = ("dev", "heldout")
_MARK = re.compile(r"\[\[([a-z_]+):(.*?)\]\]", re.DOTALL)


def lines(of: str, name: str) -> list[dict[str, Any]]:
    """The lines of one file of a set."""
    text = (FOLDER / of / f"{name}.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def unmarked(marked: str) -> tuple[str, list[tuple[str, int, int]]]:
    """The text of a line with `[[type:what it is]]` marks, and where each marked thing stands: (type, start, end)."""
    text, spans, at = "", [], 0
    for mark in _MARK.finditer(marked):
        text += marked[at : mark.start()]
        spans.append((mark[1], len(text), len(text) + len(mark[2])))
        text += mark[2]
        at = mark.end()
    return text + marked[at:], spans
