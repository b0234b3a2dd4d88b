"""A chain of peers r1 -> r2 -> ... -> r6 behind the asker r0, for the cost of a hop.

Each passes a `CallTool` on until its `hops` are used up; the answer comes back the same way. The payload is that of a
small tool call.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

from aura_ia_mcp.bus.address import Address, Endpoint
from aura_ia_mcp.bus.bus import Bus, Context, handles
from aura_ia_mcp.bus.envelope import Header, Principal
from aura_ia_mcp.bus.keys import EdgeKeys
from aura_ia_mcp.bus.link import Transport
from aura_ia_mcp.bus.messages import CallTool
from aura_ia_mcp.bus.peer import Peer
from aura_ia_mcp.bus.resolver import StaticResolver

from .outcome import JSON, latencies

HOPS = 6
IN_FLIGHT = 64
_EDGES = frozenset((f"r{number}", f"r{number + 1}") for number in range(HOPS))
_EPOCH = 1
_WARM = 200
_TEXT = "the quick brown fox jumps over the lazy dog"
_LONGEST_S = 600.0

Once = Callable[[], Awaitable[object]]


class Link:
    """The actor at place `number`."""

    def __init__(self, number: int) -> None:
        self._next = Address(f"r{number + 1}")

    async def start(self, bus: Bus) -> None:
        """Ask the next through it."""
        self._bus = bus

    async def stop(self) -> None:
        """Nothing to end."""

    @handles(CallTool)
    async def call(self, message: CallTool, context: Context) -> JSON:
        """Pass it on, or answer."""
        left = message.arguments["hops"] - 1
        if left:
            onward = CallTool(message.tool, message.arguments | {"hops": left})
            return await self._bus.request(self._next, onward, header=context.header)
        text = message.arguments["text"]
        return {"content": [{"type": "text", "text": text}], "structuredContent": {"text": text}, "isError": False}


def asker(root: bytes, transport: Transport, uris: Sequence[str]) -> Peer:
    """The peer r0, which only asks; `uris` are those of r1, r2, ..."""
    return Peer(Address("r0"), EdgeKeys.of("r0", root, _EDGES), (transport,), _known(uris), epoch=_EPOCH)


async def answerer(number: int, root: bytes, transport: Transport, uris: Sequence[str]) -> Peer:
    """The peer r`number`; it must still `listen`."""
    role, actor = f"r{number}", Link(number)
    keys = EdgeKeys.of(role, root, _EDGES)
    peer = Peer(Address(role), keys, (transport,), _known(uris), actor=actor, epoch=_EPOCH)
    await actor.start(peer)
    return peer


def _known(uris: Sequence[str]) -> StaticResolver:
    return StaticResolver(
        Endpoint(Address(f"r{number}"), "here", uri, _EPOCH) for number, uri in enumerate(uris, start=1)
    )


async def measure(peer: Peer, hops: int, *, seconds: float) -> JSON:
    """Ask through so many hops: {count, p50_ms, p99_ms} at one in flight, and `per_s` at 64."""
    principal = Principal("guest", roles=("guest",))
    header = Header(principal, session="bench", deadline=time.monotonic() + _LONGEST_S)
    message = CallTool("echo", {"text": _TEXT, "hops": hops})

    async def once() -> None:
        await peer.request("r1", message, header=header)

    warm_until = time.monotonic() + seconds / 4
    for _ in range(_WARM):
        await once()
        if time.monotonic() > warm_until:
            break
    return await _alone(once, seconds) | await _together(once, seconds)


async def _alone(once: Once, seconds: float) -> JSON:
    times_s = []
    end = time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        await once()
        times_s.append(time.perf_counter() - began)
    return latencies(times_s)


async def _together(once: Once, seconds: float) -> JSON:
    began = time.perf_counter()
    end, count = began + seconds, 0

    async def ask() -> None:
        nonlocal count
        while time.perf_counter() < end:
            await once()
            count += 1

    await asyncio.gather(*(ask() for _ in range(IN_FLIGHT)))
    return {"per_s": round(count / (time.perf_counter() - began), 1)}
