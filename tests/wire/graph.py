"""An in-process stand-in for the graph: a `Bus` whose actors are a few tools with known behaviour."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from typing import Any

import msgpack

from aura_ia_mcp.bus.address import Address
from aura_ia_mcp.bus.bus import OnAsk, OnItem
from aura_ia_mcp.bus.envelope import Header, Principal
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import (
    JSON,
    Authenticate,
    CallTool,
    CatalogueChanged,
    Complete,
    GetPrompt,
    ListCatalogue,
    Message,
    Probe,
    ReadResource,
    Report,
    ResourceUpdated,
    Subscribe,
)

_OBJECT: JSON = {"type": "object", "properties": {}}
QUESTION: JSON = {"method": "elicitation/create", "params": {"message": "?", "requestedSchema": _OBJECT}}


def entry(name: str, schema: JSON | None = None, **annotations: bool) -> JSON:
    """A catalogue entry."""
    return {"name": name, "title": name, "inputSchema": schema or _OBJECT, "annotations": annotations}


def text(said: str, **more: Any) -> JSON:
    """A CallToolResult of one text."""
    return {"content": [{"type": "text", "text": said}], "isError": False, **more}


class TestGraph:
    """Answers what the gateway asks, and notes it.

    Attributes:
        calls: every CallTool with its header, in order.
        running: tools that wait, by name; `release` lets them go on.
        cancelled: set by name when a tool saw its cancellation.
        down: roles and addresses that do not answer.
        for_operators: tools that nobody else sees.
        streams: where a stream was asked for, in order.
    """

    __test__ = False

    def __init__(self) -> None:
        self.address = Address("gateway")
        self.tools = [
            entry("echo", readOnlyHint=True),
            entry("slow"),
            entry("count"),
            entry("ask"),
            entry("input"),
            entry("refuse"),
            entry("large"),
            entry("log"),
            entry("leave"),
            entry("mirror", {"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}}),
        ]
        self.calls: list[tuple[CallTool, Header]] = []
        self.requests: list[tuple[str, Message, dict[str, Any]]] = []
        self.reports: list[Report] = []
        self.started: dict[str, asyncio.Event] = {}
        self.release: dict[str, asyncio.Event] = {}
        self.cancelled: dict[str, asyncio.Event] = {}
        self.tokens: dict[str, Principal] = {}
        self.expires: dict[str, float] = {}
        self.authentications = 0
        self.ready = True
        self.down: set[str] = set()
        self.for_operators: set[str] = set()
        self.streams: list[str] = []
        self.subscribed = asyncio.Event()
        self.listing_gate: asyncio.Event | None = None
        self.listing_asked = asyncio.Event()
        self._subscribers: set[asyncio.Queue[JSON]] = set()

    def token(self, token: str, principal: Principal, ttl_s: float = 60.0) -> None:
        """Make a bearer token valid."""
        digest = hashlib.sha256(token.encode()).hexdigest()
        self.tokens[digest] = principal
        self.expires[digest] = time.time() + ttl_s

    def event(self, table: dict[str, asyncio.Event], name: str) -> asyncio.Event:
        """The event of that name."""
        return table.setdefault(name, asyncio.Event())

    def changed(self, what: str, version: str) -> None:
        """Publish that a list is another."""
        self._publish(CatalogueChanged(what, version))

    def updated(self, uri: str) -> None:
        """Publish that a resource is another."""
        self._publish(ResourceUpdated(uri))

    def _publish(self, event: Message) -> None:
        for queue in self._subscribers:
            queue.put_nowait({"kind": event.kind, "payload": event.payload()})

    async def request(
        self,
        target: str | Address,
        message: Message,
        *,
        header: Header | None = None,
        on_item: OnItem | None = None,
        on_ask: OnAsk | None = None,
        key: str = "",
        retry: bool | None = None,
        patience_s: float | None = None,
    ) -> JSON:
        role = self._reach(target)
        assert header is not None
        self.requests.append(
            (role, message, {"retry": retry, "header": header, "patience_s": patience_s, "target": str(target)})
        )
        if isinstance(message, CallTool):
            msgpack.packb(message.payload())  # as the wire does, which can't carry every number
            self.calls.append((message, header))
            return await self._call(message, on_item, on_ask)
        if isinstance(message, Authenticate):
            self.authentications += 1
            await asyncio.sleep(0)
            found = self.tokens.get(message.digest)
            return {"principal": found and found.as_dict(), "expires_at": self.expires.get(message.digest)}
        if isinstance(message, ListCatalogue) and self.listing_gate is not None:
            self.listing_asked.set()
            await self.listing_gate.wait()
        return self._read(message, header.principal)

    def _reach(self, target: str | Address) -> str:
        address = target if isinstance(target, Address) else Address.parse(target)
        if self.down & {address.role, str(address)}:
            raise AuraError("not_delivered", f"{address} doesn't answer")
        return address.role

    def _read(self, message: Message, principal: Principal | None) -> JSON:
        if isinstance(message, ListCatalogue):
            return {"entries": self._entries(message, principal), "version": "1", "absent": []}
        if isinstance(message, Probe):
            status = "ok" if self.ready else "loading"
            return {"ready": self.ready, "parts": {"tools/0": {"status": status, "latency_ms": 1, "detail": ""}}}
        if isinstance(message, ReadResource):
            if message.uri != "test://text":
                raise AuraError("unknown_resource", f"there is no {message.uri}")
            return {"contents": [{"uri": message.uri, "text": "hello"}]}
        if isinstance(message, GetPrompt):
            return {"messages": [{"role": "user", "content": {"type": "text", "text": str(message.arguments)}}]}
        if isinstance(message, Complete):
            return {"completion": {"values": [message.argument["value"] + "!"], "total": 1, "hasMore": False}}
        raise AuraError("unknown_message", message.kind)

    def _entries(self, message: ListCatalogue, principal: Principal | None) -> list[JSON]:
        operator = principal is not None and "operator" in principal.roles
        if message.what == "tools":
            if principal is None:
                raise AuraError("unauthenticated", "the catalogue is shown to callers that are known")
            shown = [tool for tool in self.tools if operator or tool["name"] not in self.for_operators]
            return [] if message.server == "empty" else shown
        if message.what == "resources":
            plans = {"uri": "secret://plans", "name": "plans"}
            return [{"uri": "test://text", "name": "text"}, *([plans] if operator else [])]
        if message.what == "prompts":
            return [{"name": "greet", "arguments": [{"name": "name"}]}]
        return [{"uriTemplate": "test://{id}", "name": "template"}]

    async def _call(self, message: CallTool, on_item: OnItem | None, on_ask: OnAsk | None) -> JSON:
        assert on_item is not None
        assert on_ask is not None
        arguments = message.arguments
        if message.tool == "slow":
            return await self._slow(str(arguments.get("name", "slow")), on_item, bool(arguments.get("progress")))
        if message.tool in {"count", "log", "leave"}:
            return await self._count(message, on_item)
        if message.tool == "ask":
            answer = await on_ask(QUESTION)
            return text(f"answered {answer['action']}")
        return self._at_once(message, arguments)

    def _at_once(self, message: CallTool, arguments: JSON) -> JSON:
        if message.tool in {"echo", "mirror"}:
            return text(str(arguments.get("text")), structuredContent=arguments)
        if message.tool == "input":
            if message.inputs is None:
                return {"resultType": "input_required", "inputRequests": {"q": QUESTION}, "requestState": "s1"}
            if message.state != "s1":
                raise AuraError("malformed", "requestState was altered")
            return text(f"input {message.inputs['q']['action']}")
        if message.tool == "insatiable":
            return {"resultType": "input_required", "inputRequests": {"q": QUESTION}, "requestState": "s"}
        if message.tool == "large":
            return text("x" * int(arguments["bytes"]))
        if message.tool == "refuse":
            raise AuraError(arguments["code"], "refused by the test", retry_after_s=arguments.get("retry_after_s"))
        raise AuraError("unknown_tool", f"there is no tool {message.tool!r}")

    async def _slow(self, name: str, on_item: OnItem, progress: bool) -> JSON:
        if progress:
            on_item({"type": "progress", "progress": 0})
        self.event(self.started, name).set()
        try:
            await self.event(self.release, name).wait()
        except asyncio.CancelledError:
            self.event(self.cancelled, name).set()
            raise
        return text(f"{name} done")

    async def _count(self, message: CallTool, on_item: OnItem) -> JSON:
        size = int(message.arguments.get("bytes", 0))
        if message.arguments.get("broken"):
            on_item({"type": "progress", "progress": 1, "message": b"\xff"})
            return text("counted")
        for number in range(1, int(message.arguments.get("to", 3)) + 1):
            if message.tool == "log":
                on_item({"type": "log", "level": message.arguments.get("level", "info"), "data": number})
            else:
                on_item({"type": "progress", "progress": number, "total": 3, "message": "x" * size})
            if message.tool == "leave" and number == 1:
                on_item({"type": "close_stream"})
            await asyncio.sleep(0)
        return text("counted")

    async def send(self, target: str | Address, message: Message, *, header: Header | None = None) -> None:
        assert isinstance(message, Report)
        self.reports.append(message)

    async def stream(
        self, target: str | Address, message: Message, *, header: Header | None = None
    ) -> AsyncIterator[JSON]:
        assert isinstance(message, Subscribe)
        self.streams.append(str(target))
        self._reach(target)
        queue: asyncio.Queue[JSON] = asyncio.Queue()
        self._subscribers.add(queue)
        self.subscribed.set()
        try:
            while True:
                yield await queue.get()
        finally:
            self._subscribers.discard(queue)

    def stats(self) -> JSON:
        return {}

    def publish(self, topic: str, event: Message) -> None:
        raise AssertionError("the gateway publishes nothing")
