"""ask: what is run, how far it is followed, and how it is told."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from aura_ia_mcp.bus.bus import Context
from aura_ia_mcp.bus.envelope import Header
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON, CallTool

from ..graph import GUEST, code_of, until
from ..inside import PARENT, Inside, fails, reply
from .calls import AGENT, FACTS, ask, found, ran


async def test_a_tool_is_run_as_a_new_request_and_its_result_is_the_answer(inside: Inside) -> None:
    async def health(arguments: JSON, context: Context) -> JSON:
        return reply({"status": "ok", "checks": {"a": {}, "b": {}}}, "rec-7")

    inside.ingress.answers["check_health"] = health
    inside.router.route = {"kind": "tool", "name": "check_health", "why": ["the word health"]}
    told = await ask(inside, "is all well?", GUEST, context="today")
    assert (inside.router.asked[0].request, inside.router.asked[0].context) == ("is all well?", "today")
    assert [(message.parent, message.tool) for message in inside.ingress.asked] == [(PARENT, "check_health")]
    assert (told["route"]["name"], told["route"]["confidence"], told["route"]["why"]) == (
        "check_health",
        0.9,
        ["the word health"],
    )
    assert (told["status"], told["steps"][0]["audit_id"]) == ("done", "rec-7")
    assert told["answer"] == "check_health: status ok; checks (2)"
    assert (told["risk"]["level"], told["composed"]) == ("low", False)
    assert any("no language engine" in note for note in told["notes"])


async def test_the_way_down_is_shown_layer_by_layer(inside: Inside) -> None:
    inside.router.route = {"kind": "tool", "name": "check_health"}
    answer = await inside.call("ask", {"request": "x"}, FACTS, GUEST)
    layers = answer["_meta"]["aura/layers"]
    assert [row["layer"] for row in layers] == ["L4", "L3", "L2", "L1", "L1"]
    assert [row["actor"] for row in layers] == ["reasoning/0", "workflow/0", "router/0", "ml/0", "language/0"]
    assert answer["content"][0]["text"].startswith("check_health")


async def test_a_plan_of_several_steps_needs_orchestrate(inside: Inside) -> None:
    inside.router.route = {"kind": "workflow", "name": "system_check"}
    told = await ask(inside, principal=GUEST)
    assert (told["status"], ran(inside)) == ("planned", [])
    assert "orchestrate" in told["answer"]
    assert len(told["plan"]["steps"]) == 5
    told = await ask(inside, principal=AGENT)
    assert (told["status"], len(ran(inside))) == ("done", 5)


async def test_plan_only_stops_before_anything_runs(inside: Inside) -> None:
    inside.router.route = {"kind": "workflow", "name": "diagnose"}
    told = await ask(inside, plan_only=True)
    assert (told["status"], told["steps"], ran(inside)) == ("planned", [], [])
    assert told["plan"]["order"][0] == ["health", "status", "models", "activity"]
    assert {each["id"] for each in told["plan"]["left_out"]} == {"errors", "alerts"}
    assert any("read_logs" in note for note in told["notes"])


async def test_refused_steps_are_told_with_what_to_do_and_the_rest_is_partial(inside: Inside) -> None:
    inside.ingress.answers["get_cluster_status"] = fails(
        "approval_required", "somebody has to agree", recovery="Ask bob.", audit_id="rec-2"
    )
    inside.router.route = {"kind": "workflow", "name": "system_check"}
    told = await ask(inside)
    rows = {row["id"]: row for row in told["steps"]}
    assert told["status"] == "partial"
    assert (rows["cluster"]["status"], rows["cluster"]["audit_id"]) == ("refused", "rec-2")
    assert rows["cluster"]["error"]["recovery"] == "Ask bob."
    assert "cluster (get_cluster_status): refused: somebody has to agree. Ask bob." in told["answer"].splitlines()


async def test_steps_that_lie_too_deep_are_told_as_failed(inside: Inside) -> None:
    inside.ingress.answers["check_health"] = fails("invalid_arguments", "it would be the 5th call inside another")
    inside.router.route = {"kind": "tool", "name": "check_health"}
    told = await ask(inside)
    assert (told["status"], told["steps"][0]["status"]) == ("failed", "failed")
    assert "5th call" in told["answer"]


async def test_cancelling_ask_cancels_its_steps(inside: Inside) -> None:
    async def hang(arguments: JSON, context: Context) -> JSON:
        return await asyncio.Future()

    inside.ingress.answers["check_health"] = hang
    inside.router.route = {"kind": "tool", "name": "check_health"}
    running = asyncio.create_task(ask(inside))
    await until(lambda: inside.ingress.running == 1)
    running.cancel()
    await until(lambda: inside.ingress.cancelled == ["check_health"])


async def test_at_its_deadline_ask_tells_what_is_there(inside: Inside) -> None:
    async def hang(arguments: JSON, context: Context) -> JSON:
        return await asyncio.Future()

    inside.ingress.answers["get_cluster_status"] = hang
    inside.router.route = {"kind": "workflow", "name": "system_check"}
    header = Header(principal=AGENT, deadline=time.monotonic() + 1.0)
    told = found("ask", await inside.call("ask", {"request": "x"}, FACTS, AGENT, header=header))
    assert told["status"] == "partial"
    assert {row["status"] for row in told["steps"] if row["id"] != "cluster"} == {"done"}


async def test_progress_of_the_steps_reaches_the_caller(inside: Inside) -> None:
    items: list[JSON] = []
    inside.router.route = {"kind": "workflow", "name": "system_check"}
    await inside.call("ask", {"request": "x"}, FACTS, AGENT, on_item=items.append)
    assert [item["progress"] for item in items] == [1, 2, 3, 4, 5]


async def test_nothing_runs_without_a_token_or_without_a_grant(inside: Inside) -> None:
    tools_peer, message = inside.graph.peers["tools"], CallTool("ask", {"request": "x"}, meta={"aura/tools": FACTS})
    inside.router.route = {"kind": "tool", "name": "check_health"}
    grants = inside.tokens(GUEST)
    own = {"reasoning": inside.tokens(GUEST, tool="ask", arguments={"request": "x"})["reasoning"]}
    for tokens in ({}, grants, own, own | {"workflow": b"x" * 50}):
        header = Header(principal=GUEST, tokens=tokens)
        assert await code_of(tools_peer.request("reasoning", message, header=header)) == "invalid_token"
    assert ran(inside) == []


async def test_an_unknown_tool_and_a_call_of_nobody_are_refused(inside: Inside) -> None:
    assert await code_of(inside.call("dance", {}, FACTS)) == "unknown_tool"
    with pytest.raises(AuraError):
        await inside.call("ask", {"request": "x"}, FACTS, replace(GUEST, id="x"), header=Header(principal=GUEST))
