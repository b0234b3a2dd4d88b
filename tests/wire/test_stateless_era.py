"""The newer era on the wire: every POST for itself."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from aura_ia_mcp.bus.envelope import Principal

from .conftest import BOTH, MODERN, Running, Start, modern_request, request

PREFIX = "io.modelcontextprotocol"


async def test_discovery_names_what_is_served(running: Running) -> None:
    reply = await running.modern("server/discover")
    result = reply.json["result"]
    assert (reply.status, result["supportedVersions"], result["resultType"]) == (200, [MODERN], "complete")
    assert result["_meta"][f"{PREFIX}/serverInfo"]["name"] == "aura-ia-mcp"
    assert (result["ttlMs"] > 0, result["cacheScope"]) == (True, "public")
    assert "logging" not in result["capabilities"]


@pytest.mark.parametrize("method", ["tools/list", "resources/list", "resources/templates/list", "prompts/list"])
async def test_lists_say_how_long_and_for_whom_they_hold(running: Running, method: str) -> None:
    result = (await running.modern(method)).json["result"]
    assert (result["ttlMs"] > 0, result["cacheScope"], result["resultType"]) == (True, "private", "complete")


async def test_a_call_is_answered_in_json_without_a_session(running: Running) -> None:
    reply = await running.modern("tools/call", {"name": "echo", "arguments": {"text": "hi"}})
    assert (reply.status, reply.headers["Content-Type"]) == (200, "application/json")
    assert "Mcp-Session-Id" not in reply.headers
    assert reply.json["result"]["resultType"] == "complete"
    assert reply.json["result"]["structuredContent"] == {"text": "hi"}


async def test_progress_and_asked_for_logs_are_streamed(running: Running) -> None:
    call = {"name": "count", "arguments": {}}
    reply = await running.modern("tools/call", call, meta={"progressToken": 7})
    assert [m["params"]["progress"] for m in reply.messages[:-1]] == [1, 2, 3]
    assert all(event.id is None for event in reply.events)
    logged = {"name": "log", "arguments": {"level": "warning"}}
    assert len((await running.modern("tools/call", logged)).messages) == 1
    levels = {"debug": 4, "warning": 4, "error": 1}
    for level, count in levels.items():
        reply = await running.modern("tools/call", logged, meta={f"{PREFIX}/logLevel": level})
        assert len(reply.messages) == count


async def test_the_graph_gets_what_the_client_calls_itself(running: Running) -> None:
    call = {"name": "echo", "arguments": {"text": "x"}}
    meta = {"aura/client": {"name": "codex"}, f"{PREFIX}/clientInfo": {"name": "probe", "version": "2" * 300}}
    await running.modern("tools/call", call, meta=meta, User_Agent="probe/2 " + "x" * 300)
    await running.modern("tools/call", call, meta={f"{PREFIX}/clientInfo": None}, User_Agent="")
    full, bare = (message.meta["aura/client"] for message, _ in running.graph.calls)
    assert full == {"name": "probe", "version": "2" * 200, "user_agent": ("probe/2 " + "x" * 300)[:200]}
    assert bare == {}


async def test_input_required_passes_through_and_the_answers_come_back_in(running: Running) -> None:
    can: dict[str, Any] = {f"{PREFIX}/clientCapabilities": {"elicitation": {}}}
    call: dict[str, Any] = {"name": "input", "arguments": {}}
    first = (await running.modern("tools/call", call, meta=can | {"callId": "c"})).json["result"]
    assert (first["resultType"], first["requestState"]) == ("input_required", "s1")
    more = call | {"inputResponses": {"q": {"action": "accept", "content": {}}}, "requestState": "s1"}
    second = (await running.modern("tools/call", more, meta=can | {"callId": "c"})).json["result"]
    assert (second["resultType"], second["content"][0]["text"]) == ("complete", "input accept")
    keys = [message.key for message, _ in running.graph.calls]
    assert keys[0] == ":c"
    assert keys[1].startswith(":c#")
    altered = await running.modern("tools/call", more | {"requestState": "s2"}, meta=can)
    assert (altered.status, altered.json["error"]["code"]) == (400, -32602)


@pytest.mark.parametrize("tool", ["ask", "input"])
async def test_a_missing_capability_is_named(running: Running, tool: str) -> None:
    reply = await running.modern("tools/call", {"name": tool, "arguments": {}})
    assert (reply.status, reply.json["error"]["code"]) == (400, -32021)
    assert reply.json["error"]["data"] == {"requiredCapabilities": {"elicitation": {}}}


async def test_a_refusal_is_a_result_here_too(running: Running) -> None:
    reply = await running.modern("tools/call", {"name": "refuse", "arguments": {"code": "forbidden"}})
    assert (reply.status, reply.json["result"]["isError"]) == (200, True)


async def test_closing_the_connection_cancels_the_call_in_the_graph(running: Running) -> None:
    message, headers = modern_request("tools/call", {"name": "slow", "arguments": {}}, 1, {})
    call = asyncio.create_task(running.post(message, **headers))
    await asyncio.wait_for(running.graph.event(running.graph.started, "slow").wait(), 5)
    call.cancel()
    await asyncio.wait_for(running.graph.event(running.graph.cancelled, "slow").wait(), 5)


async def test_closing_a_stream_cancels_the_call_in_the_graph(running: Running) -> None:
    params = {"name": "slow", "arguments": {"progress": True}}
    message, headers = modern_request("tools/call", params, 1, {"progressToken": 1})
    response = await running.http.post(running.url, json=message, headers=headers | {"Accept": BOTH})
    await response.content.readany()
    response.close()
    await asyncio.wait_for(running.graph.event(running.graph.cancelled, "slow").wait(), 5)


async def test_a_cancelled_notification_is_accepted_and_cancels_nobody(running: Running) -> None:
    message = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}
    assert (await running.post(message, MCP_Protocol_Version=MODERN)).status == 202
    assert (await running.post(message, MCP_Protocol_Version="2031-01-01")).json["error"]["code"] == -32022


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
async def test_other_http_methods_are_not_allowed(running: Running, method: str) -> None:
    headers = {"MCP-Protocol-Version": MODERN}
    async with running.http.request(method, running.url, headers=headers) as response:
        assert (response.status, response.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"MCP-Protocol-Version": "2025-11-26"}, -32020),
        ({"Mcp-Method": "tools/list"}, -32020),
        ({"Mcp-Name": "slow"}, -32020),
        ({"Mcp-Param-Region": "eu"}, -32020),
    ],
)
async def test_headers_must_say_what_the_body_says(running: Running, headers: dict[str, str], code: int) -> None:
    call = {"name": "mirror", "arguments": {}}
    message, right = modern_request("tools/call", call, 1, {})
    reply = await running.post(message, **(right | headers))
    assert (reply.status, reply.json["error"]["code"], reply.json["id"]) == (400, code, 1)


async def test_a_mirrored_parameter_is_compared(running: Running) -> None:
    call = {"name": "mirror", "arguments": {"region": "eu"}}
    assert (await running.modern("tools/call", call, Mcp_Param_Region="eu")).status == 200
    assert (await running.modern("tools/call", call)).json["error"]["code"] == -32020
    assert (await running.modern("tools/call", call, Mcp_Param_Region="us")).json["error"]["code"] == -32020


async def test_a_missing_version_header_is_a_mismatch(running: Running) -> None:
    message, _ = modern_request("tools/list", {}, 1, {})
    assert (await running.post(message)).json["error"]["code"] == -32020


async def test_an_unserved_version_is_told_the_served_ones(running: Running) -> None:
    message, headers = modern_request("tools/list", {}, 1, {f"{PREFIX}/protocolVersion": "2031-01-01"})
    reply = await running.post(message, **(headers | {"MCP-Protocol-Version": "2031-01-01"}))
    error = reply.json["error"]
    assert (reply.status, error["code"]) == (400, -32022)
    assert error["data"] == {"supported": [MODERN], "requested": "2031-01-01"}


@pytest.mark.parametrize("method", ["tools/list", "initialize", "no/such"])
@pytest.mark.parametrize("params", [{}, {"_meta": 5}, {"_meta": {"progressToken": 1}}])
async def test_an_unknown_version_without_an_envelope_is_told_every_served_one(
    running: Running, method: str, params: dict[str, Any]
) -> None:
    reply = await running.post(request(1, method, params), MCP_Protocol_Version="1999-01-01")
    error = reply.json["error"]
    assert (reply.status, reply.json["id"], error["code"]) == (400, 1, -32022)
    assert error["data"]["requested"] == "1999-01-01"
    assert {MODERN, "2025-11-25"} <= set(error["data"]["supported"])
    assert "1999-01-01" in error["message"]
    async with running.http.get(running.url, headers={"MCP-Protocol-Version": "1999-01-01"}) as response:
        assert (response.status, (await response.json())["error"]["code"]) == (400, -32022)


@pytest.mark.parametrize("meta", [None, 5, {}, {f"{PREFIX}/protocolVersion": MODERN}])
async def test_a_broken_envelope_is_invalid(running: Running, meta: Any) -> None:
    message = request(1, "tools/list", {} if meta is None else {"_meta": meta})
    reply = await running.post(message, MCP_Protocol_Version=MODERN, Mcp_Method="tools/list")
    assert (reply.status, reply.json["error"]["code"]) == (400, -32602)


@pytest.mark.parametrize("method", ["initialize", "ping", "logging/setLevel", "resources/subscribe", "no/such"])
async def test_methods_of_the_older_era_are_unknown(running: Running, method: str) -> None:
    reply = await running.modern(method)
    assert (reply.status, reply.json["error"]["code"]) == (404, -32601)


async def test_ill_typed_parameters_are_named(running: Running) -> None:
    reply = await running.modern("tools/call", {"name": "echo", "arguments": [1]})
    assert (reply.status, reply.json["error"]["code"]) == (400, -32602)
    assert "arguments" in reply.json["error"]["message"]


async def test_a_listener_hears_what_it_asked_for_and_nothing_else(running: Running) -> None:
    await asyncio.wait_for(running.graph.subscribed.wait(), 5)
    wanted = {"toolsListChanged": True, "resourceSubscriptions": ["test://a"]}
    message, headers = modern_request("subscriptions/listen", {"notifications": wanted}, "l1", {})
    stream = running.keep(await running.http.post(running.url, json=message, headers=headers | {"Accept": BOTH}))
    acknowledged = await stream.next()
    assert acknowledged is not None
    assert acknowledged["method"] == "notifications/subscriptions/acknowledged"
    assert acknowledged["params"]["notifications"] == wanted
    running.graph.changed("prompts", "v2")
    running.graph.updated("test://b")
    running.graph.updated("test://a")
    running.graph.changed("tools", "v2")
    found = [await stream.next(), await stream.next()]
    assert [m["method"] for m in found if m] == [
        "notifications/resources/updated",
        "notifications/tools/list_changed",
    ]
    assert {m["params"]["_meta"][f"{PREFIX}/subscriptionId"] for m in found if m} == {"l1"}
    await running.gateway.stop(1)
    final = await stream.next()
    assert final is not None
    assert (final["id"], final["result"]["resultType"]) == ("l1", "complete")


async def test_nobody_listens_to_what_it_may_not_read(running: Running) -> None:
    running.graph.token("op", Principal("token:op", kind="service", roles=("operator",)))
    asked = {"notifications": {"resourceSubscriptions": ["test://a", "secret://plans"]}}
    refused = await running.modern("subscriptions/listen", asked)
    read = await running.modern("resources/read", {"uri": "secret://plans"})
    for reply in (refused, read):
        assert (reply.answer["error"]["code"], reply.answer["error"]["data"]["uri"]) == (-32602, "secret://plans")
    message, headers = modern_request("subscriptions/listen", asked, 1, {})
    headers |= {"Accept": BOTH, "Authorization": "Bearer op"}
    stream = running.keep(await running.http.post(running.url, json=message, headers=headers))
    acknowledged = await stream.next()
    assert acknowledged is not None
    assert acknowledged["params"]["notifications"] == asked["notifications"]


async def test_a_listener_names_a_bounded_number_of_resources(running: Running) -> None:
    asked = {"notifications": {"resourceSubscriptions": ["test://a"] * 1001}}
    assert (await running.modern("subscriptions/listen", asked)).answer["error"]["code"] == -32600


async def test_a_listener_must_take_a_stream(running: Running) -> None:
    message, headers = modern_request("subscriptions/listen", {"notifications": {}}, 1, {})
    reply = await running.post(message, **headers, Accept="application/json")
    assert reply.status == 406


async def test_listeners_are_bounded(start: Start) -> None:
    running = await start(max_sessions=1)
    message, headers = modern_request("subscriptions/listen", {"notifications": {"toolsListChanged": True}}, 1, {})
    first = running.keep(await running.http.post(running.url, json=message, headers=headers | {"Accept": BOTH}))
    await first.next()
    assert (await running.post(message, **headers)).json["error"]["code"] == -32010


async def test_a_silent_call_keeps_its_connection_alive(start: Start) -> None:
    running = await start(keepalive_s=0.05)
    message, headers = modern_request("tools/call", {"name": "slow", "arguments": {}}, 1, {})
    response = await running.http.post(running.url, json=message, headers=headers | {"Accept": BOTH})
    assert response.content_type == "text/event-stream"
    assert b"keep-alive" in await asyncio.wait_for(response.content.readany(), 5)
    running.graph.event(running.graph.release, "slow").set()
    rest = await response.read()
    assert json.loads(rest.split(b"data: ")[-1])["result"]["resultType"] == "complete"
