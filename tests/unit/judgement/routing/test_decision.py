"""From scores and words to a decision."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aura_ia_mcp.judgement.routing import LABELS, Reading, extract, route


def reading(*scores: tuple[str, float], language: str = "en", meaning: bool = True) -> Reading:
    return Reading(scores, language, (), meaning, 0.7, 0.05)


def test_a_sure_guess_is_taken() -> None:
    decision = route("show the last 20 lines", reading(("tool:get_recent_logs", 0.9), ("tool:search_logs", 0.1)))
    assert (decision.kind, decision.name, decision.arguments) == ("tool", "get_recent_logs", {"lines": 20})
    assert decision.confidence == 0.9
    assert decision.margin == 0.8
    assert decision.alternatives[0].name == "search_logs"


def test_an_unsure_guess_asks_which_of_two_was_meant() -> None:
    decision = route("the logs", reading(("tool:get_recent_logs", 0.5), ("tool:search_logs", 0.4)))
    assert decision.kind == "none"
    assert "get_recent_logs" in decision.asks
    assert "search_logs" in decision.asks


def test_what_means_the_same_stands_together() -> None:
    decision = route("why is it slow", reading(("workflow:diagnose", 0.5), ("tool:diagnose_issue", 0.45)))
    assert (decision.kind, decision.name, decision.margin) == ("workflow", "diagnose", 1.0)


def test_where_the_kind_of_model_is_open_the_tool_chooses_it() -> None:
    decision = route("explain it", reading(("model:general", 0.45), ("model:code", 0.4), ("none:foreign", 0.15)))
    assert (decision.kind, decision.name) == ("tool", "ollama_consult")


def test_a_foreign_request_goes_nowhere_and_asks_nothing() -> None:
    decision = route("order a pizza", reading(("none:foreign", 0.6), ("none:unclear", 0.3), ("tool:echo", 0.1)))
    assert (decision.kind, decision.asks) == ("none", "")


def test_a_tool_that_is_named_is_taken() -> None:
    decision = route("call get_alerts", reading(("tool:get_metrics", 0.4), ("tool:get_alerts", 0.1)))
    assert decision.name == "get_alerts"


def test_a_question_how_never_starts_what_takes_away() -> None:
    decision = route(
        "how do I delete a document?", reading(("tool:delete_documents", 0.9), ("tool:get_documentation", 0.1))
    )
    assert decision.name == "get_documentation"


def test_what_is_missing_is_asked_for_by_name_and_may_come_from_the_context() -> None:
    scores = reading(("tool:get_approval", 0.99), ("tool:echo", 0.01))
    assert "approval_id" in route("is it granted?", scores).asks
    decision = route("is it granted?", scores, "I asked for ap-12")
    assert decision.arguments == {"approval_id": "ap-12"}
    assert decision.asks == ""


def test_a_long_request_is_read_by_its_beginning_and_says_so() -> None:
    decision = route("show logs " + "x" * 3000, reading(("tool:get_recent_logs", 1.0)))
    assert any("2000" in reason for reason in decision.why)


def test_without_the_meaning_it_says_so() -> None:
    decision = route("show logs", reading(("tool:get_recent_logs", 1.0), meaning=False))
    assert any("without their meaning" in reason for reason in decision.why)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("get_activity_stats", "requests of the last hour", {"window_s": 3600}),
        ("get_activity_stats", "how busy over the last 10 minutes", {"window_s": 600}),
        (
            "check_permission",
            "may a junior developer read secrets",
            {"role_name": "Junior Developer", "action": "read_secrets"},
        ),
        ("ollama_pull_model", "pull llama3.1:8b please", {"model_name": "llama3.1:8b"}),
        ("get_debate_status", "status of debate d-42", {"debate_id": "d-42"}),
        (
            "semantic_rank",
            "rank apple, car, banana by fruit",
            {"query": "fruit", "candidates": ["apple", "car", "banana"]},
        ),
        ("execute_command", "run `df -h`", {"command": "df -h"}),
        ("set_safe_mode", "switch safe mode off", {"enabled": False}),
        ("embed_text", 'embed "a" and "b"', {"texts": ["a", "b"]}),
        ("get_recent_logs", "last 50 log lines of the gateway", {"lines": 50, "service": "gateway"}),
        (
            "decide_approval",
            "reject ap-3 because it is late",
            {"approval_id": "ap-3", "decision": "deny", "reason": "it is late"},
        ),
        ("decide_approval", "give ap-2 the green light", {"approval_id": "ap-2", "decision": "approve"}),
        ("decide_approval", "don't approve ap-2", {"approval_id": "ap-2"}),
        ("decide_approval", "what was approved as ap-2 yesterday", {"approval_id": "ap-2"}),
        ("execute_workflow", 'run wf-7 {"workflow_id": "wf-9"}', {"workflow_id": "wf-9"}),
        (
            "start_debate",
            "start a debate about code freezes, 5 rounds",
            {"topic": "code freezes, 5 rounds", "rounds": 5},
        ),
    ],
)
def test_arguments_are_found_in_the_words(name: str, text: str, expected: dict[str, Any]) -> None:
    assert extract(text, LABELS[f"tool:{name}"]).arguments == expected


@given(st.text(max_size=300), st.sampled_from(sorted(LABELS)))
def test_any_text_gives_plain_arguments(text: str, label: str) -> None:
    found = extract(text, LABELS[label])
    assert {name for name, _ in found.missing}.isdisjoint(found.arguments)
    assert None not in found.arguments.values()


@given(st.text(max_size=300), st.lists(st.floats(0, 1), min_size=2, max_size=len(LABELS)))
def test_confidence_and_margin_stay_between_0_and_1(text: str, scores: list[float]) -> None:
    decision = route(text, reading(*zip(sorted(LABELS), scores, strict=False)))
    assert 0 <= decision.margin <= decision.confidence <= 1
