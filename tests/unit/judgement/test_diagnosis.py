"""Diagnosis: what results mean, and that nothing is found where nothing is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from aura_ia_mcp.judgement.answer import render
from aura_ia_mcp.judgement.diagnosis import DiagnosisError, diagnose, parse, shipped

FINE: dict[str, Any] = {
    "health": {"status": "ok", "checks": {"ml/0": {"status": "ok"}, "state/0": {"status": "ok"}}},
    "status": {"actors": [{"name": "safety/0", "state": "ALIVE", "restarts": 0}], "safe_mode": False},
    "models": {"workers": [{"name": "ml/0", "state": "ready"}]},
    "activity": {"requests": 10, "errors": 0, "denials": 0},
    "errors": {"entries": [{"level": "info", "message": "started"}]},
}


def rows(**changed: Any) -> list[dict[str, Any]]:
    return [
        {"id": step, "tool": step, "status": "done", "ms": 1.0, "result": result}
        for step, result in (FINE | changed).items()
    ]


def test_nothing_wrong_is_said_to_be_nothing() -> None:
    found = diagnose(shipped(), rows(), "everything is slow")
    assert (found.signs, found.likely, found.complete) == ((), None, True)


@pytest.mark.parametrize(
    ("changed", "finding", "where"),
    [
        ({"health": {"checks": {"ml/0": {"status": "down"}}}}, "part_down", "checks.ml/0.status"),
        ({"models": {"workers": [{"name": "ml/1", "state": "loading"}]}}, "models_loading", "workers.ml/1.state"),
        ({"models": {"workers": [{"name": "ml/0", "state": "failed"}]}}, "models_failed", "workers.ml/0.state"),
        ({"models": {"workers": [{"name": "ml/0", "state": "off"}]}}, "models_off", "workers.ml/0.state"),
        ({"status": {"actors": [{"name": "tools/0", "restarts": 2}]}}, "restarted", "actors.tools/0.restarts"),
        ({"status": {"actors": [], "safe_mode": True}}, "safe_mode", "safe_mode"),
        ({"activity": {"errors": 0, "denials": 4}}, "refusals", "denials"),
        ({"activity": {"errors": 3, "denials": 0}}, "failures", "errors"),
        ({"errors": {"entries": [{"message": "OSError: No space left on device"}]}}, "disk_full", "errors"),
        ({"errors": {"entries": [{"message": "rate_limited: guest"}]}}, "rate_limited", "errors"),
    ],
)
def test_each_trouble_is_found_with_its_place(changed: dict[str, Any], finding: str, where: str) -> None:
    found = diagnose(shipped(), rows(**changed))
    assert [sign.id for sign in found.signs] == [finding]
    assert found.signs[0].where == (where,)
    assert found.likely is not None
    assert found.likely.remedy


def test_the_symptom_decides_which_of_several_findings_comes_first() -> None:
    changed = {
        "models": {"workers": [{"name": "ml/0", "state": "loading"}]},
        "health": {"checks": {"state/0": {"status": "down"}}},
    }
    assert diagnose(shipped(), rows(**changed)).signs[0].id == "part_down"
    assert diagnose(shipped(), rows(**changed), "emotion doesn't work").signs[0].id == "models_loading"


def test_a_check_that_could_not_be_run_is_told_and_is_no_cause() -> None:
    refused = {"id": "errors", "tool": "t", "status": "refused", "error": {"message": "no", "recovery": "ask"}}
    found = diagnose(shipped(), [*rows()[:-1], refused])
    assert (found.likely, found.complete) == (None, False)
    assert (found.signs[0].id, found.signs[0].remedy) == ("unchecked", "ask")


def test_faulty_patterns_are_refused_with_their_place() -> None:
    with pytest.raises(DiagnosisError, match=r"patterns\.0\.step"):
        parse("version: 1\npatterns: [{id: x}]")
    with pytest.raises(DiagnosisError, match="not YAML"):
        parse("version: [")


def test_an_answer_tells_each_step_with_its_figures_or_its_error() -> None:
    told = render(
        [
            {"id": "h", "tool": "check_health", "status": "done", "result": {"status": "ok", "checks": {"a": 1}}},
            {"id": "w", "tool": "write", "status": "refused", "error": {"message": "no role", "recovery": "Ask."}},
            {"id": "l", "tool": "list", "status": "done", "result": {"rows": [1, 2, 3], "on": True, "text": "x" * 500}},
        ]
    )
    first, second, third = told.splitlines()
    assert first == "h (check_health): status ok; checks (1)"
    assert second == "w (write): refused: no role. Ask."
    assert third.startswith("l (list): rows (3); on yes; text xxx")
    assert len(third) < 150
