"""Decision tokens for what a call may cause in turn, and the ingress that takes them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aura_ia_mcp.actors.safety import Safety
from aura_ia_mcp.actors.sources import ToolCall
from aura_ia_mcp.actors.tools import Tools
from aura_ia_mcp.bus.envelope import MAX_DEPTH, Header, Principal, new_id
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.keys import audience_key
from aura_ia_mcp.bus.messages import JSON, CallTool, ListCatalogue, Reenter
from aura_ia_mcp.bus.tokens import Claims, Minter, Verifier, digest, grant, who

from .graph import GUEST, OPERATOR, Graph, Scripted, code_of, define, text_result, until


class Fixtures(Scripted):
    """Tools that keep the tokens they were given."""

    def __init__(self) -> None:
        super().__init__(plain=self._keep, causes=self._keep, means=self._keep, wait=self._wait)
        self.definitions["causes"] = define("causes", reenters=True)
        self.definitions["means"] = define("means", embeds=("query", "more"))
        self.given: list[tuple[str, Header]] = []
        self.entered = asyncio.Event()
        self.cancelled = False

    async def _keep(self, arguments: JSON, call: ToolCall) -> JSON:
        self.given.append((call.context.envelope.id, call.context.envelope.header))
        return text_result("kept")

    async def _wait(self, arguments: JSON, call: ToolCall) -> JSON:
        self.entered.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        return {}


@pytest.fixture
def fixtures() -> Fixtures:
    return Fixtures()


@pytest.fixture
async def graph(tmp_path: Path, fixtures: Fixtures) -> AsyncIterator[Graph]:
    graph = Graph(tmp_path)
    await graph.ingress()
    await graph.start("tools", Tools, lambda: fixtures)
    await graph.start("safety", Safety)
    await graph.peer("workflow")
    await graph.request(ListCatalogue("tools"))
    yield graph
    await graph.close()


async def granted(graph: Graph, fixtures: Fixtures, principal: Principal = GUEST) -> tuple[str, Header]:
    """The id of a call that may cause others, and the header with its grant."""
    await graph.call("causes", principal=principal)
    return graph.records()[-1]["call"], fixtures.given[-1][1]


async def reenter(graph: Graph, parent: str, header: Header, tool: str = "plain", **arguments: Any) -> JSON:
    return await graph.peers["workflow"].request("gateway", Reenter(parent, tool, arguments), header=header)


# --- what Safety mints -----------------------------------------------------------------------------------------------


async def test_only_a_tool_that_re_enters_gets_a_grant_and_only_named_texts_may_be_embedded(
    graph: Graph, fixtures: Fixtures
) -> None:
    for tool in ("plain", "causes", "means"):
        await graph.call(tool, {"query": "a", "more": 5, "secret": "b"})
    audiences = [set(header.tokens) - {"tools"} for _, header in fixtures.given]
    assert audiences == [set(), {"gateway", "workflow"}, {"ml"}]
    token = fixtures.given[2][1].tokens["ml"]
    verifier = Verifier("ml", audience_key(graph.decision_root, "ml"))
    check: dict[str, Any] = {"action": "embed", "who": who(GUEST)}
    for other in (["b"], ["a", "b"], ["a", "5"], []):
        with pytest.raises(AuraError, match="arguments"):
            verifier.verify(token, arguments=other, delivery="d", **check)
    assert verifier.verify(token, arguments=["a"], delivery="d", **check).audience == "ml"


# --- what the ingress takes ------------------------------------------------------------------------------------------


async def test_a_caused_call_is_one_of_its_own_with_cause_and_depth(graph: Graph, fixtures: Fixtures) -> None:
    parent, header = await granted(graph, fixtures)
    for _ in range(2):  # a grant serves many steps
        assert (await reenter(graph, parent, header))["content"]
    _, first, second = graph.records()
    assert first["call"] != second["call"]
    for record in (first, second):
        assert (record["cause"], record["depth"], record["name"]) == (parent, 1, "plain")
        assert record["principal"]["id"] == "guest"
        assert record["session"] == graph.records()[0]["session"]
        assert record["client"] == {"name": "aura-inside"}
    assert not set(fixtures.given[-1][1].tokens) & {"gateway", "workflow"}, "a step inherits no grant"


async def test_a_caused_call_is_decided_like_any_other(graph: Graph, fixtures: Fixtures) -> None:
    parent, header = await granted(graph, fixtures)
    assert await code_of(reenter(graph, parent, header, "set_safe_mode", enabled=True, reason="x")) == "unknown_tool"
    assert await code_of(reenter(graph, parent, header, command="rm -rf /")) == "unsafe_arguments"
    assert [record["rule"] for record in graph.records()[1:]] == ["exposure.hidden", "inspection.block"]


@pytest.mark.parametrize(
    "change",
    [
        {"tokens": {}},
        {"principal": OPERATOR},
        {"principal": replace(GUEST, roles=("guest", "operator"))},
        {"principal": replace(GUEST, tenant="other")},
        {"principal": None},
        {"parent": "another"},
        {"audience": "workflow"},
        {"expires": -1.0},
        {"root": b"f" * 32},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_without_a_grant_for_just_this_call_and_caller_nothing_begins(
    graph: Graph, fixtures: Fixtures, change: dict[str, Any]
) -> None:
    parent, header = await granted(graph, fixtures)
    if "audience" in change:
        header = header.with_tokens({"gateway": header.tokens["workflow"]})
    if "expires" in change or "root" in change:
        claims = Claims(new_id(), who(GUEST), grant(parent), digest(None), "p", "gateway", time.time() + 60)
        minter = Minter(change.get("root", graph.decision_root))
        assert "root" in change or (
            await reenter(graph, parent, header.with_tokens({"gateway": minter.mint(claims)}))
        )  # it is only the change
        header = header.with_tokens(
            {"gateway": minter.mint(replace(claims, expires=time.time() + change.get("expires", 60)))}
        )
    header = replace(header, **{name: change[name] for name in ("tokens", "principal") if name in change})
    before = len(graph.records())
    assert await code_of(reenter(graph, change.get("parent", parent), header)) == "invalid_token"
    assert len(graph.records()) == before


async def test_the_grant_of_one_call_is_no_good_for_another_of_the_same_caller(
    graph: Graph, fixtures: Fixtures
) -> None:
    parent, _ = await granted(graph, fixtures)
    _, header = await granted(graph, fixtures)
    assert await code_of(reenter(graph, parent, header)) == "invalid_token"


async def test_calls_nest_only_so_deep(graph: Graph, fixtures: Fixtures) -> None:
    parent, header = await granted(graph, fixtures)
    deepest = replace(header, depth=MAX_DEPTH - 1)
    assert (await reenter(graph, parent, deepest))["content"]
    assert graph.records()[-1]["depth"] == MAX_DEPTH
    assert await code_of(reenter(graph, parent, replace(header, depth=MAX_DEPTH))) == "invalid_arguments"
    assert await code_of(reenter(graph, parent, replace(header, depth=MAX_DEPTH + 1))) != "no error"
    assert graph.records()[-1]["depth"] == MAX_DEPTH


async def test_when_whoever_waits_goes_away_the_caused_call_is_cancelled(graph: Graph, fixtures: Fixtures) -> None:
    parent, header = await granted(graph, fixtures)
    task = asyncio.create_task(reenter(graph, parent, header, "wait"))
    await asyncio.wait_for(fixtures.entered.wait(), 5)
    task.cancel()
    await until(lambda: fixtures.cancelled and graph.records()[-1]["outcome"] == "cancelled")


@pytest.mark.parametrize("role", ["safety", "tools", "ml", "roles", "state"])
async def test_nobody_but_who_runs_the_steps_has_a_way_in(graph: Graph, fixtures: Fixtures, role: str) -> None:
    parent, header = await granted(graph, fixtures)
    if role not in graph.peers:
        await graph.peer(role)
    sent = graph.peers[role].request("gateway", Reenter(parent, "plain", {}), header=header)
    assert await code_of(sent) == "undeclared_edge"


async def test_the_ingress_answers_nothing_but_re_entry(graph: Graph) -> None:
    sent = graph.peers["workflow"].request("gateway", CallTool("plain", {}), header=Header(principal=GUEST))
    assert await code_of(sent) in ("unknown_message", "undeclared_edge")
