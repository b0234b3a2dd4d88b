"""Plans: which steps a caller may run, in which order, and what is left out."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aura_ia_mcp.judgement.plans import PlanError, order_of, parse, shipped

HELD = frozenset({"status", "read_logs", "infer", "query"})


def fact(name: str, capability: str = "status", **more: Any) -> dict[str, Any]:
    return {"name": name, "capability": capability, "exposed": True, "input_schema": {"type": "object"}} | more


FACTS = [
    fact("check_health"),
    fact("get_system_status"),
    fact("get_model_status"),
    fact("get_activity_stats"),
    fact("get_recent_logs", "read_logs"),
    fact("execute_command", "operate"),
    fact("secret_tool", exposed=False),
    fact("search_logs", "read_logs", input_schema={"type": "object", "required": ["query"]}),
]


def workflow(name: str, **arguments: Any) -> dict[str, Any]:
    return {"kind": "workflow", "name": name, "arguments": arguments}


def tool(name: str, **arguments: Any) -> dict[str, Any]:
    return {"kind": "tool", "name": name, "arguments": arguments}


def templates(*steps: str) -> str:
    lines = "\n".join(f"      - {step}" for step in steps)
    return f"version: 1\nplans:\n  p:\n    title: P\n    steps:\n{lines}\n"


def test_the_shipped_plans_are_the_five() -> None:
    plans = shipped().by_name
    assert set(plans) == {"diagnose", "system_check", "security_audit", "debug", "analyze"}


def test_a_step_that_is_not_there_or_not_allowed_is_left_out_and_named() -> None:
    plan = shipped().plan(workflow("diagnose"), FACTS, HELD - {"read_logs"})
    assert [step.id for step in plan.steps] == ["health", "status", "models", "activity"]
    assert {each.id: each.why for each in plan.left_out} == {
        "errors": "you need the capability read_logs for get_recent_logs",
        "alerts": "there is no tool get_alerts",
    }


@pytest.mark.parametrize("name", ["execute_command", "secret_tool", "no_such_tool"])
def test_a_hidden_tool_looks_like_one_that_is_not_there(name: str) -> None:
    plan = shipped().plan(tool(name), FACTS, HELD)
    assert not plan.steps
    assert plan.left_out[0].why == f"there is no tool {name}"


def test_an_operator_may_run_what_is_hidden_from_others() -> None:
    plan = shipped().plan(tool("execute_command"), FACTS, HELD | {"operate"})
    assert [step.tool for step in plan.steps] == ["execute_command"]


def test_a_tool_without_a_needed_argument_is_left_out() -> None:
    assert "query" in shipped().plan(tool("search_logs"), FACTS, HELD).left_out[0].why
    assert shipped().plan(tool("search_logs", query="x"), FACTS, HELD).steps[0].arguments == {"query": "x"}


def test_placeholders_take_the_first_value_that_there_is_and_keep_its_type() -> None:
    made = parse(
        templates(
            "{id: a, tool: check_health, arguments: {n: '{count}', t: '{text|context|request}',"
            " m: 'about {request}!', gone: '{service}', fixed: 3}}"
        )
    )
    plan = made.plan(workflow("p", count=7), FACTS, HELD, {"request": "why", "context": ""})
    assert plan.steps[0].arguments == {"n": 7, "t": "why", "m": "about why!", "fixed": 3}


def test_a_value_is_never_read_as_a_template() -> None:
    made = parse(templates("{id: a, tool: check_health, arguments: {t: 'x {request}'}}"))
    plan = made.plan(workflow("p"), FACTS, HELD, {"request": "{context} {secret}", "context": "no"})
    assert plan.steps[0].arguments == {"t": "x {context} {secret}"}


def test_what_needs_a_step_that_is_left_out_is_left_out_unless_that_is_optional() -> None:
    made = parse(
        templates(
            "{id: a, tool: nothing}",
            "{id: b, tool: check_health, needs: [a]}",
            "{id: c, tool: nothing, optional: true}",
            "{id: d, tool: check_health, needs: [c]}",
        )
    )
    plan = made.plan(workflow("p"), FACTS, HELD)
    assert [(step.id, step.needs) for step in plan.steps] == [("d", ())]
    assert {each.id for each in plan.left_out} == {"a", "b", "c"}
    assert "it needs a" in next(each.why for each in plan.left_out if each.id == "b")
    assert plan.order == (("d",),)


def test_the_order_has_what_is_independent_side_by_side() -> None:
    made = parse(
        templates(
            "{id: z, tool: check_health}",
            "{id: a, tool: check_health}",
            "{id: m, tool: check_health, needs: [z, a]}",
        )
    )
    assert made.plan(workflow("p"), FACTS, HELD).order == (("z", "a"), ("m",))


@pytest.mark.parametrize(
    ("steps", "named"),
    [
        (("{id: a, tool: t, needs: [b]}", "{id: b, tool: t, needs: [a]}"), "circle"),
        (("{id: a, tool: t, needs: [a]}",), "circle"),
        (("{id: a, tool: t, needs: [ghost]}",), "ghost"),
        (("{id: a, tool: t}", "{id: a, tool: u}"), "same id"),
        (("{id: a, tool: t, colour: red}",), "colour"),
        (("{id: a}",), "tool"),
        (("{id: a, tool: 't",), "not YAML"),
    ],
)
def test_a_faulty_template_is_refused_with_what_is_wrong(steps: tuple[str, ...], named: str) -> None:
    with pytest.raises(PlanError, match=named):
        parse(templates(*steps))


def test_an_unknown_plan_or_kind_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(PlanError, match="system_check"):
        shipped().plan(workflow("dance"), FACTS, HELD)
    with pytest.raises(PlanError, match="model"):
        shipped().plan({"kind": "model", "name": "code"}, FACTS, HELD)


@given(
    st.integers(1, 12).flatmap(
        lambda n: st.tuples(st.just(n), st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=30))
    )
)
def test_a_step_never_stands_before_what_it_needs(graph: tuple[int, list[tuple[int, int]]]) -> None:
    count, edges = graph
    needs: dict[str, set[str]] = {str(each): set() for each in range(count)}
    for one, other in edges:
        low, high = sorted((one % count, other % count))
        if low != high:
            needs[str(high)].add(str(low))
    waves = order_of(needs, count)
    place = {each: at for at, wave in enumerate(waves) for each in wave}
    assert sorted(place) == sorted(needs)
    assert all(place[need] < place[each] for each, before in needs.items() for need in before)
