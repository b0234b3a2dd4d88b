"""The bus's promises about items, streams, questions, one-way messages and topics, on every transport."""

from __future__ import annotations

import asyncio

import pytest

from aura_ia_mcp.bus.bus import Context
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.limits import Limits
from aura_ia_mcp.bus.messages import JSON, CatalogueChanged, Subscribe

from .conftest import Wire
from .workers import Work, Worker, code_of, echo, until


async def test_items_come_in_order_ahead_of_the_answer(wire: Wire) -> None:
    async def count(what: str, context: Context) -> JSON:
        for n in range(20):
            await context.emit({"n": n})
        return {"done": True}

    await wire.peer("middle", Worker(count))
    top = await wire.peer("top")
    items: list[JSON] = []
    assert await top.request("middle", Work("x"), on_item=items.append) == {"done": True}
    assert [item["n"] for item in items] == list(range(20))


async def test_a_stream_gives_the_items_and_ends(wire: Wire) -> None:
    async def count(what: str, context: Context) -> JSON:
        for n in range(5):
            await context.emit({"n": n})
        return {}

    await wire.peer("middle", Worker(count))
    top = await wire.peer("top")
    assert [item["n"] async for item in top.stream("middle", Work("x"))] == [0, 1, 2, 3, 4]


async def test_leaving_a_stream_cancels_the_work(wire: Wire) -> None:
    cancelled = asyncio.Event()

    async def forever(what: str, context: Context) -> JSON:
        try:
            while True:
                await context.emit({})
                await asyncio.sleep(0.001)
        finally:
            cancelled.set()

    await wire.peer("middle", Worker(forever))
    top = await wire.peer("top")
    stream = top.stream("middle", Work("x"))
    await anext(stream)
    await stream.aclose()  # type: ignore[attr-defined]
    await asyncio.wait_for(cancelled.wait(), 5)


async def test_a_reader_that_falls_behind_gets_overflow(wire: Wire) -> None:
    flooded = asyncio.Event()

    async def flood(what: str, context: Context) -> JSON:
        try:
            for n in range(100):
                await context.emit({"n": n})
        finally:
            flooded.set()
        return {}

    await wire.peer("middle", Worker(flood))
    top = await wire.peer("top", limits=Limits(stream_items=10))

    async def read_on_after_the_flood() -> None:
        async for _ in top.stream("middle", Work("x")):
            await flooded.wait()

    with pytest.raises(AuraError) as caught:
        await asyncio.wait_for(read_on_after_the_flood(), 10)
    assert code_of(caught) == "overflow"


async def test_a_callee_can_ask_back_along_the_open_request(wire: Wire) -> None:
    async def consult(what: str, context: Context) -> JSON:
        return {"heard": await context.ask({"method": "colour?"})}

    async def answer(question: JSON) -> JSON:
        return {"to": question["method"], "is": "blue"}

    await wire.peer("middle", Worker(consult))
    top = await wire.peer("top")
    assert await top.request("middle", Work("x"), on_ask=answer) == {"heard": {"to": "colour?", "is": "blue"}}


async def test_a_caller_that_takes_no_questions_says_so(wire: Wire) -> None:
    async def consult(what: str, context: Context) -> JSON:
        return await context.ask({"method": "colour?"})

    await wire.peer("middle", Worker(consult))
    top = await wire.peer("top")
    with pytest.raises(AuraError) as caught:
        await top.request("middle", Work("x"))
    assert code_of(caught) == "unavailable"


async def test_a_one_way_message_is_handled(wire: Wire) -> None:
    done = asyncio.Event()

    async def note(what: str, context: Context) -> JSON:
        done.set()
        return {}

    await wire.peer("middle", Worker(note))
    top = await wire.peer("top")
    await top.send("middle", Work("x"))
    await asyncio.wait_for(done.wait(), 5)


async def test_subscribers_get_the_retained_event_and_then_each_new_one(wire: Wire) -> None:
    middle = await wire.peer("middle", Worker(echo))
    top = await wire.peer("top")
    middle.publish("catalogue", CatalogueChanged("tools", "v1"))
    stream = top.stream("middle", Subscribe("catalogue"))
    assert (await anext(stream))["payload"]["version"] == "v1"
    middle.publish("catalogue", CatalogueChanged("tools", "v2"))
    assert (await anext(stream))["payload"]["version"] == "v2"
    await stream.aclose()  # type: ignore[attr-defined]


async def test_a_subscriber_that_is_too_slow_loses_its_stream_and_nothing_grows(wire: Wire) -> None:
    middle = await wire.peer("middle", Worker(echo), limits=Limits(stream_items=3))
    top = await wire.peer("top")
    stream = top.stream("middle", Subscribe("catalogue"))
    first = asyncio.ensure_future(anext(stream))
    await until(lambda: bool(middle._topics._queues))
    for number in range(10):
        middle.publish("catalogue", CatalogueChanged("tools", str(number)))
    assert not middle._topics._queues
    assert (await first)["payload"]["version"] == "0"
    with pytest.raises(AuraError) as caught:
        async for _ in stream:
            pass
    assert code_of(caught) == "overflow"
