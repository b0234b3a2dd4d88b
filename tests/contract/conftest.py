"""The wires on which the bus's promises are tested."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import uvloop

from aura_ia_mcp.bus.address import Address, Endpoint
from aura_ia_mcp.bus.bus import Actor
from aura_ia_mcp.bus.keys import EdgeKeys, new_root
from aura_ia_mcp.bus.limits import Limits
from aura_ia_mcp.bus.link import Transport
from aura_ia_mcp.bus.peer import Peer
from aura_ia_mcp.bus.resolver import StaticResolver
from aura_ia_mcp.bus.transports.local import LocalTransport
from aura_ia_mcp.bus.transports.socket import TlsTransport, UnixTransport
from aura_ia_mcp.cluster.ray_link import Doors, RayTransport
from aura_ia_mcp.cluster.spec import Certificate
from aura_ia_mcp.cluster.tls import Authority, contexts
from tests.support.loop_calls import LoopCalls

MOST_BYTES = 1_000_000
EDGES = frozenset({("top", "middle"), ("middle", "bottom"), ("top", "directory"), ("middle", "directory")})


class Wire:
    """Makes peers that reach each other over one kind of transport."""

    def __init__(self, make_transport: Callable[[], Transport]) -> None:
        self.make_transport = make_transport
        self.root = new_root()
        self.resolver = StaticResolver()
        self.refused: list[tuple[str, dict[str, Any]]] = []
        self.peers: list[Peer] = []
        self.epoch = 100

    def keys(self, role: str, edges: frozenset[tuple[str, str]] = EDGES) -> EdgeKeys:
        return EdgeKeys.of(role, self.root, edges)

    async def peer(
        self,
        address: str,
        actor: Actor | None = None,
        *,
        limits: Limits | None = None,
        keys: EdgeKeys | None = None,
        transports: Sequence[Transport] = (),
        epoch: int | None = None,
        listen: bool = True,
    ) -> Peer:
        self.epoch += 1
        where = Address.parse(address)
        peer = Peer(
            where,
            keys or self.keys(where.role),
            transports or (self.make_transport(),),
            self.resolver,
            actor=actor,
            limits=limits or Limits(patience_s=1.0),
            on_refused=lambda event, details: self.refused.append((event, details)),
            epoch=self.epoch if epoch is None else epoch,
        )
        if listen:
            uri = await peer.listen()
            self.resolver.set(Endpoint(where, "here", uri, peer.epoch))
        self.peers.append(peer)
        return peer

    async def close(self) -> None:
        for peer in self.peers:
            await peer.stop()


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Both event loops: the system runs on uvloop, whose transports differ in detail."""
    return {"asyncio": asyncio.SelectorEventLoop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def certificate() -> Certificate:
    return Authority().issue("tested")


@pytest.fixture(params=["local", "unix", "tls", "ray"])
async def wire(request: pytest.FixtureRequest, tmp_path: Path, certificate: Certificate) -> AsyncIterator[Wire]:
    """Each transport; `ray` is without Ray here, and `test_bus_over_ray.py` has it with."""
    made = Wire(_transports(request.param, tmp_path, certificate))
    yield made
    await made.close()


def _transports(kind: str, folder: Path, certificate: Certificate) -> Callable[[], Transport]:
    local, doors = LocalTransport(), Doors()
    client, server = contexts(certificate)
    made: dict[str, Callable[[], Transport]] = {
        "local": lambda: local,
        "unix": lambda: UnixTransport(folder, MOST_BYTES),
        "tls": lambda: TlsTransport("127.0.0.1", server, client, MOST_BYTES),
        "ray": lambda: RayTransport(doors, "tested", lambda name: LoopCalls(doors)),
    }
    return made[kind]
