"""ask through every layer: Safety, Tools, Reasoning, Workflow, and back in at the ingress."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aura_ia_mcp.actors.language import Language
from aura_ia_mcp.actors.reasoning import Reasoning
from aura_ia_mcp.actors.safety import Safety
from aura_ia_mcp.actors.state import State
from aura_ia_mcp.actors.tools import Tools
from aura_ia_mcp.actors.workflow import Workflow
from aura_ia_mcp.bus.envelope import MAX_DEPTH, Header
from aura_ia_mcp.bus.keys import audience_key
from aura_ia_mcp.gateway.ingress import Ingress

from .graph import GUEST, Graph
from .inside import Router, Shown


@pytest.fixture
async def router() -> Router:
    return Router()


@pytest.fixture
async def graph(tmp_path: Path, router: Router) -> AsyncIterator[Graph]:
    graph = Graph(tmp_path)
    ingress = Ingress(audience_key(graph.decision_root, "gateway"), 1)
    await ingress.start(await graph.peer("gateway", ingress))
    await graph.peer("router", router)  # type: ignore[arg-type]
    (await graph.peer("roles")).publish("rules", Shown().event)
    await graph.start("state", State)
    for role, actor in (("language", Language), ("workflow", Workflow), ("reasoning", Reasoning), ("tools", Tools)):
        await graph.start(role, actor)
    await graph.start("safety", Safety)
    yield graph
    await graph.close()


async def test_a_step_is_a_governed_request_of_its_own(graph: Graph, router: Router) -> None:
    router.route = {"kind": "tool", "name": "echo", "arguments": {"text": "hi"}}
    reply = await graph.call("ask", {"request": "say hi"})
    told = reply["structuredContent"]
    assert told["steps"][0]["result"] == {"text": "hi"}
    layers = [row["layer"] for row in reply["_meta"]["aura/layers"]]
    assert layers == ["L6", "L5", "L4", "L3", "L2", "L1", "L1"]
    step, asked = graph.records()
    assert (step["name"], step["depth"], step["cause"]) == ("echo", 1, asked["call"])
    assert asked["name"] == "ask"
    assert told["steps"][0]["audit_id"] != reply["_meta"]["aura/audit_id"]

    router.route = {"kind": "tool", "name": "evaluate_risk", "arguments": {"operation": "drop database"}}
    told = (await graph.call("ask", {"request": "how risky is it to drop database?"}))["structuredContent"]
    assert told["steps"][0]["result"]["level"] == "critical"

    router.route = {"kind": "tool", "name": "set_safe_mode", "arguments": {"enabled": True, "reason": "x"}}
    told = (await graph.call("ask", {"request": "stop everything"}))["structuredContent"]
    assert (told["status"], told["plan"]["steps"]) == ("not_run", [])

    router.route = {"kind": "tool", "name": "echo", "arguments": {"text": "hi"}}
    deep = Header(principal=GUEST, depth=MAX_DEPTH, deadline=time.monotonic() + 10)
    told = (await graph.call("ask", {"request": "say hi"}, header=deep))["structuredContent"]
    assert (told["status"], told["steps"][0]["error"]["code"]) == ("failed", "invalid_arguments")
    assert "may nest" in told["answer"]
