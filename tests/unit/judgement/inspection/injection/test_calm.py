"""The quick look must never wave through what the proper one would stop."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aura_ia_mcp.judgement.finding import Severity
from aura_ia_mcp.judgement.inspection.injection import calm
from aura_ia_mcp.judgement.inspection.injection import inspect as proper

DEV = Path(__file__).parents[4] / "corpora" / "dev"
ROWS = [
    json.loads(line)
    for path in sorted(DEV.glob("texts*.jsonl"))
    for line in path.read_text("utf-8").split("\n")
    if line.strip()
]


def test_nothing_that_is_calm_would_be_stopped_by_the_proper_look(monkeypatch: pytest.MonkeyPatch) -> None:
    quiet = [row["text"] for row in ROWS if calm.is_calm(row["text"])]
    assert len(quiet) > 200
    monkeypatch.setattr(proper, "is_calm", lambda _: False)
    stopped = [text for text in quiet if any(f.severity > Severity.INFO for f in proper.inspect_injection(text))]
    assert len(stopped) <= len(quiet) // 200, stopped


def test_encoded_injections_are_not_calm() -> None:
    encoded = [r["text"] for r in ROWS if r["label"] == "injection" and r["encoding"] != "plain"]
    assert len(encoded) > 50
    assert [text for text in encoded if calm.is_calm(text)] == []


@settings(max_examples=100)
@given(st.text(st.characters(codec=None), max_size=200))
def test_it_never_raises(text: str) -> None:
    assert calm.is_calm(text) in (True, False)


def test_ordinary_requests_are_calm() -> None:
    assert calm.is_calm("Please forward the minutes to Anna and keep the dates as they are.")
    assert calm.is_calm("/home/me/projects/tests/unit/test_router.py")
    assert calm.is_calm("It\u2019s fine \u2013 we\u2019ll meet at noon.")
