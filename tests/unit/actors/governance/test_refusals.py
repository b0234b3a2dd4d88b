"""What doesn't run is refused, said and recorded."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aura_ia_mcp.bus.envelope import Principal
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import (
    JSON,
    ListCatalogue,
)

from ..graph import GUEST, OPERATOR, Graph, code_of
from .fixtures import Fixtures


@pytest.mark.parametrize(
    ("tool", "arguments", "code", "rule"),
    [
        ("no_such_tool", {}, "unknown_tool", "exposure.unknown"),
        ("hidden", {}, "unknown_tool", "exposure.hidden"),
        ("locked", {}, "forbidden", "capability.missing"),
    ],
)
async def test_what_no_rule_allows_is_refused_recorded_and_not_run(
    graph: Graph, fixtures: Fixtures, tool: str, arguments: JSON, code: str, rule: str
) -> None:
    assert await code_of(graph.call(tool, arguments)) == code
    assert fixtures.runs == 0
    (record,) = graph.records()
    assert (record["verdict"], record["rule"], record["outcome"], record["error"]["code"]) == (
        "deny",
        rule,
        "refused",
        code,
    )


async def test_a_hidden_tool_and_an_unknown_one_look_alike_to_those_who_may_not_see_it(graph: Graph) -> None:
    errors = []
    for tool in ("hidden", "absent"):
        with pytest.raises(AuraError) as caught:
            await graph.call(tool)
        failure = caught.value.failure.as_dict() | {"audit_id": "", "receipt": ""}
        errors.append({k: v.replace(tool, "X") if isinstance(v, str) else v for k, v in failure.items()})
    assert errors[0] == errors[1]
    assert (await graph.call("hidden", principal=OPERATOR))["content"]


async def test_a_tool_that_is_not_listed_is_not_callable_and_the_other_way_round(graph: Graph) -> None:
    for principal in (GUEST, OPERATOR, Principal("a", roles=("auditor",)), Principal("n", roles=("none",))):
        listed = {e["name"] for e in (await graph.request(ListCatalogue("tools"), principal))["entries"]}
        for tool in ("count", "hidden", "locked", "echo"):
            refused = await code_of(graph.call(tool, {"text": "x"}, principal)) in ("forbidden", "unknown_tool")
            assert refused == (tool not in listed), (principal.id, tool)


async def test_an_agent_with_the_operators_role_is_still_no_operator(graph: Graph) -> None:
    assert await code_of(graph.call("hidden", principal=replace(OPERATOR, kind="agent"))) == "unknown_tool"


async def test_nobody_calls_without_a_principal(graph: Graph) -> None:
    assert await code_of(graph.call("echo", {"text": "x"}, None)) == "unauthenticated"
    assert await code_of(graph.request(ListCatalogue("tools"), None)) == "unauthenticated"


async def test_call_101_of_a_minute_is_refused_and_the_one_after_the_wait_runs(
    graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("aura_ia_mcp.actors.rates.clock", lambda: now)
    for _ in range(100):
        await graph.call("echo", {"text": "x"})
    with pytest.raises(AuraError) as caught:
        await graph.call("echo", {"text": "x"})
    failure = caught.value.failure
    assert (failure.code, failure.outcome) == ("rate_limited", "not_run")
    assert failure.retry_after_s == pytest.approx(0.6, abs=0.01)
    assert graph.records()[-1]["rule"] == "rate.default"
    assert (await graph.call("echo", {"text": "x"}, OPERATOR))["structuredContent"]
    assert len((await graph.request(ListCatalogue("tools")))["entries"]) > 5
    now += failure.retry_after_s or 0
    assert (await graph.call("echo", {"text": "x"}))["structuredContent"]


async def test_wrong_arguments_are_named_with_what_was_expected_and_got(graph: Graph) -> None:
    with pytest.raises(AuraError) as caught:
        await graph.call("echo", {"text": 5, "more": 1})
    failure = caught.value.failure
    assert failure.code == "invalid_arguments"
    assert 'arguments.text: the value is not of type "string" (got integer 5)' in failure.message
    assert "'more' was unexpected" in failure.message
    assert failure.audit_id
