"""A gateway on a free port in front of the test graph, and a plain HTTP client that speaks to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from aura_ia_mcp.configs.paths import Paths
from aura_ia_mcp.configs.settings import Settings
from aura_ia_mcp.gateway.events import Event, EventParser
from aura_ia_mcp.gateway.server import Gateway

from .graph import TestGraph

JSON = dict[str, Any]
MODERN = "2026-07-28"
BOTH = "application/json, text/event-stream"


@dataclass
class Running:
    """A gateway, its graph, and what it reported of failed authentications."""

    gateway: Gateway
    graph: TestGraph
    paths: Paths
    http: aiohttp.ClientSession
    security_events: list[tuple[str, JSON]] = field(default_factory=list)
    opened: list[aiohttp.ClientResponse] = field(default_factory=list)

    def close_streams(self) -> None:
        """Close what `keep` kept."""
        for response in self.opened:
            response.close()

    def keep(self, response: aiohttp.ClientResponse) -> Stream:
        """A stream that is closed at the test's end."""
        self.opened.append(response)
        return Stream(response)

    @property
    def url(self) -> str:
        return self.gateway.urls[0]

    @property
    def port(self) -> int:
        return int(self.url.split(":")[2].split("/")[0])

    @property
    def base(self) -> str:
        return self.url.removesuffix("/mcp/stream")

    async def post(self, message: Any, **headers: str) -> Reply:
        """POST one message; the whole answer."""
        data = message if isinstance(message, bytes) else json.dumps(message).encode()
        sent = {"Content-Type": "application/json", "Accept": BOTH} | {
            k.replace("_", "-"): v for k, v in headers.items()
        }
        async with self.http.post(self.url, data=data, headers=sent) as response:
            body = await response.read()
            return Reply(response.status, response.headers.copy(), body)

    async def open(self, version: str = "2025-11-25", token: str | None = None, **capabilities: JSON) -> Talk:
        """A session of the older era."""
        params = {"protocolVersion": version, "capabilities": capabilities, "clientInfo": {"name": "t", "version": "1"}}
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        reply = await self.post(request(0, "initialize", params), **headers)
        assert reply.status == 200, reply.body
        return Talk(self, {**headers, "Mcp-Session-Id": reply.headers["Mcp-Session-Id"]})

    async def modern(self, method: str, params: JSON | None = None, number: Any = 1, **more: Any) -> Reply:
        """One request of the newer era."""
        message, headers = modern_request(method, params or {}, number, more.pop("meta", {}))
        return await self.post(message, **{**headers, **more})


@dataclass
class Reply:
    """An HTTP answer."""

    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> JSON:
        found: JSON = json.loads(self.body)
        return found

    @property
    def events(self) -> list[Event]:
        return EventParser().feed(self.body)

    @property
    def messages(self) -> list[JSON]:
        """The messages in it, streamed or not."""
        if self.headers["Content-Type"].startswith("text/event-stream"):
            return [json.loads(event.data) for event in self.events if event.data]
        return [self.json]

    @property
    def answer(self) -> JSON:
        return self.messages[-1]


@dataclass
class Talk:
    """A session of the older era."""

    running: Running
    headers: dict[str, str]

    async def ask(self, number: Any, method: str, params: JSON | None = None, **headers: str) -> Reply:
        return await self.running.post(request(number, method, params), **{**self.headers, **headers})

    async def call(self, number: Any, tool: str, meta: JSON | None = None, **arguments: Any) -> Reply:
        params: JSON = {"name": tool, "arguments": arguments}
        return await self.ask(number, "tools/call", params | ({"_meta": meta} if meta else {}))

    async def tell(self, method: str, params: JSON | None = None) -> Reply:
        message: JSON = {"jsonrpc": "2.0", "method": method}
        return await self.running.post(message | ({"params": params} if params else {}), **self.headers)

    async def delete(self) -> int:
        async with self.running.http.delete(self.running.url, headers=self.headers) as response:
            return response.status

    async def stream(self, last: str | None = None) -> Stream:
        """Open the GET stream."""
        headers = self.headers | {"Accept": "text/event-stream"} | ({"Last-Event-ID": last} if last else {})
        return self.running.keep(await self.running.http.get(self.running.url, headers=headers))

    async def post_stream(self, message: JSON) -> Stream:
        """POST, and read the answer bit by bit."""
        headers = self.headers | {"Accept": BOTH}
        return self.running.keep(await self.running.http.post(self.running.url, json=message, headers=headers))


class Stream:
    """An event stream that is read bit by bit."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response
        self.last: str | None = None
        self._parser = EventParser()
        self._waiting: list[Event] = []

    @property
    def status(self) -> int:
        return self.response.status

    async def next(self) -> JSON | None:
        """The next message; None at the end."""
        async with asyncio.timeout(10):
            while True:
                while self._waiting:
                    event = self._waiting.pop(0)
                    self.last = event.id or self.last
                    if event.data:
                        found: JSON = json.loads(event.data)
                        return found
                chunk = await self.response.content.readany()
                if not chunk:
                    return None
                self._waiting = self._parser.feed(chunk)

    async def rest(self) -> list[JSON]:
        """All messages to the end."""
        found = []
        while (message := await self.next()) is not None:
            found.append(message)
        return found

    def close(self) -> None:
        """Break the connection."""
        self.response.close()


def request(number: Any, method: str, params: JSON | None = None) -> JSON:
    """A JSON-RPC request."""
    message: JSON = {"jsonrpc": "2.0", "id": number, "method": method}
    return message if params is None else message | {"params": params}


def post_bytes(body: bytes = b"", **headers: str) -> bytes:
    """A POST to the MCP endpoint as bytes."""
    fields = {
        "Host": "127.0.0.1",
        "Content-Type": "application/json",
        "Accept": "*/*",
        "Content-Length": str(len(body)),
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value)
    return f"POST /mcp/stream HTTP/1.1\r\n{lines}\r\n".encode() + body


async def until(true: Callable[[], object]) -> None:
    """Wait for what nothing sets an event for."""
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - that is what it is for
            await asyncio.sleep(0.005)


def modern_request(method: str, params: JSON, number: Any, meta: JSON) -> tuple[JSON, dict[str, str]]:
    """A request of the newer era with its headers."""
    prefix = "io.modelcontextprotocol"
    envelope = {f"{prefix}/protocolVersion": MODERN, f"{prefix}/clientCapabilities": {}, **meta}
    headers = {"MCP-Protocol-Version": MODERN, "Mcp-Method": method}
    name = params.get("uri" if method == "resources/read" else "name")
    if isinstance(name, str):
        headers["Mcp-Name"] = name
    return request(number, method, {**params, "_meta": envelope}), headers


Start = Callable[..., Awaitable[Running]]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Starts a gateway with the given settings of the section `gateway`."""
    async with AsyncExitStack() as stack:

        async def begin(
            graph: TestGraph | None = None, *, replicas: dict[str, int] | None = None, **section: Any
        ) -> Running:
            section = {"servers": [{"name": "gateway", "port": 0}], **section}
            settings = Settings.model_validate(
                {
                    "system": {"state_dir": tmp_path / ".aura"},
                    "gateway": section,
                    "cluster": {"replicas": replicas or {}},
                }
            )
            paths, graph, events = Paths.of(settings), graph or TestGraph(), []
            gateway = Gateway(settings, paths, graph, "1.2.3", on_security_event=lambda *event: events.append(event))
            stack.push_async_callback(gateway.stop, 0.2)
            await gateway.start()
            http = await stack.enter_async_context(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)))
            begun = Running(gateway, graph, paths, http, events)
            stack.callback(begun.close_streams)
            return begun

        yield begin


@pytest.fixture
async def running(start: Start) -> Running:
    """A gateway with the default settings on a free port."""
    return await start()
