"""A whole Aura in one event loop: every actor of the tree, joined in memory or by sockets, with the real gateway.

No Ray and no processes, so it starts in milliseconds: for tests of what is said on the wire. What it can't show is
anything about processes (restarts, Ray's view).
"""

from __future__ import annotations

import importlib
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aura_ia_mcp.actors.boot import Boot
from aura_ia_mcp.actors.sources import ToolSource
from aura_ia_mcp.bus.address import Address, Endpoint
from aura_ia_mcp.bus.bus import Actor
from aura_ia_mcp.bus.edges import KEYED
from aura_ia_mcp.bus.keys import EdgeKeys, audience_key, new_root
from aura_ia_mcp.bus.link import Transport
from aura_ia_mcp.bus.peer import Peer
from aura_ia_mcp.bus.resolver import StaticResolver
from aura_ia_mcp.bus.transports.local import LocalTransport
from aura_ia_mcp.bus.transports.socket import UnixTransport
from aura_ia_mcp.cluster.security_record import Refusals
from aura_ia_mcp.cluster.spec import bus_sockets
from aura_ia_mcp.cluster.tree import TREE, Role
from aura_ia_mcp.configs.paths import Paths
from aura_ia_mcp.configs.settings import Settings
from aura_ia_mcp.gateway.ingress import Ingress
from aura_ia_mcp.gateway.server import Gateway
from aura_ia_mcp.stores.audit import AuditWriter

_STARTED_EPOCH = 1
VERSION = "0.0.0"


def settings(root: Path, **sections: dict[str, Any]) -> Settings:
    """Settings for a system of its own under `root`: free ports, no dashboard, no model; `sections` go on top."""
    data: dict[str, dict[str, Any]] = {
        "system": {"state_dir": root / ".aura", "log_dir": root / "logs", "drain_s": 1.0},
        "gateway": {
            "servers": [
                {"name": "gateway", "port": 0},
                {"name": "ml", "port": 0, "tools": ["analyze_emotion", "semantic_rank", "embed_text"]},
            ]
        },
        "cluster": {"dashboard": False, "dashboard_port": 0},
        "ml": {"load": "never"},
    }
    for name, section in sections.items():
        data.setdefault(name, {}).update(section)
    return Settings.model_validate(data)


class InProcess:
    """The running system, between `async with` and its end.

    Args:
        root: an empty folder for its state and logs.
        made: its settings; None takes `settings(root)`.
        sources: makes further tool sources.
        sockets: whether actors answer at unix sockets of their own, as in a system of processes.

    Attributes:
        urls: of each virtual server, in the order of the settings.
        peers: by role, to look at or to ask.
        bus_root: the keys of all edges come from it.
        decision_root: the keys of decision tokens come from it.
    """

    def __init__(
        self,
        root: Path,
        made: Settings | None = None,
        *,
        sources: Sequence[Callable[[], ToolSource]] = (),
        sockets: bool = False,
    ) -> None:
        self.settings = made or settings(root)
        self.paths = Paths.of(self.settings)
        self.urls: list[str] = []
        self.peers: dict[str, Peer] = {}
        self.actors: dict[str, Actor] = {}
        self._sources = tuple(sources)
        self._resolver = StaticResolver()
        folder, most = bus_sockets(self.paths), self.settings.bus.max_frame_bytes
        self._transport: Transport = UnixTransport(folder, most) if sockets else LocalTransport()
        self.bus_root, self.decision_root, self._audit_key = new_root(), new_root(), new_root()
        self._audits: list[AuditWriter] = []

    async def __aenter__(self) -> Self:
        """Start every actor, the lowest layer first, then the gateway."""
        for folder in (self.paths.state, self.paths.run, bus_sockets(self.paths), self.paths.logs):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for row in TREE:
            for role in row.roles:
                await self._start(role)
        ingress = Ingress(audience_key(self.decision_root, "gateway"), 1)
        bus = self._peer("gateway", ingress, self._writer("ingress"))
        await ingress.start(bus)
        self._resolver.set(Endpoint(bus.address, "here", await bus.listen(), bus.epoch))
        self.gateway = Gateway(self.settings, self.paths, bus, VERSION)
        self.urls = await self.gateway.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop all in the opposite order."""
        await self.gateway.stop(self.settings.system.drain_s)
        for role, peer in reversed(self.peers.items()):
            await peer.stop(self.settings.system.drain_s)
            if role in self.actors:
                await self.actors[role].stop()
        for audit in self._audits:
            audit.close()
        shutil.rmtree(self.paths.run)  # not always below `root`: sockets need short names

    @property
    def url(self) -> str:
        """The MCP endpoint of the first virtual server."""
        return self.urls[0]

    def _peer(self, role: str, actor: Actor | None, audit: AuditWriter) -> Peer:
        peer = Peer(
            Address(role),
            EdgeKeys.of(role, self.bus_root, KEYED),
            (self._transport,),
            self._resolver,
            actor=actor,
            epoch=_STARTED_EPOCH,
            on_refused=Refusals(lambda: audit).note,
            unregistered=role == "directory",
        )
        self.peers[role] = peer
        return peer

    async def _start(self, role: Role) -> None:
        module, _, name = role.actor.partition(":")
        actor: Actor = getattr(importlib.import_module(module), name)(boot := self._boot(role))
        peer = self._peer(role.name, actor, boot.audit)
        uri = await peer.listen()
        self._resolver.set(Endpoint(peer.address, "here", uri, peer.epoch))
        self.actors[role.name] = actor
        await actor.start(peer)

    def _writer(self, role: str) -> AuditWriter:
        self._audits.append(audit := AuditWriter(self.paths.audit, f"{role}-0", self._audit_key))
        return audit

    def _boot(self, role: Role) -> Boot:
        return Boot(
            address=Address(role.name),
            settings=self.settings,
            paths=self.paths,
            audit=self._writer(role.name),
            audience_key=audience_key(self.decision_root, role.name) if role.privileged else None,
            decision_root=self.decision_root if role.mints else None,
            sources=self._sources if role.sourced else (),
            started_at=time.time(),
        )
