"""The bus's promises about deadlines, cancelling and stopping, on every transport."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from aura_ia_mcp.bus.address import Address
from aura_ia_mcp.bus.bus import Context
from aura_ia_mcp.bus.envelope import Envelope, Header, new_id
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON

from .conftest import Wire
from .workers import Work, Worker, channel_to, code_of, echo, until


async def test_the_deadline_ends_the_wait_and_the_work(wire: Wire) -> None:
    cancelled = asyncio.Event()

    async def sleep(what: str, context: Context) -> JSON:
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.set()
        return {}

    await wire.peer("middle", Worker(sleep))
    top = await wire.peer("top")
    with pytest.raises(AuraError) as caught:
        await top.request("middle", Work("x"), header=Header(deadline=time.monotonic() + 1.0))
    assert code_of(caught) == "deadline_exceeded"
    assert caught.value.failure.outcome == "unknown"
    await asyncio.wait_for(cancelled.wait(), 5)


async def test_cancelling_travels_down_the_whole_way(wire: Wire) -> None:
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def sleep(what: str, context: Context) -> JSON:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.set()
        return {}

    async def pass_on(what: str, context: Context) -> JSON:
        return await context.bus.request("bottom", Work(what), header=context.header)

    await wire.peer("bottom", Worker(sleep))
    await wire.peer("middle", Worker(pass_on))
    top = await wire.peer("top")
    task = asyncio.ensure_future(top.request("middle", Work("x")))
    await asyncio.wait_for(begun.wait(), 5)
    task.cancel()
    await asyncio.wait_for(cancelled.wait(), 5)
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_message_that_comes_after_its_deadline_is_not_run(wire: Wire) -> None:
    worker = Worker(echo)
    await wire.peer("middle", worker)
    channel = await channel_to(wire, "top", "middle")
    late = Envelope(new_id(), Address("top"), Address("middle"), Work.kind, {"what": "x"}, Header(deadline=0.0))
    with pytest.raises(AuraError) as caught:
        await channel.call(late, None, None)
    assert code_of(caught) == "deadline_exceeded"
    assert worker.seen == []


async def test_stopping_lets_work_under_way_end(wire: Wire) -> None:
    begun = asyncio.Event()

    async def work(what: str, context: Context) -> JSON:
        begun.set()
        await asyncio.sleep(0.05)
        return {"said": what}

    middle = await wire.peer("middle", Worker(work))
    top = await wire.peer("top")
    waiting = asyncio.ensure_future(top.request("middle", Work("x")))
    await asyncio.wait_for(begun.wait(), 5)
    await middle.stop(drain_s=5)
    assert await waiting == {"said": "x"}


async def test_stopping_with_no_time_left_cancels_and_says_so(wire: Wire) -> None:
    begun = asyncio.Event()

    async def work(what: str, context: Context) -> JSON:
        begun.set()
        await asyncio.sleep(60)
        return {}

    middle = await wire.peer("middle", Worker(work))
    top = await wire.peer("top")
    waiting = asyncio.ensure_future(top.request("middle", Work("x")))
    await asyncio.wait_for(begun.wait(), 5)
    await middle.stop(drain_s=0.01)
    with pytest.raises(AuraError) as caught:
        await waiting
    assert code_of(caught) in ("stopping", "outcome_unknown")


async def test_work_in_a_thread_that_the_ending_process_refuses_says_that_it_is_stopping(wire: Wire) -> None:
    threads = ThreadPoolExecutor(1)
    threads.shutdown()

    async def in_a_thread(what: str, context: Context) -> JSON:
        return await asyncio.get_running_loop().run_in_executor(threads, dict)

    await wire.peer("middle", Worker(in_a_thread))
    top = await wire.peer("top")
    with pytest.raises(AuraError) as caught:
        await top.request("middle", Work("x"))
    assert code_of(caught) == "stopping"
    assert (caught.value.retryable, caught.value.failure.outcome) == (True, "unknown")


async def test_while_an_actor_drains_new_work_is_refused(wire: Wire) -> None:
    begun, release = asyncio.Event(), asyncio.Event()

    async def work(what: str, context: Context) -> JSON:
        begun.set()
        await release.wait()
        return {"said": what}

    middle = await wire.peer("middle", Worker(work))
    top = await wire.peer("top")
    first = asyncio.ensure_future(top.request("middle", Work("x")))
    await asyncio.wait_for(begun.wait(), 5)
    stopping = asyncio.ensure_future(middle.stop(drain_s=5))
    await until(lambda: middle._service._stopping)
    with pytest.raises(AuraError) as caught:
        await top.request("middle", Work("y"), patience_s=0.0)
    assert code_of(caught) == "stopping"
    release.set()
    assert await first == {"said": "x"}
    await stopping
