"""The older era on the wire: what a tool asks its client, and what cancels a call."""

from __future__ import annotations

import asyncio
from typing import Any

from .conftest import Running, request

PROGRESS = {"progressToken": "p1"}


async def test_a_tool_asks_the_client_along_its_call(running: Running) -> None:
    talk = await running.open(elicitation={})
    stream = await talk.post_stream(request(1, "tools/call", {"name": "ask", "arguments": {}}))
    question = await stream.next()
    assert question is not None
    assert question["method"] == "elicitation/create"
    answer = {"jsonrpc": "2.0", "id": question["id"], "result": {"action": "accept", "content": {}}}
    assert (await running.post(answer, **talk.headers)).status == 202
    final = await stream.next()
    assert final is not None
    assert final["result"]["content"][0]["text"] == "answered accept"


async def test_a_question_that_the_client_can_not_answer_is_not_asked(running: Running) -> None:
    reply = await (await running.open()).call(1, "ask")
    assert reply.json["result"]["_meta"]["aura/error"]["code"] == "unavailable"
    assert "elicitation" in reply.json["result"]["content"][0]["text"]


async def test_input_required_becomes_a_question_in_this_era(running: Running) -> None:
    talk = await running.open(elicitation={})
    meta = {"callId": "c1"}
    stream = await talk.post_stream(request(1, "tools/call", {"name": "input", "arguments": {}, "_meta": meta}))
    question = await stream.next()
    assert question is not None
    await running.post({"jsonrpc": "2.0", "id": question["id"], "result": {"action": "decline"}}, **talk.headers)
    final = await stream.next()
    assert final is not None
    assert final["result"]["content"][0]["text"] == "input decline"
    keys = [message.key for message, _ in running.graph.calls]
    assert keys[0] == ":c1"
    assert keys[1].startswith(":c1#")


async def test_a_question_that_nobody_answers_ends_with_the_calls_time(running: Running) -> None:
    talk = await running.open(elicitation={})
    params = {"name": "input", "arguments": {}, "_meta": {"aura/timeout_s": 0.1}}
    question, withdrawn, final = await (await talk.post_stream(request(1, "tools/call", params))).rest()
    assert (withdrawn["method"], withdrawn["params"]["requestId"]) == ("notifications/cancelled", question["id"])
    assert final["result"]["_meta"]["aura/error"]["code"] == "deadline_exceeded"


async def test_a_cancelled_call_takes_its_question_back(running: Running) -> None:
    talk = await running.open(elicitation={})
    stream = await talk.post_stream(request(1, "tools/call", {"name": "ask", "arguments": {}}))
    question = await stream.next()
    assert question is not None
    await talk.tell("notifications/cancelled", {"requestId": 1})
    withdrawn = await stream.next()
    assert withdrawn is not None
    assert withdrawn["method"] == "notifications/cancelled"
    assert withdrawn["params"]["requestId"] == question["id"]
    final = await stream.next()
    assert final is not None
    assert final["error"]["code"] == -32800


async def test_a_cancelled_notification_reaches_the_graph(running: Running) -> None:
    talk = await running.open()
    call = asyncio.create_task(talk.call("c", "slow"))
    await asyncio.wait_for(running.graph.event(running.graph.started, "slow").wait(), 5)
    assert (await talk.tell("notifications/cancelled", {"requestId": "c", "reason": "enough"})).status == 202
    await asyncio.wait_for(running.graph.event(running.graph.cancelled, "slow").wait(), 5)
    assert (await call).json["error"]["code"] == -32800
    assert (await talk.call(2, "echo", text="still here")).json["result"]["isError"] is False


async def test_a_cancellation_of_nothing_is_accepted(running: Running) -> None:
    talk = await running.open()
    unheard_of: list[Any] = ["x", 7, None, {}]
    for unknown in unheard_of:
        assert (await talk.tell("notifications/cancelled", {"requestId": unknown})).status == 202


async def test_one_session_can_not_cancel_the_call_of_another(running: Running) -> None:
    one, other = await running.open(), await running.open()
    call = asyncio.create_task(one.call(1, "slow"))
    await asyncio.wait_for(running.graph.event(running.graph.started, "slow").wait(), 5)
    await other.tell("notifications/cancelled", {"requestId": 1})
    running.graph.event(running.graph.release, "slow").set()
    assert (await call).json["result"]["content"][0]["text"] == "slow done"


async def test_a_broken_connection_does_not_cancel_and_the_answer_waits(running: Running) -> None:
    talk = await running.open()
    params = {"name": "slow", "arguments": {"progress": True}, "_meta": PROGRESS}
    stream = await talk.post_stream(request(1, "tools/call", params))
    await stream.next()
    stream.close()
    running.graph.event(running.graph.release, "slow").set()
    resumed = await talk.stream(stream.last)
    assert [m["result"]["content"][0]["text"] for m in await resumed.rest()] == ["slow done"]
    assert not running.graph.event(running.graph.cancelled, "slow").is_set()


async def test_delete_ends_the_session_and_what_runs_in_it(running: Running) -> None:
    talk = await running.open()
    get = await talk.stream()
    call = asyncio.create_task(talk.call(1, "slow"))
    await asyncio.wait_for(running.graph.event(running.graph.started, "slow").wait(), 5)
    assert await talk.delete() == 200
    await asyncio.wait_for(running.graph.event(running.graph.cancelled, "slow").wait(), 5)
    assert (await call).json["error"]["code"] == -32800
    assert await get.rest() == []
    assert (await talk.ask(2, "ping")).status == 404
    assert await talk.delete() == 404


async def test_a_request_id_that_is_in_use_is_refused(running: Running) -> None:
    talk = await running.open()
    call = asyncio.create_task(talk.call(1, "slow"))
    await asyncio.wait_for(running.graph.event(running.graph.started, "slow").wait(), 5)
    assert (await talk.call(1, "echo")).status == 400
    running.graph.event(running.graph.release, "slow").set()
    await call
