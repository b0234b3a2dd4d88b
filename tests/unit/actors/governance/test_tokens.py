"""Tools runs only what Safety's decision token covers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from aura_ia_mcp.bus.envelope import Header
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import (
    JSON,
    CallTool,
    Complete,
    GetPrompt,
    ListCatalogue,
    Message,
    ReadResource,
)

from ..graph import GUEST, OPERATOR, Graph, code_of, define
from .fixtures import Fixtures


async def intercepted(graph: Graph) -> tuple[CallTool, Header]:
    """A call as Safety would send it to Tools, caught before it got there: its token is unspent."""
    caught: list[tuple[CallTool, Header]] = []
    await graph.request(ListCatalogue("tools"))
    safety = graph.peers["safety"]
    request = safety.request

    async def catch(target: Any, message: Any, **more: Any) -> JSON:
        caught.append((message, more["header"]))
        raise AuraError("unavailable", "caught by the test")

    safety.request = catch  # type: ignore[method-assign]
    assert await code_of(graph.call("count", {"a": 1})) == "unavailable"
    safety.request = request  # type: ignore[method-assign]
    return caught[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"token": lambda token: {}},
        {"token": lambda token: {"tools": token[:-1] + bytes([token[-1] ^ 1])}},
        {"token": lambda token: {"tools": bytes([token[0] ^ 1]) + token[1:]}},
        {"token": lambda token: {"ml": token}},
        {"arguments": {"a": 2}},
        {"tool": "write"},
        {"inputs": {"x": 1}},
        {"state": "s"},
        {"principal": OPERATOR},
        {"principal": replace(GUEST, tenant="other")},
        {"principal": replace(GUEST, roles=("guest", "operator"))},
        {"principal": replace(GUEST, kind="human")},
    ],
    ids=[
        "none",
        "signature",
        "claims",
        "audience",
        "arguments",
        "tool",
        "inputs",
        "state",
        "principal",
        "tenant",
        "roles",
        "kind",
    ],
)
async def test_tools_runs_only_what_the_token_covers(graph: Graph, fixtures: Fixtures, changes: dict[str, Any]) -> None:
    message, header = await intercepted(graph)
    altered = dict(changes)
    sent = header
    if "token" in altered:
        sent = sent.with_tokens(altered.pop("token")(header.tokens["tools"]))
    if "principal" in altered:
        sent = replace(sent, principal=altered.pop("principal"))
    tools = graph.peers["safety"]
    assert await code_of(tools.request("tools", CallTool(**(message.payload() | altered)), header=sent)) == (
        "invalid_token"
    )
    assert fixtures.runs == 0
    assert (await tools.request("tools", message, header=header))["content"]  # it was only the change


async def test_a_token_is_good_for_one_run(graph: Graph, fixtures: Fixtures) -> None:
    message, header = await intercepted(graph)
    safety = graph.peers["safety"]
    assert (await safety.request("tools", message, header=header))["content"]
    assert await code_of(safety.request("tools", message, header=header)) == "invalid_token"
    assert fixtures.runs == 1


@pytest.mark.parametrize(
    "message",
    [
        ReadResource("test://one"),
        GetPrompt("p", {"a": "x"}),
        Complete({"type": "ref/prompt", "name": "p"}, {"name": "a", "value": "x"}),
    ],
    ids=lambda message: message.kind,
)
async def test_tools_reads_fills_and_completes_nothing_without_a_token(graph: Graph, message: Message) -> None:
    assert await graph.request(message)
    sent = graph.peers["safety"].request("tools", message, header=Header(principal=GUEST))
    assert await code_of(sent) == "invalid_token"


async def test_a_decision_on_an_older_contract_does_not_hold(graph: Graph, fixtures: Fixtures) -> None:
    await graph.call("count")
    fixtures.definitions["count"] = define("count", meta={}, risk="high", open_world=True)
    graph.actors["tools"].catalogue.refresh()  # Safety hasn't heard of it
    assert await code_of(graph.call("count")) == "invalid_token"
    assert fixtures.runs == 1
