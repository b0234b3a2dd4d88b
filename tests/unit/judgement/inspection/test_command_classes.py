"""Classes of hazards in all their spellings, each beside the near lines of daily work that must pass."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aura_ia_mcp.judgement.finding import Severity
from aura_ia_mcp.judgement.inspection.commands import inspect_command
from aura_ia_mcp.judgement.inspection.sql import inspect_sql

LINES = [json.loads(line) for line in Path(__file__).with_name("command_classes.jsonl").read_text("utf-8").splitlines()]


def stopped(text: str) -> bool:
    return any(found.severity >= Severity.REVIEW for found in inspect_command(text))


@pytest.mark.parametrize("text", [line["text"] for line in LINES if line["label"] == "hostile"])
def test_a_hazard_is_stopped_in_each_of_its_spellings(text: str) -> None:
    assert stopped(text)


@pytest.mark.parametrize("text", [line["text"] for line in LINES if line["label"] == "benign"])
def test_a_near_line_of_daily_work_passes(text: str) -> None:
    assert not stopped(text)


@pytest.mark.parametrize(
    "text", ["EXPLAIN DELETE FROM users", "explain (costs off) update t set a = 1", "DESCRIBE DELETE FROM t"]
)
def test_a_plan_that_is_asked_for_changes_nothing(text: str) -> None:
    assert not inspect_sql(text)


@pytest.mark.parametrize(
    "text",
    [
        "EXPLAIN ANALYZE DELETE FROM users",
        "EXPLAIN (ANALYZE, BUFFERS) DELETE FROM users",
        "EXPLAIN SELECT 1; DELETE FROM t",
    ],
)
def test_an_analysed_statement_runs_and_is_judged(text: str) -> None:
    assert inspect_sql(text)
