"""What is refused at the door, and how."""

from __future__ import annotations

import asyncio
import json
import re
from functools import partial
from typing import Any

import pytest

from aura_ia_mcp.bus.envelope import Principal
from aura_ia_mcp.gateway.client import Client, ClientError

from .conftest import MODERN, Running, Start, post_bytes, request, until

INITIALIZE = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}


async def raw(running: Running, data: bytes, *, within_s: float = 10) -> bytes:
    """Send bytes on a connection of its own; all that comes back until it is closed, or until a whole answer came."""
    port = running.port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(data)
        async with asyncio.timeout(within_s):
            found = b""
            while chunk := await reader.read(65_536):
                found += chunk
                head, _, body = found.partition(b"\r\n\r\n")
                length = re.search(rb"(?i)content-length: (\d+)", head)
                if length and len(body) >= int(length[1]):
                    break
            return found
    finally:
        writer.close()


# --- host, origin, path ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["evil.example", "evil.example:9200", "10.0.0.1", "localhost.evil.example"])
@pytest.mark.parametrize("path", ["/mcp/stream", "/health", "/metrics", "/mcp/tools/list"])
async def test_a_foreign_host_is_refused_everywhere(running: Running, host: str, path: str) -> None:
    async with running.http.get(running.base + path, headers={"Host": host}) as response:
        assert response.status == 403
        assert "allowed_hosts" in (await response.json())["error"]["message"]
    assert running.security_events == [("foreign_request", {"peer": "127.0.0.1", "header": "Host", "value": host})]


async def test_a_foreign_origin_is_refused_and_a_local_one_served(running: Running) -> None:
    assert (await running.post(request(1, "initialize", INITIALIZE), Origin="http://evil.example")).status == 403
    assert (await running.post(request(1, "initialize", INITIALIZE), Origin="http://localhost:6274")).status == 200


@pytest.mark.parametrize("path", ["/", "/mcp/", "/mcp/stream/x", "/admin", "/mcp/../health"])
async def test_an_unknown_path_is_404_in_json(running: Running, path: str) -> None:
    answer = await raw(running, f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 404")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["message"]


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [("POST", "/health", "GET, HEAD"), ("DELETE", "/mcp/tools/list", "GET"), ("GET", "/mcp/tools/call", "POST")],
)
async def test_a_wrong_http_method_is_told_the_right_one(running: Running, method: str, path: str, allow: str) -> None:
    async with running.http.request(method, running.base + path) as response:
        assert (response.status, response.headers["Allow"]) == (405, allow)


@pytest.mark.parametrize("path", ["/health", "/live"])
async def test_head_is_answered_like_get_without_a_body(running: Running, path: str) -> None:
    async with running.http.get(running.base + path) as response:
        status, length = response.status, len(await response.read())
    async with running.http.head(running.base + path) as response:
        assert (response.status, await response.read()) == (status, b"")
        assert response.headers["Content-Type"].startswith("application/json")
    assert length > 0
    head = f"HEAD {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    writer.write(head.encode())
    assert (await asyncio.wait_for(reader.read(), 5)).partition(b"\r\n\r\n")[2] == b""
    writer.close()


async def test_only_json_may_be_posted_and_something_must_be_accepted(running: Running) -> None:
    assert (await running.post(b"{}", Content_Type="text/plain")).status == 415
    assert (await running.post(request(1, "ping"), Accept="text/html")).status == 406
    assert (await running.post(b"x", Content_Encoding="gzip")).status == 415


# --- authentication --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", ["Bearer wrong", "Bearer ", "Basic abc", "x", "Bearer " + "x" * 5000])
@pytest.mark.parametrize("path", ["/mcp/stream", "/mcp/tools/call"])
async def test_a_wrong_token_is_401_with_a_challenge(running: Running, header: str, path: str) -> None:
    message = request(1, "initialize", INITIALIZE)
    async with running.http.post(running.base + path, json=message, headers={"Authorization": header}) as response:
        assert response.status == 401
        assert response.headers["WWW-Authenticate"].startswith("Bearer ")
        text = await response.text()
    secret = header.partition(" ")[2]
    if len(secret) > 1:
        assert secret not in text + str(running.security_events) + response.headers["WWW-Authenticate"]
    assert running.security_events[0][0] == "authentication_failed"


async def test_a_call_whose_token_can_not_be_checked_is_a_result_and_the_rest_503(running: Running) -> None:
    running.graph.down.add("state")
    call = {"name": "echo", "arguments": {}}
    reply = await running.post(request(1, "tools/call", call), Authorization="Bearer t")
    assert (reply.status, reply.json["result"]["isError"], reply.json["id"]) == (200, True, 1)
    assert running.graph.calls == []
    reply = await running.post(request(2, "initialize", INITIALIZE), Authorization="Bearer t")
    assert (reply.status, reply.json["id"]) == (503, 2)
    assert "Retry-After" in reply.headers


async def test_without_anonymous_callers_everybody_needs_a_token(start: Start) -> None:
    running = await start(anonymous=False)
    assert (await running.post(request(1, "initialize", INITIALIZE))).status == 401
    running.graph.token("t1", Principal("token:ci"))
    assert (await running.post(request(1, "initialize", INITIALIZE), Authorization="Bearer t1")).status == 200


# --- bodies ----------------------------------------------------------------------------------------------------------


async def test_a_large_body_is_413_before_it_is_sent(start: Start) -> None:
    running = await start(max_body_bytes=2048)
    assert b" 413 " in await raw(running, post_bytes(b"", Content_Length="3000000000"))
    assert (await running.post(b" " * 3000)).status == 413


async def test_a_large_chunked_body_is_413(start: Start) -> None:
    running = await start(max_body_bytes=2048)
    chunks = b"".join(b"400\r\n" + b" " * 0x400 + b"\r\n" for _ in range(8))
    head = post_bytes(b"", Content_Length="", Transfer_Encoding="chunked")
    assert b" 413 " in await raw(running, head + chunks)


async def test_half_a_body_is_408(start: Start) -> None:
    running = await start(body_timeout_s=0.1)
    answer = await raw(running, post_bytes(b'{"jsonrpc":', Content_Length="500"))
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"did not arrive" in answer


async def test_a_client_that_leaves_amid_its_body_leaves_nothing_behind(running: Running) -> None:
    port = running.port
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(post_bytes(b'{"jsonrpc":', Content_Length="500"))
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert (await running.open()).headers


async def test_a_body_of_nothing_but_nesting_is_refused_at_once(start: Start) -> None:
    running = await start(max_body_bytes=12_000_000)
    for opening in (b"[", b'{"a":', b'[{"a":'):
        answer = await raw(running, post_bytes(opening * (10_000_000 // len(opening))))
        assert answer.startswith(b"HTTP/1.1 400")
        assert b"64 levels" in answer


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", -32700),
        (b'{"jsonrpc":"2.0","id":1,"method":"p\xff"}', -32700),
        (b"{'a':1}", -32700),
        (b"[]", -32600),
        (b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', -32600),
        (b"null", -32600),
        (b'{"id":1,"method":"ping"}', -32600),
        (b'{"jsonrpc":"2.0","id":{},"method":"ping"}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}', -32600),
    ],
)
@pytest.mark.parametrize("version", ["", MODERN])
async def test_what_is_no_message_is_400(running: Running, body: bytes, code: int, version: str) -> None:
    reply = await running.post(body, **({"MCP_Protocol_Version": version} if version else {}))
    assert (reply.status, reply.json["error"]["code"], reply.json["id"]) == (400, code, None)


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("no/such", {}, -32601),
        ("tools/call", {}, -32602),
        ("tools/call", {"name": 5}, -32602),
        ("tools/call", {"name": "echo", "arguments": []}, -32602),
        ("tools/call", {"name": "echo", "_meta": 1}, -32602),
        ("tools/list", {"cursor": "abc"}, -32602),
        ("resources/read", {"uri": 5}, -32602),
        ("server/discover", {}, -32601),
        ("completion/complete", {"ref": {"type": "ref/nothing"}}, -32602),
    ],
)
async def test_a_wrong_request_in_a_session_is_a_json_rpc_error(
    running: Running, method: str, params: dict[str, Any], code: int
) -> None:
    reply = await (await running.open()).ask("r", method, params)
    assert (reply.status, reply.json["error"]["code"], reply.json["id"]) == (200, code, "r")


async def test_a_number_that_no_message_can_carry_is_the_callers_mistake(running: Running) -> None:
    talk = await running.open()
    reply = await talk.call(1, "echo", text=10**30)
    assert (reply.status, reply.json["result"]["_meta"]["aura/error"]["code"]) == (200, "invalid_arguments")


async def test_long_headers_are_refused(running: Running) -> None:
    answer = await raw(running, post_bytes(b"{}", X_Long="x" * 40_000))
    assert b" 400 " in answer.partition(b"\r\n")[0]


async def test_what_is_not_http_is_refused(running: Running) -> None:
    answer = await raw(running, b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n")
    assert b" 400 " in answer.partition(b"\r\n")[0]


async def test_one_connection_too_many_is_told_to_come_back(start: Start) -> None:
    running = await start(max_connections=3)
    port = running.port
    held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
    answer = await raw(running, b"")
    assert answer.startswith(b"HTTP/1.1 503")
    error = json.loads(answer.partition(b"\r\n\r\n")[2])["error"]
    assert (error["type"], error["code"], error["retry_after_s"]) == ("unavailable", "mailbox_full", 1)
    async with Client(running.url) as client:
        for attempt in (client.list_tools(), client.call_tool("echo", {})):
            with pytest.raises(ClientError, match="too many connections") as refused:
                await attempt
            assert refused.value.status == 503
    async with Client(running.paths.ingress) as client:
        assert (await client.health())[0] is True
        assert not (await client.call_tool("echo", {}))["isError"]
    for _, writer in held:
        writer.close()
        await writer.wait_closed()
    async with asyncio.timeout(5):
        while True:
            async with running.http.get(running.base + "/live") as response:
                if response.status == 200:
                    break


@pytest.mark.parametrize("data", [b"", b"POST /mcp/str"])
async def test_a_connection_that_sends_no_whole_head_is_closed(start: Start, data: bytes) -> None:
    running = await start(body_timeout_s=0.2)
    for opened in (
        asyncio.open_connection("127.0.0.1", running.port),
        asyncio.open_unix_connection(running.paths.ingress),
    ):
        reader, writer = await opened
        writer.write(data)
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
    await until(lambda: running.gateway._connections.count == 0)


async def test_a_connection_that_has_asked_once_is_kept(start: Start) -> None:
    running = await start(body_timeout_s=0.2)
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    live = b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n"
    for _ in range(2):
        writer.write(live)
        assert b"200 OK" in await asyncio.wait_for(reader.readuntil(b"}"), 5)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.5)
    writer.close()


async def test_requests_whose_clients_left_are_bounded_too(start: Start) -> None:
    running = await start(max_connections=2)
    talk = await running.open()
    door = running.gateway._door

    def under_way(requests: int) -> bool:
        return door.in_flight == requests

    for number in range(1, 5):
        call = json.dumps(request(number, "tools/call", {"name": "slow", "arguments": {}})).encode()
        _, writer = await asyncio.open_connection("127.0.0.1", running.port)
        writer.write(post_bytes(call, Mcp_Session_Id=talk.headers["Mcp-Session-Id"]))
        await until(partial(under_way, number))
        writer.close()
        await until(lambda: running.gateway._connections.count == 1)
    refused = await talk.call(5, "echo")
    assert refused.json["result"]["_meta"]["aura/error"]["code"] == "mailbox_full"
    assert (await talk.ask(6, "ping")).status == 503
    running.graph.event(running.graph.release, "slow").set()
    await until(lambda: door.in_flight == 0)
    assert not (await talk.call(7, "echo")).json["result"]["isError"]


async def test_a_reader_that_does_not_read_is_dropped_and_may_resume(start: Start) -> None:
    running = await start(replay_bytes=24_000_000)
    talk = await running.open()
    params = {"name": "count", "arguments": {"to": 40, "bytes": 500_000}, "_meta": {"progressToken": 1}}
    body = json.dumps(request(1, "tools/call", params)).encode()
    port = running.port
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    writer.write(post_bytes(body, Mcp_Session_Id=talk.headers["Mcp-Session-Id"]))
    head = await reader.readuntil(b"\r\n\r\n")
    assert b"text/event-stream" in head
    first = await reader.readuntil(b"data: \n\n")
    event_id = re.search(rb"id: (\S+)", first)
    assert event_id is not None
    session = next(iter(running.gateway._sessions))
    async with asyncio.timeout(10):
        while session.open or session.events.readers:  # noqa: ASYNC110 - nothing in there sets an event of ours
            await asyncio.sleep(0.01)
    writer.close()
    rest = await (await talk.stream(event_id[1].decode())).rest()
    assert [m["params"]["progress"] for m in rest[:-1]] == list(range(1, 41))
    assert rest[-1]["id"] == 1
