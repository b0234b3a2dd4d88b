"""The corpora's lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "corpora"
SETS = ("dev", "heldout")


def lines(of: str, name: str) -> list[dict[str, Any]]:
    """The lines of one file of a set."""
    text = (FOLDER / of / f"{name}.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def unmarked(marked: str) -> tuple[str, list[tuple[str, int, int]]]:
    """The text of a line with `[[type:what it is]]` marks, and where each marked thing stands: (type, start, end)."""
    text, spans, rest = "", [], marked
    while True:
        before, mark, rest = rest.partition("[[")
        text += before
        if not mark:
            return text, spans
        inside, _, rest = rest.partition("]]")
        kind, _, what = inside.partition(":")
        spans.append((kind, len(text), len(text) + len(what)))
        text += what
