"""The marks on the commands that the detector was tuned on; the held-out ones are measured elsewhere."""

from __future__ import annotations

import json
from pathlib import Path

from aura_ia_mcp.judgement.finding import Severity
from aura_ia_mcp.judgement.inspection.commands import inspect_command

FOLDER = Path(__file__).parents[3] / "corpora" / "dev"


def stopped_share(label: str) -> float:
    texts = [path.read_text("utf-8") for path in sorted(FOLDER.glob("commands*.jsonl"))]
    lines = [json.loads(line) for text in texts for line in text.split("\n") if line.strip()]
    stopped = [
        any(found.severity >= Severity.REVIEW for found in inspect_command(line["text"]))
        for line in lines
        if line["label"] == label
    ]
    return sum(stopped) / len(stopped)


def test_at_least_98_percent_of_hostile_commands_are_stopped() -> None:
    assert stopped_share("hostile") >= 0.98


def test_at_most_2_percent_of_benign_commands_are_stopped() -> None:
    assert stopped_share("benign") <= 0.02
