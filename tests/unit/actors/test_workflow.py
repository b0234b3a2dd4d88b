"""Plans under way: order, bounds, refusals, cancellation and deadlines."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from aura_ia_mcp.actors.workflow import MOST_AT_ONCE, MOST_RESULT_CHARS, Workflow
from aura_ia_mcp.bus.bus import Context
from aura_ia_mcp.bus.envelope import Header
from aura_ia_mcp.bus.messages import JSON, RunPlan

from .graph import GUEST, OPERATOR, Graph, code_of, until
from .inside import PARENT, Inside, fails, reply


def step(name: str, *needs: str, tool: str = "", **more: Any) -> JSON:
    return {"id": name, "tool": tool or name, "arguments": {"of": name}, "needs": list(needs)} | more


@pytest.fixture
async def inside(tmp_path: Path) -> AsyncIterator[Inside]:
    inside = Inside(Graph(tmp_path))
    await inside.start()
    await inside.graph.peer("reasoning")
    await inside.graph.start("workflow", Workflow)
    yield inside
    await inside.graph.close()


async def run(inside: Inside, *steps: JSON, tokens: dict[str, bytes] | None = None, **more: Any) -> JSON:
    header = more.pop("header", Header(principal=GUEST)).with_tokens(inside.tokens(GUEST) if tokens is None else tokens)
    message = RunPlan(PARENT, list(steps))
    return await inside.graph.peers["reasoning"].request("workflow", message, header=header, **more)


def statuses(told: JSON) -> dict[str, str]:
    return {row["id"]: row["status"] for row in told["steps"]}


async def test_steps_run_in_their_order_and_answer_in_the_plans(inside: Inside) -> None:
    told = await run(inside, step("c", "b"), step("a"), step("b", "a"))
    assert [message.tool for message in inside.ingress.asked] == ["a", "b", "c"]
    assert [row["id"] for row in told["steps"]] == ["c", "a", "b"]
    assert told["status"] == "done"
    assert told["steps"][1]["result"] == {"given": {"of": "a"}}
    assert told["steps"][1]["audit_id"] == "a1"
    assert [row["layer"] for row in told["_meta"]["aura/layers"]] == ["L3"]


async def test_independent_steps_run_side_by_side_and_never_more_than_eight(inside: Inside) -> None:
    go = asyncio.Event()

    async def wait(arguments: JSON, context: Context) -> JSON:
        await go.wait()
        return reply({})

    inside.ingress.answers["wait"] = wait
    running = asyncio.create_task(run(inside, *(step(f"s{n}", tool="wait") for n in range(12))))
    await until(lambda: inside.ingress.running == MOST_AT_ONCE)
    go.set()
    assert (await running)["status"] == "done"
    assert inside.ingress.most == MOST_AT_ONCE
    assert len(inside.ingress.asked) == 12


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("forbidden", "refused"),
        ("approval_required", "refused"),
        ("rate_limited", "refused"),
        ("tool_failed", "failed"),
        ("unavailable", "failed"),
    ],
)
async def test_a_step_that_fails_is_told_and_skips_what_needs_it(inside: Inside, code: str, status: str) -> None:
    inside.ingress.answers["a"] = fails(code, "it can't be", recovery="Do this.", audit_id="rec-1")
    told = await run(inside, step("a"), step("b", "a"), step("c", "b"), step("d"))
    assert statuses(told) == {"a": status, "b": "skipped", "c": "skipped", "d": "done"}
    assert told["status"] == "partial"
    error = told["steps"][0]["error"]
    assert (error["code"], error["message"], error["recovery"]) == (code, "it can't be", "Do this.")
    assert told["steps"][0]["audit_id"] == "rec-1"
    assert "needs a" in told["steps"][1]["error"]["message"]
    assert [message.tool for message in inside.ingress.asked] == ["a", "d"]


async def test_an_optional_step_that_fails_leaves_the_plan_whole(inside: Inside) -> None:
    inside.ingress.answers["a"] = fails("tool_failed")
    told = await run(inside, step("a", optional=True), step("b", "a"))
    assert statuses(told) == {"a": "failed", "b": "done"}
    assert told["status"] == "done"


async def test_a_plan_of_which_nothing_succeeded_failed(inside: Inside) -> None:
    inside.ingress.answers["a"] = fails("forbidden")
    assert (await run(inside, step("a"), step("b", "a")))["status"] == "failed"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"content": [{"type": "text", "text": "broke"}], "isError": True}, "tool_failed"),
        ({"isError": True, "_meta": {"aura/error": {"code": "forbidden", "message": "m"}}}, "forbidden"),
        ({"rpc_error": {"code": -32021, "message": "needs sampling"}}, "tool_failed"),
        ({"resultType": "input_required"}, "input_required"),
    ],
)
async def test_an_answer_that_is_no_success_is_a_failure(inside: Inside, answer: JSON, code: str) -> None:
    async def say(arguments: JSON, context: Context) -> JSON:
        return answer

    inside.ingress.answers["a"] = say
    (row,) = (await run(inside, step("a")))["steps"]
    assert (row["status"], row["error"]["code"]) == ("failed", code)


async def test_a_large_result_is_cut_and_says_so(inside: Inside) -> None:
    async def much(arguments: JSON, context: Context) -> JSON:
        return reply({"text": "x" * 50_000})

    inside.ingress.answers["a"] = much
    found = (await run(inside, step("a")))["steps"][0]["result"]
    assert found["truncated"] is True
    assert found["chars"] > 50_000
    assert len(found["beginning"]) == MOST_RESULT_CHARS


async def test_cancelling_a_plan_cancels_the_steps_under_way_and_begins_no_more(inside: Inside) -> None:
    async def hang(arguments: JSON, context: Context) -> JSON:
        return await asyncio.Future()

    inside.ingress.answers["hang"] = hang
    running = asyncio.create_task(run(inside, step("a", tool="hang"), step("b", tool="hang"), step("c", "a")))
    await until(lambda: inside.ingress.running == 2)
    running.cancel()
    await until(lambda: len(inside.ingress.cancelled) == 2)
    assert [message.tool for message in inside.ingress.asked] == ["hang", "hang"]


async def test_at_the_deadline_what_is_there_by_then_is_told(inside: Inside) -> None:
    async def hang(arguments: JSON, context: Context) -> JSON:
        return await asyncio.Future()

    inside.ingress.answers["hang"] = hang
    header = Header(principal=GUEST, deadline=time.monotonic() + 0.5)
    told = await run(inside, step("a"), step("b", tool="hang"), header=header)
    assert statuses(told) == {"a": "done", "b": "failed"}
    assert told["steps"][1]["error"]["code"] == "deadline_exceeded"
    assert told["status"] == "partial"


async def test_progress_comes_with_each_step(inside: Inside) -> None:
    items: list[JSON] = []
    await run(inside, step("a"), step("b", "a"), on_item=items.append)
    assert [(item["progress"], item["total"], item["message"]) for item in items] == [
        (1, 2, "a: done"),
        (2, 2, "b: done"),
    ]


async def test_nothing_runs_without_a_grant_for_this_call_and_principal(inside: Inside) -> None:
    for tokens in (
        {},
        inside.tokens(OPERATOR),
        inside.tokens(GUEST, action="reenter:another"),
        inside.tokens(GUEST, audience="reasoning"),
        inside.tokens(GUEST, expires=time.time() - 1),
    ):
        assert await code_of(run(inside, step("a"), tokens=tokens)) == "invalid_token"
    assert inside.ingress.asked == []


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ([], "invalid_arguments"),
        ([step("a", "b"), step("b", "a")], "invalid_arguments"),
        ([step("a", "ghost")], "invalid_arguments"),
        ([step("a"), step("a")], "invalid_arguments"),
        ([step(f"s{n}") for n in range(33)], "invalid_arguments"),
        ([{"id": "a"}], "malformed"),
        ([{"id": "a", "tool": "t", "arguments": 7}], "malformed"),
    ],
)
async def test_a_plan_that_is_none_is_refused_whole(inside: Inside, steps: list[JSON], code: str) -> None:
    assert await code_of(run(inside, *steps)) == code
    assert inside.ingress.asked == []
