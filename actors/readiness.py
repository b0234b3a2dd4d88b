"""Whether parts are there and could serve a call now, each as {"status", "latency_ms", "detail"}."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

from aura_ia_mcp.bus.address import Address
from aura_ia_mcp.bus.bus import Bus, Context
from aura_ia_mcp.bus.envelope import Header
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON, Message, Probe

from .moment import ms_since

_TOOLS = Address("tools")


def part(status: str, latency_ms: float | None, detail: str) -> JSON:
    """How one part does."""
    return {"status": status, "latency_ms": latency_ms, "detail": detail}


class Look:
    """Looks whether what this actor needs works: one look at a time however many ask, and believed for a while.

    Args:
        name: of this actor, for its part of a probe.
        look: raises `AuraError` if it doesn't work.
        silence: what is said while that goes on for longer than it may.
        within_s: how long one who asks waits; the look itself goes on, and the next one to ask hears what it found.
        believed_s: from its beginning.
    """

    def __init__(
        self, name: str, look: Callable[[], Awaitable[object]], silence: str, *, within_s: float, believed_s: float
    ) -> None:
        self._name = name
        self._look = look
        self._silence = silence
        self._within_s = within_s
        self._believed_s = believed_s
        self._looking: asyncio.Task[JSON] | None = None
        self._began = 0.0

    async def report(self) -> JSON:
        """A probe's reply, in time whatever the look does."""
        now = time.perf_counter()
        if self._looking is None or (self._looking.done() and now - self._began >= self._believed_s):
            self._looking, self._began = asyncio.create_task(self._found(), name="look"), now
        await asyncio.wait((self._looking,), timeout=self._within_s)
        silent = part("failing", ms_since(self._began), self._silence)
        found = self._looking.result() if self._looking.done() else silent
        return {"ready": found["status"] == "ok", "parts": {self._name: found}}

    async def close(self) -> None:
        """Look no more."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    async def _found(self) -> JSON:
        began = time.perf_counter()
        try:
            await self._look()
        except AuraError as error:
            return part("failing", ms_since(began), str(error))
        return part("ok", ms_since(began), "")


async def reached(bus: Bus, address: Address, message: Message, header: Header, within_s: float) -> tuple[JSON, JSON]:
    """How an address does that is asked something: `ok` or `down`, and its reply, empty when there is none.

    Args:
        bus: of whoever asks.
        address: who is asked, once.
        message: what; it needs no token.
        header: of the call that this is for.
        within_s: how long the answer may take, the opening of a link included.
    """
    began = time.perf_counter()
    header = replace(header.within(within_s), tokens={})
    try:
        async with asyncio.timeout(within_s):
            reply = await bus.request(address, message, header=header, retry=False, patience_s=0.0)
    except TimeoutError:
        return part("down", ms_since(began), f"no answer within {within_s:.2f} s"), {}
    except AuraError as error:
        return part("down", ms_since(began), str(error)), {}
    return part("ok", ms_since(began), "answers"), reply


async def probed(bus: Bus, message: Probe, context: Context, fault: str) -> JSON:
    """Safety's answer to a probe: whether it could decide on a call, and Tools run it.

    Args:
        bus: Safety's.
        message: the probe; Tools is asked it, too.
        context: of the probe.
        fault: why Safety could decide on no call now, or "".
    """
    parts = {str(bus.address): part("failing" if fault else "ok", 0.0, fault)}
    began = time.perf_counter()
    try:
        below = await bus.request(_TOOLS, message, header=context.header, patience_s=0.0)
    except AuraError as error:
        parts[str(_TOOLS)] = part("down", ms_since(began), str(error))
        return {"ready": False, "parts": parts}
    return {"ready": not fault and bool(below["ready"]), "parts": parts | below["parts"]}
