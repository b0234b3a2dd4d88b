"""The bus's promises about what isn't delivered, or comes twice, on every transport."""

from __future__ import annotations

import asyncio
import time

import pytest

from aura_ia_mcp.bus.bus import Context
from aura_ia_mcp.bus.envelope import Header, Principal
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.limits import Limits
from aura_ia_mcp.bus.messages import JSON

from .conftest import Wire
from .workers import SafeWork, Work, Worker, code_of, echo, until


async def test_a_full_mailbox_refuses_at_once_and_keeps_the_label(wire: Wire) -> None:
    release = asyncio.Event()

    async def wait(what: str, context: Context) -> JSON:
        await release.wait()
        return {}

    middle = await wire.peer("middle", Worker(wait), limits=Limits(mailbox=2))
    top = await wire.peer("top")
    first = [asyncio.ensure_future(top.request("middle", Work("x"))) for _ in range(2)]
    await until(lambda: middle.stats()["mailbox"] == 2)
    with pytest.raises(AuraError) as caught:
        await top.request("middle", Work("x"))
    assert code_of(caught) == "mailbox_full"
    assert caught.value.failure.retry_after_s is not None
    assert [letter.reason for letter in middle.dead_letters.list()] == ["mailbox_full"]
    release.set()
    await asyncio.gather(*first)


async def test_nobody_there_is_said_as_not_delivered_within_the_patience(wire: Wire) -> None:
    top = await wire.peer("top")
    began = time.monotonic()
    with pytest.raises(AuraError) as caught:
        await top.request("middle", Work("x"), patience_s=0.1)
    assert code_of(caught) == "not_delivered"
    assert caught.value.failure.outcome == "not_run"
    assert time.monotonic() - began < 5
    assert top.dead_letters.counts["not_delivered"] == 1


async def test_a_caller_waits_for_an_address_that_is_being_restarted(wire: Wire) -> None:
    top = await wire.peer("top")
    waiting = asyncio.ensure_future(top.request("middle", Work("x"), patience_s=5))
    await asyncio.sleep(0)
    await wire.peer("middle", Worker(echo))
    assert await waiting == {"said": "x"}


async def test_work_lost_with_its_actor_is_said_as_unknown(wire: Wire) -> None:
    begun = asyncio.Event()

    async def sleep(what: str, context: Context) -> JSON:
        begun.set()
        await asyncio.sleep(60)
        return {}

    middle = await wire.peer("middle", Worker(sleep))
    top = await wire.peer("top")
    waiting = asyncio.ensure_future(top.request("middle", Work("x")))
    await asyncio.wait_for(begun.wait(), 5)
    for incoming in list(middle._incoming):
        incoming.link.close()
    with pytest.raises(AuraError) as caught:
        await waiting
    assert code_of(caught) == "outcome_unknown"


async def test_idempotent_work_is_sent_again_and_done_once(wire: Wire) -> None:
    begun, release = asyncio.Event(), asyncio.Event()

    async def wait(what: str, context: Context) -> JSON:
        begun.set()
        await release.wait()
        return {"said": what}

    worker = Worker(wait)
    middle = await wire.peer("middle", worker)
    top = await wire.peer("top")
    waiting = asyncio.ensure_future(top.request("middle", SafeWork("x")))
    await asyncio.wait_for(begun.wait(), 5)
    for incoming in list(middle._incoming):
        incoming.link.close()
    await until(lambda: any(incoming.peer for incoming in middle._incoming))
    release.set()
    assert await waiting == {"said": "x"}
    assert len(worker.seen) == 1


async def test_a_message_that_comes_twice_with_one_key_is_handled_once(wire: Wire) -> None:
    worker = Worker(echo)
    await wire.peer("middle", worker)
    top = await wire.peer("top")
    first = await top.request("middle", Work("x"), key="k1")
    assert await top.request("middle", Work("x"), key="k1") == first
    await top.request("middle", Work("x"), key="k2")
    assert [seen.key for seen in worker.seen] == ["k1", "k2"]


async def test_a_key_belongs_to_its_principal(wire: Wire) -> None:
    worker = Worker(echo)
    await wire.peer("middle", worker)
    top = await wire.peer("top")
    for name in ("ada", "bob"):
        await top.request("middle", Work(name), key="same", header=Header(Principal(name)))
    assert len(worker.seen) == 2
