"""The actors of the system as peers of one process, and a client where the gateway would be."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from aura_ia_mcp.actors.approvals import Approvals
from aura_ia_mcp.actors.boot import Boot
from aura_ia_mcp.actors.roles import RoleEngine
from aura_ia_mcp.actors.sources import Source, ToolCall, ToolDefinition, ToolSource
from aura_ia_mcp.actors.state import State
from aura_ia_mcp.bus.address import Address, Endpoint
from aura_ia_mcp.bus.bus import Actor
from aura_ia_mcp.bus.edges import KEYED
from aura_ia_mcp.bus.envelope import Header, Principal
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.keys import EdgeKeys, audience_key, new_root
from aura_ia_mcp.bus.limits import Limits
from aura_ia_mcp.bus.messages import JSON, CallTool, Message
from aura_ia_mcp.bus.peer import Peer
from aura_ia_mcp.bus.resolver import StaticResolver
from aura_ia_mcp.bus.transports.local import LocalTransport
from aura_ia_mcp.configs.paths import Paths
from aura_ia_mcp.configs.settings import Settings
from aura_ia_mcp.gateway.ingress import Ingress
from aura_ia_mcp.stores import read
from aura_ia_mcp.stores.audit import AuditWriter

GUEST = Principal("guest", roles=("guest",))
OPERATOR = Principal("operator", kind="human", roles=("operator",))
KEY = b"k" * 32


class Graph:
    """Starts actors on local links; `client` stands where the gateway does."""

    def __init__(self, folder: Path, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self.paths = Paths(folder / ".aura", folder / "logs")
        self.root = new_root()
        self.decision_root = new_root()
        self.transport = LocalTransport()
        self.resolver = StaticResolver()
        self.actors: dict[str, Any] = {}
        self.peers: dict[str, Peer] = {}
        self.writers: dict[str, AuditWriter] = {}
        self._epoch = 0

    def boot(self, role: str, sources: tuple[Callable[[], ToolSource], ...] = ()) -> Boot:
        address = Address.parse(role)
        writer = self.writers.get(role)
        if writer is None:
            writer = self.writers[role] = AuditWriter(self.paths.audit, str(address).replace("/", "-"), KEY)
        return Boot(
            address,
            self.settings,
            self.paths,
            writer,
            audience_key=audience_key(self.decision_root, address.role),
            decision_root=self.decision_root if address.role == "safety" else None,
            sources=sources,
            started_at=time.time(),
        )

    async def peer(self, role: str, actor: Actor | None = None) -> Peer:
        self._epoch += 1
        address = Address.parse(role)
        peer = Peer(
            address,
            EdgeKeys.of(address.role, self.root, KEYED),
            (self.transport,),
            self.resolver,
            actor=actor,
            limits=Limits(patience_s=1.0),
            epoch=self._epoch,
        )
        self.resolver.set(Endpoint(address, "here", await peer.listen(), peer.epoch))
        self.peers[role] = peer
        return peer

    async def start(self, role: str, make: Callable[[Boot], Any], *sources: Callable[[], ToolSource]) -> Any:
        if role in ("safety", "tools"):
            await self.follow()
        actor = make(self.boot(role, sources))
        peer = await self.peer(role, actor)
        await actor.start(peer)
        self.actors[role] = actor
        return actor

    async def follow(self) -> None:
        """Start what Safety and Tools follow or ask: State, Approvals and the Role engine."""
        for role, make in (("state", State), ("approvals", Approvals), ("roles", RoleEngine)):
            if role not in self.actors:
                await self.start(role, make)

    async def ingress(self) -> None:
        """Let the gateway's peer answer `Reenter`, as it does in a system."""
        ingress = Ingress(audience_key(self.decision_root, "gateway"), self.settings.cluster.replicas.get("safety", 1))
        await ingress.start(await self.peer("gateway", ingress))

    async def end(self, role: str) -> None:
        actor = self.actors.pop(role, None)
        peer = self.peers.pop(role, None)
        if peer is not None:
            await peer.stop()
        if actor is not None:
            await actor.stop()
        writer = self.writers.pop(role, None)
        if writer is not None:
            writer.close()

    async def close(self) -> None:
        for role in reversed(list(self.peers)):  # what asks ends before what is asked
            await self.end(role)

    async def request(
        self, message: Message, principal: Principal | None = GUEST, *, to: str = "safety", **more: Any
    ) -> JSON:
        if "gateway" not in self.peers:
            await self.peer("gateway")
        header = more.pop("header", None) or Header(principal=principal, session="session-1")
        return await self.peers["gateway"].request(to, message, header=header, **more)

    async def call(
        self,
        tool: str,
        arguments: JSON | None = None,
        principal: Principal | None = GUEST,
        *,
        key: str = "",
        server: str = "gateway",
        **more: Any,
    ) -> JSON:
        return await self.request(CallTool(tool, arguments or {}, server=server, key=key), principal, **more)

    def records(self, kind: str = "call") -> list[dict[str, Any]]:
        return [r for r in read.records(self.paths.audit) if r["kind"] == kind]


class Scripted(Source):
    """A source whose tools are functions of a test."""

    name = "scripted"

    def __init__(self, **tools: Callable[[JSON, ToolCall], Awaitable[JSON]]) -> None:
        self.functions = dict(tools)
        self.definitions = {name: define(name) for name in tools}

    def tools(self) -> list[ToolDefinition]:
        return list(self.definitions.values())

    async def call(self, name: str, arguments: JSON, call: ToolCall) -> JSON:
        return await self.functions[name](arguments, call)


def define(name: str, **more: Any) -> ToolDefinition:
    return ToolDefinition(name, name, f"What {name} does.", {"type": "object"}, **more)


def text_result(text: str) -> JSON:
    return {"content": [{"type": "text", "text": text}], "isError": False}


async def code_of(work: Awaitable[Any]) -> str:
    try:
        await asyncio.wait_for(work, 10)
    except AuraError as error:
        return error.code
    return "no error"


async def until(condition: Callable[[], bool], within_s: float = 5.0) -> None:
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - nobody tells when the condition turns
            await asyncio.sleep(0.005)
