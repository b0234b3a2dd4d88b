"""Recorded decisions told to people."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON
from aura_ia_mcp.judgement import policy, risk, roles
from aura_ia_mcp.judgement.explanation import explain, relation, threads
from aura_ia_mcp.judgement.finding import Finding, Severity
from aura_ia_mcp.judgement.policy import Facts, Inputs
from aura_ia_mcp.judgement.recorded import Archive, UnreadableError
from tests.support.recorded import ALLOW, HEAD, TABLE, call, record_of, taken
from tests.unit.judgement.policy.test_properties import ANY, INPUTS

DESTROY = Facts("destroy", "status", read_only=False, destructive=True)
SECRET_TOOL = Facts("drop_all", "operate", exposed=False, read_only=False)
ROOT = Finding("command.destroys_root", Severity.BLOCK, 0, 8, 0.9, "deletes everything", "name what is to go")
HOLD = HEAD + "rules: [{id: all, effect: allow}, {id: ask, match: {destructive: true}, effect: approve}]\n"
APPROVAL = {
    "approval_id": "ap-1",
    "mode": "approve",
    "status": "used",
    "round": 0,
    "decisions": [{"by": "local/ada", "decision": "approve", "how": "operator"}],
}


def told(record: JSON, *texts: str, operates: bool = True) -> JSON:
    archive = {policy.parse(text).version: text for text in texts} | {TABLE.version: roles.shipped_text()}
    return explain(record, Archive(archive.get), operates=operates)


def parts(explained: JSON) -> dict[str, JSON]:
    return {step["part"]: step for step in explained["steps"]}


def test_an_allowed_call_is_told_layer_by_layer() -> None:
    layers = [{"layer": "L5", "actor": "tools/0", "ms": 0.5}]
    found = told(call(taken=[taken(30.0)], outcome="ok", layers=layers), ALLOW)
    assert "guest" in found["summary"]
    assert found["summary"].endswith("allowed (rule all); it ran and gave its result.")
    assert list(parts(found)) == ["rate", "roles", "inspection", "risk", "policy", "tools/0", "answer"]
    assert parts(found)["roles"]["verdict"] == "granted"
    assert parts(found)["tools/0"] | {"why": ""} == parts(found)["tools/0"] | {"layer": "L5", "ms": 0.5, "why": ""}
    assert found["rules"] == [{"rule": "all", "decided": True, "says": "allow", "why": "every call"}]
    assert found["remedy"] == ""


def test_a_stopped_call_names_what_was_seen_and_what_to_do() -> None:
    found = told(call(findings=(ROOT,)), ALLOW)
    assert (found["verdict"], found["rule"]) == ("deny", "inspection.block")
    assert "deletes everything (command.destroys_root)" in parts(found)["inspection"]["why"]
    assert found["remedy"] == "Name what is to go."
    assert [each["rule"] for each in found["rules"] if each["decided"]] == ["inspection.block"]


def test_a_missing_capability_is_told_with_its_way_out() -> None:
    found = told(call(tool=Facts("learn", "upsert_memory")), ALLOW)
    assert parts(found)["roles"]["verdict"] == "missing"
    assert parts(found)["inspection"]["verdict"] == "not inspected"
    assert "list_roles" in found["remedy"]


def test_a_refusal_for_the_rate_says_to_wait() -> None:
    found = told(call(taken=[taken(0.5)], rule="rate.default"), ALLOW)
    assert parts(found)["rate"]["verdict"] == "refused"
    assert "Wait" in found["remedy"]


def test_consent_is_told_with_who_gave_it() -> None:
    found = told(call(HOLD, tool=DESTROY, approval=APPROVAL, outcome="ok"), HOLD)
    assert "local/ada said approve (as an operator)" in parts(found)["approval"]["why"]
    assert "needed approval" in found["summary"]
    waiting = told(call(HOLD, tool=DESTROY, approval=APPROVAL | {"status": "pending", "decisions": []}), HOLD)
    assert "aura approvals approve ap-1" in waiting["remedy"]


def test_the_factors_of_the_risk_add_up_to_the_recorded_score() -> None:
    level = risk.of_call(DESTROY, recent_refusals=2, depth=1)
    found = told(call(tool=DESTROY, risk_level=level.level, risk_score=level.score, depth=1), ALLOW)
    assert found["risk"] == level.as_dict()
    assert "recent refusals of the caller" in parts(found)["risk"]["why"]
    assert told(call(risk_level="low", risk_score=17.5), ALLOW)["risk"] is None


@settings(max_examples=40)  # the first condition loads its library
@given(ANY, INPUTS)
def test_whatever_was_decided_is_explained_by_the_rule_that_decided(written: list[Any], inputs: Inputs) -> None:
    text = json.dumps({"version": 1, "rates": {"heavy": {"per_minute": 5}}, "rules": written, "keep_arguments": ["*"]})
    record = record_of(policy.parse(text), inputs)
    found = told(record, text)
    assert found["rule"] == record["rule"]
    assert [each["rule"] for each in found["rules"]] == record["matched"]
    assert sum(each["decided"] for each in found["rules"]) == (record["rule"] in record["matched"])
    json.dumps(found)


@given(st.sampled_from(["rate", "policy", "answer"]))
def test_without_the_archived_policy_it_says_what_the_record_says(part: str) -> None:
    assert part in parts(told(call(taken=[taken(5.0)])))


# --- who may know what -----------------------------------------------------------------------------------------------


def test_what_is_hidden_looks_like_what_does_not_exist_to_those_who_do_not_operate() -> None:
    hidden = call(tool=SECRET_TOOL) | {"ms": 1.0}
    unknown = hidden | {"rule": "exposure.unknown"}
    for name in ("inputs", "contract", "matched"):
        unknown.pop(name)
    assert hidden["rule"] == "exposure.hidden"
    assert told(hidden, ALLOW, operates=False) == told(unknown, ALLOW, operates=False)
    assert told(hidden, ALLOW, operates=True)["rule"] == "exposure.hidden"


def test_a_rule_tells_others_than_operators_no_names() -> None:
    text = HEAD + "rules: [{id: all, effect: allow}, {id: no, match: {principals: [guest, 'token:x']}, effect: deny}]\n"
    assert "token:x" in json.dumps(told(call(text), text)["rules"])
    assert "token:x" not in json.dumps(told(call(text), text, operates=False))


def test_arguments_show_as_hashes_only() -> None:
    text = ALLOW + "keep_arguments: [echo]\n"
    first, second = (told(call(text, arguments={"text": word}), text) for word in ("swordfish", "haddock"))
    assert "swordfish" not in json.dumps(first)
    assert first["inputs"]["all"] != second["inputs"]["all"]


# --- approvals, and what belongs together -----------------------------------------------------------------------------


def step(kind: str, **more: Any) -> JSON:
    who = {"id": "guest", "kind": "agent", "tenant": "local", "roles": ["guest"]}
    base = {"v": 1, "seq": 9, "ts": 2.0, "writer": "records-0", "kind": kind, "approval": "ap-1", "mode": "approve"}
    return base | {"principal": who, "tool": "destroy", "args": "h"} | more


@pytest.mark.parametrize(
    ("record", "says", "status"),
    [
        (step("approval_requested", call="c", rule="ask", reason="it may destroy"), "it may destroy", "pending"),
        (
            step("approval_decided", decision="deny", by="local/ada", how="operator", reason="no", status="denied"),
            "local/ada said no to destroy",
            "denied",
        ),
        (step("approval_used", call="c", round=0, approved_by=["local/ada"]), "local/ada had given", "used"),
        (step("approval_expired", was="pending"), "expired", "expired"),
    ],
)
def test_each_step_of_an_approval_is_told(record: JSON, says: str, status: str) -> None:
    found = told(record)
    assert says in found["summary"]
    assert found["outcome"] == status
    assert set(found) == set(told(call(), ALLOW))


def test_records_that_belong_together_are_found_and_named() -> None:
    ran = call(HOLD, tool=DESTROY, approval=APPROVAL, outcome="ok")
    assert threads(ran) == [ran["call"], "ap-1"]
    assert relation(ran, ran | {"kind": "opened_call"}) == "its opening, before it ran"
    assert relation(ran, step("approval_decided")) == "its approval was decided"
    assert relation(ran, step("approval_used", call=ran["call"])) == "used its approval"
    assert relation(ran, call() | {"call": "other", "cause": ran["call"]}) == "a call that it caused"
    assert relation(ran | {"cause": "p"}, call() | {"call": "p"}) == "the call that caused it"
    assert relation(ran, call() | {"call": "other"}) == ""


def test_a_record_that_holds_no_decision_is_said() -> None:
    with pytest.raises(UnreadableError, match="holds no decision"):
        told(call() | {"kind": "opened"})
    with pytest.raises(UnreadableError, match="redacted"):
        told(call() | {"kind": "tombstone"})
    with pytest.raises(UnreadableError, match=r"isn't of the form|can't be read"):
        told({name: value for name, value in call().items() if name != "principal"})


def test_an_error_is_told_with_its_code() -> None:
    failure = AuraError("forbidden", "no rule of the policy allows 'echo'").failure
    assert "forbidden: no rule" in parts(told(call(failure=failure), ALLOW))["answer"]["why"]
