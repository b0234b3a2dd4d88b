"""Clients that vanish, again and again: the gateway is afterwards as it was before."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from .conftest import MODERN, Running, Start, Talk, modern_request, post_bytes, request, until

REPEATS = 50
SLOW = {"name": "slow", "arguments": {}}


def figures(running: Running) -> dict[str, int]:
    """What must come back to what it was."""
    found = running.gateway._figures()
    names = ("in_flight", "connections", "sessions", "streams", "listeners")
    kept = {name: int(found[name]) for name in names}
    return kept | {"open": sum(len(session.open) for session in running.gateway._sessions)}


@asynccontextmanager
async def leaving_nothing(running: Running) -> AsyncIterator[None]:
    before = figures(running)
    yield
    try:
        await until(lambda: figures(running) == before)
    except TimeoutError:
        assert figures(running) == before


async def vanish(running: Running, data: bytes, then: Callable[[asyncio.StreamReader], Awaitable[Any]]) -> None:
    """Send bytes, wait for something, and break the connection without a word."""
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    writer.write(data)
    async with asyncio.timeout(10):
        await then(reader)
    writer.transport.abort()


def modern(method: str, params: dict[str, Any]) -> bytes:
    message, headers = modern_request(method, params, 1, {"progressToken": 1})
    return post_bytes(json.dumps(message).encode(), **headers)


def in_session(talk: Talk, number: int, params: dict[str, Any]) -> bytes:
    return post_bytes(json.dumps(request(number, "tools/call", params)).encode(), **talk.headers)


async def first_event(reader: asyncio.StreamReader) -> None:
    await reader.readuntil(b"\r\n\r\n")
    await reader.readuntil(b"\n\n")


def one_more(running: Running) -> Callable[[asyncio.StreamReader], Awaitable[None]]:
    """Waits until one more call has reached the graph than when this was made."""
    before = len(running.graph.calls)
    return lambda _: until(lambda: len(running.graph.calls) > before)


@pytest.mark.parametrize("version", ["", MODERN])
async def test_amid_the_body(running: Running, version: str) -> None:
    await running.open()
    half = post_bytes(b'{"jsonrpc":', Content_Length="500", MCP_Protocol_Version=version)
    async with leaving_nothing(running):
        for _ in range(REPEATS):
            await vanish(running, half, lambda _: until(lambda: running.gateway._door.in_flight))
            await until(lambda: not running.gateway._door.in_flight)


async def test_amid_the_head(running: Running) -> None:
    await running.open()
    async with leaving_nothing(running):
        connections = running.gateway._connections
        count = connections.count
        for _ in range(REPEATS):
            await vanish(running, b"POST /mcp/str", lambda _: until(lambda: connections.count > count))
            await until(lambda: connections.count == count)


async def test_amid_a_call_of_the_newer_era(running: Running) -> None:
    await running.open()
    async with leaving_nothing(running):
        for _ in range(REPEATS):
            await vanish(running, modern("tools/call", SLOW), one_more(running))
    assert running.graph.event(running.graph.cancelled, "slow").is_set()


async def test_amid_a_call_over_rest(running: Running) -> None:
    await running.open()
    body = json.dumps(SLOW).encode()
    data = post_bytes(body).replace(b"/mcp/stream", b"/mcp/tools/call")
    async with leaving_nothing(running):
        for _ in range(REPEATS):
            await vanish(running, data, one_more(running))


async def test_amid_a_call_of_the_older_era_which_ends_all_the_same(running: Running) -> None:
    talk = await running.open()
    async with leaving_nothing(running):
        for number in range(REPEATS):
            await vanish(running, in_session(talk, number, SLOW), one_more(running))
        assert running.gateway._door.in_flight == REPEATS
        running.graph.event(running.graph.release, "slow").set()


async def test_amid_a_stream_of_the_older_era_whose_session_ends(running: Running) -> None:
    slow = SLOW | {"arguments": {"progress": True}, "_meta": {"progressToken": 1}}
    await running.open()
    async with leaving_nothing(running):
        talk = await running.open()
        for number in range(REPEATS):
            await vanish(running, in_session(talk, number, slow), first_event)
        await until(lambda: figures(running)["streams"] == 0)
        assert figures(running)["open"] == REPEATS
        await talk.delete()


async def test_amid_the_stream_of_a_session(running: Running) -> None:
    talk = await running.open()
    asked = post_bytes(b"", Accept="text/event-stream", Content_Length="", **talk.headers).replace(b"POST", b"GET")
    async with leaving_nothing(running):
        for _ in range(REPEATS):
            await vanish(running, asked, first_event)


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("tools/call", SLOW | {"arguments": {"progress": True}}),
        ("subscriptions/listen", {"notifications": {"toolsListChanged": True}}),
    ],
)
async def test_amid_a_stream_of_the_newer_era(running: Running, method: str, params: dict[str, Any]) -> None:
    await running.open()
    async with leaving_nothing(running):
        for _ in range(REPEATS):
            await vanish(running, modern(method, params), first_event)


async def test_sessions_of_clients_that_never_come_back_end(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aura_ia_mcp.gateway.server._REPORT_S", 0.01)
    running = await start(session_idle_s=0.05, max_sessions_per_principal=100)
    assert (await running.post(request(1, "ping"))).status == 400
    params = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    opening = post_bytes(json.dumps(request(0, "initialize", params)).encode())
    async with leaving_nothing(running):
        for _ in range(REPEATS):
            await vanish(running, opening, lambda reader: reader.readuntil(b"\r\n\r\n"))
