"""The corpora's lines."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "corpora"
SETS = ("dev", "heldout", "heldout-2")
HELD_OUT = SETS[1:]
_MARK = re.compile(r"\[\[([a-z_]+):(.*?)\]\]", re.DOTALL)


def lines(of: str, name: str) -> list[dict[str, Any]]:
    """The lines of one part of a set: `NAME.jsonl` and every further author's `NAME-….jsonl`."""
    texts = [path.read_text("utf-8") for path in sorted((FOLDER / of).glob(f"{name}*.jsonl"))]
    return [json.loads(line) for text in texts for line in text.split("\n") if line.strip()]


def parts(of: str) -> set[str]:
    """The parts that a set has lines of."""
    return {path.stem.partition("-")[0] for path in (FOLDER / of).glob("*.jsonl")}


def unmarked(marked: str) -> tuple[str, list[tuple[str, int, int]]]:
    """The text of a line with `[[type:what it is]]` marks, and where each marked thing stands: (type, start, end)."""
    text, spans, at = "", [], 0
    for mark in _MARK.finditer(marked):
        text += marked[at : mark.start()]
        spans.append((mark[1], len(text), len(text) + len(mark[2])))
        text += mark[2]
        at = mark.end()
    return text + marked[at:], spans
