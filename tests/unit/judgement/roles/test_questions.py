"""Suggestion, arbitration and simulation."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aura_ia_mcp.judgement.roles import parse, shipped, shipped_text
from aura_ia_mcp.judgement.roles.arbitration import ArbitrationError, Opinion, arbitrate
from aura_ia_mcp.judgement.roles.meaning import feature_names, fits, head
from aura_ia_mcp.judgement.roles.needs import MOST_CHARS, lexicon
from aura_ia_mcp.judgement.roles.simulation import Step, simulate
from aura_ia_mcp.judgement.roles.suggestion import UnknownCapabilityError, suggest
from aura_ia_mcp.models.needs import FILES, NeedsCard

ROLES = shipped()
TASKS = Path(__file__).parents[3] / "corpora" / "dev" / "roles-3.jsonl"


@pytest.mark.parametrize(
    ("task", "role"),
    [
        ("Implement pagination for the orders endpoint and write unit tests for it", "developer"),
        ("Run the test suite and write down which tests fail", "junior_developer"),
        ("Delete all files in the upload folder", "root"),
        ("Route the incoming tickets to the right team", "coordinator"),
        ("Add the article to the knowledge base and tag it", "knowledge_curator"),
        ("Deploy the new version to the Kubernetes cluster", "devops_engineer"),
        ("Block the suspicious agent and look into the access logs", "security_officer"),
    ],
)
def test_words_alone_find_the_role_of_a_plain_task(task: str, role: str) -> None:
    assert suggest(ROLES, task)[0].role == role


def test_words_alone_fit_most_of_the_tasks_that_they_were_learnt_from() -> None:
    tasks = [json.loads(line) for line in TASKS.read_text("utf-8").splitlines()]
    right = sum(suggest(ROLES, task["text"])[0].role in {task["role"], *task.get("also", ())} for task in tasks)
    assert right / len(tasks) > 0.85


@given(st.text(max_size=300), st.frozensets(st.sampled_from(sorted(ROLES.document.capabilities)), max_size=4))
def test_who_has_all_that_is_required_comes_first(task: str, required: frozenset[str]) -> None:
    ranked = suggest(ROLES, task, required)
    lacking = [len(required - ROLES.own(each.role)) for each in ranked]
    assert lacking == sorted(lacking)
    assert sorted(each.role for each in ranked) == sorted(ROLES.engineers)
    assert sum(each.score for each in ranked) == pytest.approx(1, abs=0.001)


def test_meaning_moves_the_ranking() -> None:
    vague = "Please see to this"
    assert suggest(ROLES, vague, (), {"block_action": 30.0})[0].role == "security_officer"
    assert suggest(ROLES, vague, (), {"read_logs": 30.0})[0].role == "researcher"
    assert suggest(ROLES, vague, (), {"block_action": 30.0, "merge": 30.0})[0].role == "root"


def test_a_role_that_was_added_gets_the_tasks_of_which_it_is_the_least_powerful_doer() -> None:
    tester = "  tester: {title: Tester, trust: 1, description: d, capabilities: [execute_tests]}\n\ncallers:"
    ranked = suggest(parse(shipped_text().replace("\ncallers:", tester, 1)), "Run the unit tests")
    before = {each.role: each.score for each in suggest(ROLES, "Run the unit tests")}
    assert ranked[0].role == "tester"
    assert ranked[0].score > 0.5
    assert before["junior_developer"] > 0.5


def test_what_a_task_needs_is_told_as_a_guess_with_its_probability() -> None:
    ranked = {each.role: each for each in suggest(ROLES, "Block the suspicious agent")}
    best, lacking = ranked["security_officer"], ranked["developer"]
    assert "block_action" in best.covered
    assert "block_action" in lacking.missing
    assert re.search(r"has .*block_action \(\d+%\), which the task is guessed to need", "; ".join(best.reasons))
    assert re.search(r"lacks .*block_action \(\d+%\), which the task is guessed to need", "; ".join(lacking.reasons))


def test_least_power_wins_ties() -> None:
    twins = parse(
        "version: 2\n"
        "capabilities: {read_code: {category: read, description: d}, merge: {category: write, description: d}}\n"
        "roles: {a: {title: A, capabilities: [read_code, merge]}, b: {title: B, capabilities: [read_code]}}"
    )
    assert [each.role for each in suggest(twins, "x", ["read_code"])] == ["b", "a"]


def test_a_required_capability_that_is_unknown_is_told_its_nearest() -> None:
    with pytest.raises(UnknownCapabilityError, match="did you mean 'read_code'"):
        suggest(ROLES, "x", ["reed:code"])


def test_the_words_belong_to_the_network_that_is_shipped_and_to_no_other() -> None:
    assert fits(NeedsCard.read().version)
    assert not fits("")
    assert NeedsCard.read().labels == head().capabilities


def test_words_are_found_whole_and_in_a_bounded_text() -> None:
    groups = lexicon().groups
    assert "roles" in groups("Which ROLE, then?")
    assert "roles" not in groups("parole")
    assert "deploy" in groups("(redeploys) deployed.")
    assert not groups("x " * MOST_CHARS + "deploy")


# --- arbitration ------------------------------------------------------------------------------------------------------


def opinions(*said: tuple[str, str, float]) -> list[Opinion]:
    return [Opinion(*each) for each in said]


def test_the_decision_with_most_trust_and_confidence_stands() -> None:
    found = arbitrate(ROLES, opinions(("Lead Engineer", "Allow", 0.9), ("junior-developer", "deny", 0.5)))
    assert (found.decision, found.escalated) == ("allow", False)
    assert found.tally == {"allow": pytest.approx(3.6 / 4.6, abs=1e-6), "deny": pytest.approx(1 / 4.6, abs=1e-6)}


@given(st.lists(st.tuples(st.sampled_from(sorted(ROLES.engineers)), st.just("allow"), st.floats(0, 1)), max_size=9))
def test_a_refusal_of_security_is_a_veto(others: list[tuple[str, str, float]]) -> None:
    found = arbitrate(ROLES, opinions(*others, ("security_officer", "deny", 0.1)))
    assert (found.decision, found.escalated) == ("deny", False)


def test_ties_and_small_leads_go_to_a_person() -> None:
    tie = arbitrate(ROLES, opinions(("developer", "allow", 0.8), ("product_owner", "deny", 0.8)), 0.0)
    assert (tie.decision, tie.escalated) == ("", True)
    lead = arbitrate(ROLES, opinions(("lead_engineer", "allow", 0.8), ("developer", "deny", 0.8)))
    assert (lead.decision, lead.escalated) == ("allow", True)
    assert arbitrate(ROLES, opinions(("developer", "allow", 0.0))).escalated


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ([], "at least one"),
        ([("developr", "allow", 1.0)], "did you mean 'developer'"),
        ([("developer", " ", 1.0)], "decision"),
        ([("developer", "allow", 1.5)], "confidence"),
        ([("developer", "allow", float("nan"))], "confidence"),
    ],
)
def test_opinions_that_can_not_be_weighed_are_refused(said: list[tuple[str, str, float]], says: str) -> None:
    with pytest.raises(ArbitrationError, match=says):
        arbitrate(ROLES, opinions(*said))


def test_a_simulation_judges_each_action_at_its_time() -> None:
    lending = (
        "[{capability: read_logs, from: role:researcher, to: role:developer, until: 2026-01-10, since: 2026-01-01,"
        " reason: r}]"
    )
    table = parse(shipped_text().replace("delegations: []", f"delegations: {lending}"))
    at = 1_767_700_000.0  # 2026-01-06
    steps = [Step("write:code", at), Step("read_logs", at), Step("read_logs", at + 30 * 86_400), Step("fly", at)]
    rules = [found.rule for _, found in simulate(table, "developer", steps)]
    assert rules == ["role.capability", "delegation", "role.missing", "action.unknown"]


def test_the_head_was_trained_with_this_lexicon_and_these_capabilities() -> None:
    assert head().features == feature_names()
    assert set(head().capabilities) == set(ROLES.document.capabilities)
    assert lexicon().needs.keys() <= ROLES.document.capabilities.keys()
    size = len((files("aura_ia_mcp.judgement.roles") / "head.npz").read_bytes())
    assert size < 1_000_000
    assert (FILES.folder / FILES.weights).stat().st_size < 1_500_000
