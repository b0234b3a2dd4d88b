"""The marks on the lines that the detector was written with; the held-out ones are `make judge`'s."""

import json
from pathlib import Path
from typing import Any

import pytest

from aura_ia_mcp.judgement.finding import Severity
from aura_ia_mcp.judgement.inspection.injection import inspect_injection

CORPUS = Path(__file__).parents[4] / "corpora" / "dev" / "texts.jsonl"


@pytest.fixture(scope="module")
def judged() -> list[tuple[dict[str, Any], bool]]:
    rows = [json.loads(line) for line in CORPUS.read_text("utf-8").splitlines()]
    return [(row, any(f.severity >= Severity.REVIEW for f in inspect_injection(row["text"]))) for row in rows]


def rate(judged: list[tuple[dict[str, Any], bool]], **wanted: str) -> float:
    found = [stopped for row, stopped in judged if all(row[name] == value for name, value in wanted.items())]
    return sum(found) / len(found)


def test_english_injections_in_any_encoding_are_stopped(judged: list[tuple[dict[str, Any], bool]]) -> None:
    assert rate(judged, label="injection", language="en") >= 0.92


def test_benign_texts_pass(judged: list[tuple[dict[str, Any], bool]]) -> None:
    assert rate(judged, label="benign") <= 0.02


def test_injections_in_other_languages_are_stopped(judged: list[tuple[dict[str, Any], bool]]) -> None:
    others = [stopped for row, stopped in judged if row["label"] == "injection" and row["language"] != "en"]
    assert sum(others) / len(others) >= 0.85


@pytest.mark.parametrize(
    "encoding",
    ["spaced", "zero_width", "fullwidth", "homoglyph", "base64", "hex", "rot13", "leet", "reversed", "mixed"],
)
def test_an_encoding_hides_nothing(judged: list[tuple[dict[str, Any], bool]], encoding: str) -> None:
    assert rate(judged, label="injection", encoding=encoding) >= 0.8
