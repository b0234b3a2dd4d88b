"""ask through every layer: Safety, Tools, Reasoning, Workflow, and back in at the ingress."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from importlib.resources import files
from pathlib import Path

import pytest

from aura_ia_mcp.actors.language import Language
from aura_ia_mcp.actors.reasoning import Reasoning
from aura_ia_mcp.actors.safety import Safety
from aura_ia_mcp.actors.tools import Tools
from aura_ia_mcp.actors.workflow import Workflow
from aura_ia_mcp.bus.envelope import MAX_DEPTH, Header
from aura_ia_mcp.bus.keys import audience_key
from aura_ia_mcp.bus.messages import JSON, CallTool
from aura_ia_mcp.configs.settings import Settings
from aura_ia_mcp.gateway.ingress import Ingress
from aura_ia_mcp.judgement import policy

from .graph import GUEST, OPERATOR, Graph, until
from .inside import Router

SHIPPED = (files("aura_ia_mcp.configs") / "policy.yaml").read_text("utf-8")
DENIED = SHIPPED + "\n  - {id: no_echo, match: {tools: [echo], principals: [guest]}, effect: deny, reason: Not you.}\n"
HELD = SHIPPED + "\n  - {id: held, match: {tools: [echo]}, effect: confirm, reason: Look first.}\n"


@pytest.fixture
async def router() -> Router:
    return Router()


@pytest.fixture
async def graph(tmp_path: Path, router: Router) -> AsyncIterator[Graph]:
    file = tmp_path / "policy.yaml"
    file.write_text(SHIPPED)
    graph = Graph(tmp_path, Settings.model_validate({"safety": {"policy_file": file}}))
    ingress = Ingress(audience_key(graph.decision_root, "gateway"), 1)
    await ingress.start(await graph.peer("gateway", ingress))
    await graph.peer("router", router)  # type: ignore[arg-type]
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


async def test_a_step_that_needs_consent_waits_as_an_approval_and_asks_nobody(graph: Graph, router: Router) -> None:
    await ruled(graph, HELD)
    router.route = {"kind": "tool", "name": "echo", "arguments": {"text": "hi"}}
    ask = CallTool("ask", {"request": "say hi"}, client={"elicitation": {}}, era="2025-11-25")

    step = (await graph.request(ask, on_ask=_nobody))["structuredContent"]["steps"][0]
    assert (step["status"], step["error"]["code"]) == ("refused", "confirmation_required")
    given = {"approval_id": step["error"]["approval_id"], "decision": "approve"}
    await graph.call("decide_approval", given, OPERATOR)

    step = (await graph.request(ask, on_ask=_nobody))["structuredContent"]["steps"][0]
    assert (step["status"], step["result"]) == ("done", {"text": "hi"})


async def test_a_tool_that_a_rule_denies_to_the_caller_is_no_step(graph: Graph, router: Router) -> None:
    await ruled(graph, DENIED)
    router.route = {"kind": "tool", "name": "echo", "arguments": {"text": "hi"}}
    told = (await graph.call("ask", {"request": "say hi"}))["structuredContent"]
    assert (told["route"]["kind"], told["status"], told["steps"]) == ("none", "not_run", [])
    assert [record["name"] for record in graph.records()] == ["ask"]
    told = (await graph.call("ask", {"request": "say hi"}, OPERATOR))["structuredContent"]
    assert told["status"] == "done"


async def ruled(graph: Graph, text: str) -> None:
    """Put a policy in force."""
    graph.settings.safety.policy_file.write_text(text)  # type: ignore[union-attr]
    await graph.actors["roles"].look()
    version = policy.parse(text).version
    await until(lambda: (now := graph.actors["safety"]._rules.now) and now.policy.version == version)


async def _nobody(question: JSON) -> JSON:
    raise AssertionError(f"the caller of ask is no judge of a step: {question}")
