"""The ray transport's protocol, with a stand-in for Ray's calls (tests/integration has the real ones)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from aura_ia_mcp.bus.address import Address
from aura_ia_mcp.bus.link import Link
from aura_ia_mcp.cluster.ray_link import Doors, RayTransport
from tests.support.loop_calls import LoopCalls


class Ear:
    def __init__(self, link: Link) -> None:
        self.frames: list[bytes] = []
        self.closed: list[str] = []
        self._news = asyncio.Event()
        link.attach(self)

    def on_frame(self, frame: bytes) -> None:
        self.frames.append(frame)
        self._news.set()

    def on_closed(self, why: str) -> None:
        self.closed.append(why)
        self._news.set()

    async def until(self, condition: Any) -> None:
        async with asyncio.timeout(5):
            while not condition():
                self._news.clear()
                await self._news.wait()


class Pair:
    def __init__(self) -> None:
        self.doors = Doors()
        self.calls = LoopCalls(self.doors)
        self.transport = RayTransport(self.doors, "L6 Safety 0", lambda name: self.calls)
        self.accepted: list[Link] = []

    async def open(self) -> tuple[Link, Link]:
        listener = await self.transport.listen(Address("safety"), self.accepted.append)
        caller = await self.transport.connect(listener.uri)
        return caller, self.accepted[-1]


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    made = Pair()
    yield made
    for link in made.accepted:
        link.close()


async def test_frames_keep_their_order_both_ways(pair: Pair) -> None:
    caller, callee = await pair.open()
    there, here = Ear(callee), Ear(caller)
    sent = [str(number).encode() for number in range(300)]
    for frame in sent:
        caller.write(frame)
        callee.write(frame)
        await caller.drain()
    await there.until(lambda: len(there.frames) == 300)
    await here.until(lambda: len(here.frames) == 300)
    assert there.frames == here.frames == sent
    caller.close()
    await there.until(lambda: there.closed)


async def test_frames_that_come_before_a_receiver_wait_for_it(pair: Pair) -> None:
    caller, callee = await pair.open()
    caller.write(b"early")
    await asyncio.sleep(0.01)
    ear = Ear(callee)
    assert ear.frames == [b"early"]
    caller.close()


@pytest.mark.parametrize("side", [0, 1])
async def test_what_was_written_before_a_close_arrives_and_both_sides_hear_of_the_end(pair: Pair, side: int) -> None:
    links = await pair.open()
    ears = [Ear(link) for link in links]
    links[side].write(b"last words")
    links[side].close()
    other = ears[1 - side]
    await other.until(lambda: other.closed)
    assert other.frames == [b"last words"]
    await ears[side].until(lambda: ears[side].closed)
    assert [len(ear.closed) for ear in ears] == [1, 1]


async def test_a_dead_actor_ends_the_link(pair: Pair) -> None:
    caller, _ = await pair.open()
    ear = Ear(caller)
    pair.calls.broken = True
    caller.write(b"anybody?")
    await ear.until(lambda: ear.closed)
    assert "died" in ear.closed[0]


async def test_nobody_listens_is_a_refused_connection(pair: Pair) -> None:
    with pytest.raises(ConnectionRefusedError):
        await pair.transport.connect("ray:L6_Safety_0#safety/0")


async def test_a_reader_that_never_fetches_is_cut_off(pair: Pair) -> None:
    listener = await pair.transport.listen(Address("safety"), pair.accepted.append)
    assert await pair.doors.open(listener.uri) is not None
    ear = Ear(pair.accepted[0])
    for _ in range(5000):
        pair.accepted[0].write(b"x")
    await ear.until(lambda: ear.closed)
