"""Secrets and personal data: the lines to tune on stay as well found as they are."""

from __future__ import annotations

import json
import re
from pathlib import Path

from aura_ia_mcp.judgement.inspection import inspect

LINES = Path(__file__).parents[3] / "corpora" / "dev" / "pii.jsonl"
_MARK = re.compile(r"\[\[(\w+):(.*?)\]\](?!\])", re.DOTALL)


def read(marked: str) -> tuple[str, set[tuple[str, str]]]:
    return _MARK.sub(r"\2", marked), {(match[1], match[2]) for match in _MARK.finditer(marked)}


def test_at_most_one_line_in_a_hundred_has_a_finding_missed_or_too_many() -> None:
    lines = [json.loads(line)["marked"] for line in LINES.read_text("utf-8").splitlines()]
    wrong = []
    for marked in lines:
        text, wanted = read(marked)
        found = {
            ("secret" if finding.family == "secret" else finding.rule.removeprefix("pii."), finding.start, finding.end)
            for finding in inspect(text, "data").findings
        }
        named = {(kind, text[start:end]) for kind, start, end in found}
        if {kind for kind, _ in named} != {kind for kind, _ in wanted} or len(named) != len(wanted):
            wrong.append(text)
    assert len(lines) >= 200
    assert len(wrong) <= len(lines) // 100, wrong
