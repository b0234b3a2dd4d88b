"""The older era on the wire: streams taken up again, and what is told on them."""

from __future__ import annotations

import asyncio
import json

import pytest

from aura_ia_mcp.bus.envelope import Principal

from .conftest import Running, Start, request

PROGRESS = {"progressToken": "p1"}


@pytest.mark.parametrize("lost_after", [1, 2, 3])
async def test_a_stream_is_resumed_without_loss_or_duplicates(running: Running, lost_after: int) -> None:
    talk = await running.open()
    params = {"name": "count", "arguments": {"to": 5}, "_meta": PROGRESS}
    stream = await talk.post_stream(request(1, "tools/call", params))
    got = [await stream.next() for _ in range(lost_after)]
    stream.close()
    got += await (await talk.stream(stream.last)).rest()
    assert [m["params"]["progress"] for m in got[:-1] if m] == [1, 2, 3, 4, 5]
    assert got[-1] is not None
    assert got[-1]["id"] == 1


async def test_a_tool_that_ends_the_connection_is_polled_for_the_rest(running: Running) -> None:
    talk = await running.open()
    stream = await talk.post_stream(request(1, "tools/call", {"name": "leave", "arguments": {}, "_meta": PROGRESS}))
    assert [m["params"]["progress"] for m in await stream.rest()] == [1]
    rest = await (await talk.stream(stream.last)).rest()
    assert [m.get("id", m.get("params", {}).get("progress")) for m in rest] == [2, 3, 1]


async def test_an_expired_event_id_says_so(start: Start) -> None:
    running = await start(replay_bytes=2000)
    talk = await running.open()
    stream = await talk.stream()
    running.graph.changed("tools", "first")
    await stream.next()
    stream.close()
    for number in range(60):
        running.graph.changed("tools", f"v{number}")
    for event_id in (stream.last, "ff-ff", "nonsense"):
        reply = await talk.stream(event_id)
        assert reply.status == 410
        assert "no longer kept" in json.loads(await reply.response.read())["error"]["message"]
    assert (await talk.stream()).status == 200


async def test_one_session_never_sees_the_events_of_another(running: Running) -> None:
    one, other = await running.open(), await running.open()
    params = {"name": "slow", "arguments": {"progress": True}, "_meta": PROGRESS}
    stream = await one.post_stream(request(1, "tools/call", params))
    await stream.next()
    stream.close()
    running.graph.event(running.graph.release, "slow").set()
    assert stream.last is not None
    assert (await other.stream(stream.last)).status == 410
    await other.ask(1, "resources/subscribe", {"uri": "test://a"})
    quiet, told = await one.stream(), await other.stream()
    running.graph.updated("test://a")
    running.graph.changed("tools", "last")
    assert [m["method"] for m in [await told.next()] if m] == ["notifications/resources/updated"]
    assert [m["method"] for m in [await quiet.next()] if m] == ["notifications/tools/list_changed"]


async def test_changes_that_came_while_nobody_listened_are_told_first(running: Running) -> None:
    talk = await running.open()
    await asyncio.wait_for(running.graph.subscribed.wait(), 5)
    running.graph.changed("prompts", "v2")
    running.graph.changed("resource_templates", "v2")
    stream = await talk.stream()
    found = [await stream.next(), await stream.next()]
    assert [m["method"] for m in found if m] == [
        "notifications/prompts/list_changed",
        "notifications/resources/list_changed",
    ]


async def test_an_unsubscribed_resource_is_told_no_more(running: Running) -> None:
    talk = await running.open()
    stream = await talk.stream()
    await talk.ask(1, "resources/subscribe", {"uri": "test://a"})
    await talk.ask(2, "resources/unsubscribe", {"uri": "test://a"})
    running.graph.updated("test://a")
    running.graph.changed("tools", "v2")
    found = await stream.next()
    assert found is not None
    assert found["method"] == "notifications/tools/list_changed"


async def test_nobody_subscribes_to_what_it_may_not_read(running: Running) -> None:
    running.graph.token("op", Principal("token:op", kind="service", roles=("operator",)))
    guest, operator = await running.open(), await running.open(token="op")
    for uri in ("secret://plans", "file:///etc/passwd", "test://a/b", "test://" + "x" * 3000):
        refused = (await guest.ask(1, "resources/subscribe", {"uri": uri})).json["error"]
        read = (await guest.ask(2, "resources/read", {"uri": uri})).json["error"]
        assert (refused["code"], refused["data"]["uri"]) == (-32002, uri) == (read["code"], read["data"]["uri"])
    assert (await operator.ask(1, "resources/subscribe", {"uri": "secret://plans"})).json["result"] == {}
    quiet, told = await guest.stream(), await operator.stream()
    await asyncio.wait_for(running.graph.subscribed.wait(), 5)
    running.graph.updated("secret://plans")
    running.graph.changed("tools", "last")
    assert [m["method"] for m in [await told.next()] if m] == ["notifications/resources/updated"]
    assert [m["method"] for m in [await quiet.next()] if m] == ["notifications/tools/list_changed"]


async def test_nobody_subscribes_while_nobody_can_tell_what_it_may_read(running: Running) -> None:
    talk = await running.open()
    running.graph.down.add("safety")
    reply = await talk.ask(1, "resources/subscribe", {"uri": "test://a"})
    assert reply.json["error"]["data"]["code"] == "not_delivered"
    assert next(iter(running.gateway._sessions)).subscriptions == set()


async def test_a_second_get_stream_takes_over_from_the_first(running: Running) -> None:
    talk = await running.open()
    first = await talk.stream()
    second = await talk.stream()
    assert await first.rest() == []
    running.graph.changed("tools", "v2")
    assert await second.next() is not None


async def test_silence_on_a_long_call_opens_a_stream_that_can_be_resumed(start: Start) -> None:
    running = await start(keepalive_s=0.05)
    talk = await running.open()
    stream = await talk.post_stream(request(1, "tools/call", {"name": "slow", "arguments": {}}))
    assert stream.response.content_type == "text/event-stream"
    running.graph.event(running.graph.release, "slow").set()
    assert [m["id"] for m in await stream.rest()] == [1]
