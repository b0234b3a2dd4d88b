"""The REST helpers: the same calls, answered as plain HTTP."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from .conftest import Running


async def get(running: Running, path: str, **headers: str) -> tuple[int, Any]:
    async with running.http.get(running.base + path, headers=headers) as response:
        body = await response.read()
        return response.status, json.loads(body) if response.content_type == "application/json" else body.decode()


async def rest(running: Running, body: Any, **headers: str) -> tuple[int, Any, Any]:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    async with running.http.post(running.base + "/mcp/tools/call", json=body, headers=sent) as response:
        return response.status, await response.json(), response.headers


async def test_a_rest_call_carries_its_user_agent_and_nothing_else_as_the_client(running: Running) -> None:
    meta = {"aura/client": {"name": "codex-mcp-client"}}
    body = {"name": "echo", "arguments": {"text": "x"}, "_meta": meta}
    await rest(running, body, User_Agent="script/1")
    (message, _) = running.graph.calls[0]
    assert message.meta == {"aura/client": {"user_agent": "script/1"}}


async def test_the_rest_helpers_list_and_call(running: Running) -> None:
    status, listing = await get(running, "/mcp/tools/list")
    assert (status, len(listing["tools"])) == (200, 10)
    status, result, _ = await rest(running, {"name": "echo", "arguments": {"text": "x"}}, Idempotency_Key="k")
    assert (status, result["structuredContent"]) == (200, {"text": "x"})
    assert running.graph.calls[0][0].key == "k"


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("invalid_arguments", 400),
        ("forbidden", 403),
        ("approval_required", 403),
        ("rate_limited", 429),
        ("unavailable", 503),
        ("deadline_exceeded", 504),
    ],
)
async def test_a_refusal_over_rest_has_the_status_of_its_type(running: Running, code: str, status: int) -> None:
    found, body, headers = await rest(running, {"name": "refuse", "arguments": {"code": code, "retry_after_s": 3}})
    assert (found, body["error"]["code"], body["error"]["recovery"] != "") == (status, code, True)
    assert int(headers["Retry-After"]) >= 3


async def test_a_tool_that_failed_is_200_over_rest(running: Running) -> None:
    status, body, _ = await rest(running, {"name": "refuse", "arguments": {"code": "tool_failed"}})
    assert (status, body["isError"]) == (200, True)


@pytest.mark.parametrize("body", [[], {}, {"name": 5}, {"name": "echo", "arguments": 5}, "x"])
async def test_a_malformed_rest_call_is_400(running: Running, body: Any) -> None:
    status, answer, _ = await rest(running, body)
    assert (status, answer["error"]["code"]) == (400, "malformed")


async def test_the_rest_list_says_when_the_catalogue_is_away(running: Running) -> None:
    running.graph.down.add("safety")
    assert (await get(running, "/mcp/tools/list"))[0] == 503


async def test_a_rest_call_is_cancelled_when_its_caller_leaves(running: Running) -> None:
    call = asyncio.create_task(rest(running, {"name": "slow", "arguments": {}}))
    await asyncio.wait_for(running.graph.event(running.graph.started, "slow").wait(), 5)
    call.cancel()
    await asyncio.wait_for(running.graph.event(running.graph.cancelled, "slow").wait(), 5)


async def test_a_large_answer_comes_whole(running: Running) -> None:
    reply = await (await running.open()).call(1, "large", bytes=5_000_000)
    assert len(reply.json["result"]["content"][0]["text"]) == 5_000_000
