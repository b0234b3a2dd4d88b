"""What the tests of the bus's promises share: an actor that does what each gives it, and asking without a peer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from aura_ia_mcp.bus.address import Address, Endpoint
from aura_ia_mcp.bus.bus import Bus, Context, handles
from aura_ia_mcp.bus.envelope import Envelope
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.handshake import CallerHandshake, Identity
from aura_ia_mcp.bus.messages import JSON, Message, message
from aura_ia_mcp.bus.outgoing import Outgoing

from .conftest import Wire


@message("test.work")
class Work(Message):
    what: str


@message("test.safe_work", idempotent=True)
class SafeWork(Message):
    what: str


class Worker:
    """An actor whose behaviour each test gives."""

    def __init__(self, do: Callable[[str, Context], Awaitable[JSON]]) -> None:
        self.do = do
        self.seen: list[Envelope] = []

    async def start(self, bus: Bus) -> None: ...

    async def stop(self) -> None: ...

    @handles(Work)
    async def work(self, message: Work, context: Context) -> JSON:
        self.seen.append(context.envelope)
        return await self.do(message.what, context)

    @handles(SafeWork)
    async def safe_work(self, message: SafeWork, context: Context) -> JSON:
        self.seen.append(context.envelope)
        return await self.do(message.what, context)


async def echo(what: str, context: Context) -> JSON:
    return {"said": what}


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.001)


def code_of(caught: pytest.ExceptionInfo[AuraError]) -> str:
    return caught.value.code


async def channel_to(wire: Wire, source: str, target: str, epoch: int = 1000) -> Outgoing:
    endpoint = await wire.resolver.resolve(Address.parse(target))
    assert isinstance(endpoint, Endpoint)
    link = await wire.make_transport().connect(endpoint.uri)
    me = Identity(Address.parse(source), epoch)
    handshake = CallerHandshake(me, Address.parse(target), endpoint.epoch, wire.keys(me.address.role))
    channel = Outgoing(link, Address.parse(target), handshake, 1_000_000)
    await channel.ready(5)
    return channel
