"""The promises of the bus, on every transport."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from aura_ia_mcp.bus.address import Address, Endpoint
from aura_ia_mcp.bus.bus import Bus, Context, handles
from aura_ia_mcp.bus.envelope import MAX_DEPTH, MAX_HOPS, Envelope, Header, Principal, new_id
from aura_ia_mcp.bus.errors import AuraError, RefusedError
from aura_ia_mcp.bus.frames import Op, pack, unpack
from aura_ia_mcp.bus.handshake import CallerHandshake, Identity, _proof
from aura_ia_mcp.bus.keys import EdgeKeys, new_root
from aura_ia_mcp.bus.limits import Limits
from aura_ia_mcp.bus.link import Link
from aura_ia_mcp.bus.messages import JSON, CallTool, CatalogueChanged, Message, Ping, Report, Subscribe, message
from aura_ia_mcp.bus.outgoing import LinkLostError, Outgoing

from .conftest import EDGES, Wire


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


async def test_a_request_is_answered(wire: Wire) -> None:
    await wire.peer("middle", Worker(echo))
    top = await wire.peer("top")
    assert await top.request("middle", Work("hello")) == {"said": "hello"}


async def test_who_asks_reaches_the_handler_with_the_remaining_deadline(wire: Wire) -> None:
    worker = Worker(echo)
    await wire.peer("middle", worker)
    top = await wire.peer("top")
    principal = Principal("ada", "human", "lab", ("operator",))
    header = Header(principal, session="s1", trace="00-1-2-01", deadline=time.monotonic() + 3, tokens={"middle": b"t"})
    await top.request("middle", Work("x"), header=header)
    seen = worker.seen[0]
    assert seen.header.principal == principal
    assert (seen.header.session, seen.header.trace, seen.header.tokens) == ("s1", "00-1-2-01", {"middle": b"t"})
    assert 0 < seen.header.remaining_s <= 3
    assert seen.source == Address("top")


async def test_what_a_message_causes_names_it_and_is_one_hop_further(wire: Wire) -> None:
    async def pass_on(what: str, context: Context) -> JSON:
        return await context.bus.request("bottom", Work(what), header=context.header)

    last, middle = Worker(echo), Worker(pass_on)
    await wire.peer("bottom", last)
    await wire.peer("middle", middle)
    top = await wire.peer("top")
    assert await top.request("middle", Work("down")) == {"said": "down"}
    assert last.seen[0].header.cause == middle.seen[0].id
    assert last.seen[0].header.hops == middle.seen[0].header.hops + 1


async def test_many_requests_at_once_get_their_own_answers(wire: Wire) -> None:
    await wire.peer("middle", Worker(echo))
    top = await wire.peer("top")
    answers = await asyncio.gather(*(top.request("middle", Work(str(n))) for n in range(200)))
    assert [answer["said"] for answer in answers] == [str(n) for n in range(200)]


async def test_a_handlers_error_reaches_the_caller_as_data(wire: Wire) -> None:
    async def refuse(what: str, context: Context) -> JSON:
        raise AuraError("rate_limited", "slow down", retry_after_s=2.5)

    await wire.peer("middle", Worker(refuse))
    top = await wire.peer("top")
    with pytest.raises(AuraError, match="slow down") as caught:
        await top.request("middle", Work("x"))
    assert caught.value.failure.retry_after_s == 2.5
    assert caught.value.failure.outcome == "not_run"


async def test_a_fault_in_a_handler_is_told_without_its_trace(wire: Wire) -> None:
    async def fail(what: str, context: Context) -> JSON:
        raise KeyError("secret detail")

    await wire.peer("middle", Worker(fail))
    top = await wire.peer("top")
    with pytest.raises(AuraError) as caught:
        await top.request("middle", Work("x"))
    assert code_of(caught) == "handler_failed"
    assert "secret detail" not in str(caught.value)


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
        await top.request("middle", Work("x"), header=Header(deadline=time.monotonic() + 0.2))
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


async def test_an_undeclared_edge_is_refused_before_anything_is_sent(wire: Wire) -> None:
    worker = Worker(echo)
    await wire.peer("bottom", worker)
    top = await wire.peer("top")
    with pytest.raises(AuraError) as caught:
        await top.request("bottom", Work("x"))
    assert code_of(caught) == "undeclared_edge"
    assert worker.seen == []


async def test_an_edge_that_only_the_caller_declares_is_refused_and_audited(wire: Wire) -> None:
    worker = Worker(echo)
    await wire.peer("bottom", worker)
    keys = wire.keys("top", EDGES | {("top", "bottom")})
    top = await wire.peer("top", keys=keys)
    with pytest.raises(AuraError) as caught:
        await top.request("bottom", Work("x"))
    assert code_of(caught) == "undeclared_edge"
    assert worker.seen == []
    assert wire.refused[0][0] == "undeclared_edge"


async def test_a_foreign_process_without_the_key_is_refused_and_audited(wire: Wire) -> None:
    worker = Worker(echo)
    await wire.peer("middle", worker)
    foreign = await wire.peer("top", keys=EdgeKeys.of("top", new_root(), EDGES))
    with pytest.raises(AuraError) as caught:
        await foreign.request("middle", Work("x"))
    assert code_of(caught) == "foreign_peer"
    assert worker.seen == []


async def test_a_caller_that_skips_the_callees_proof_is_still_asked_for_its_own(wire: Wire) -> None:
    worker = Worker(echo)
    await wire.peer("middle", worker)
    link, frames = await _raw_link(wire, "middle")
    envelope = Envelope(new_id(), Address("top"), Address("middle"), Work.kind, {"what": "x"}, Header())
    link.write(pack(Op.REQUEST, 1, envelope.pack()))
    await asyncio.wait_for(frames.closed.wait(), 5)
    assert worker.seen == []
    assert wire.refused[0][0] == "foreign_peer"


async def test_a_caller_that_ignores_the_callees_proof_and_forges_its_own_is_refused(wire: Wire) -> None:
    worker = Worker(echo)
    await wire.peer("middle", worker)
    link, frames = await _raw_link(wire, "middle")
    keys = EdgeKeys.of("top", new_root(), EDGES)
    link.write(CallerHandshake(Identity(Address("top"), 1000), Address("middle"), 0, keys).hello())
    link.write(pack(Op.PROOF, b"\0" * 32))
    await asyncio.wait_for(frames.closed.wait(), 5)
    assert worker.seen == []
    assert wire.refused[0][0] == "foreign_peer"


async def test_a_spoofed_source_is_refused_audited_and_cut_off(wire: Wire) -> None:
    worker = Worker(echo)
    await wire.peer("middle", worker)
    channel = await _channel(wire, "top", "middle")
    forged = Envelope(new_id(), Address("bottom"), Address("middle"), Work.kind, {"what": "x"}, Header())
    with pytest.raises(LinkLostError):
        await asyncio.wait_for(channel.call(forged, None, None), 5)
    assert worker.seen == []
    assert wire.refused[0][0] == "spoofed_source"
    assert not channel.alive


async def test_a_caller_with_the_key_of_another_edge_is_refused_and_audited(wire: Wire) -> None:
    worker = Worker(echo)
    await wire.peer("middle", worker)
    other = wire.keys("top").get("top", "directory")
    assert other is not None
    link, frames = await _raw_link(wire, "middle")
    mine = CallerHandshake(
        Identity(Address("top"), 1000), Address("middle"), 0, EdgeKeys("top", {("top", "middle"): other})
    )
    link.write(mine.hello())
    await until(lambda: len(frames.frames) == 1)
    with pytest.raises(AuraError, match="could not prove"):  # nor is it sure whom it speaks with
        mine.prove(unpack(frames.frames[0]))
    link.write(pack(Op.PROOF, _proof(other, "caller", unpack(mine.hello())[1:], *unpack(frames.frames[0])[1:3])))
    await asyncio.wait_for(frames.closed.wait(), 5)
    assert worker.seen == []
    assert [event for event, _ in wire.refused] == ["foreign_peer"]


async def test_a_replayed_handshake_is_refused_and_audited(wire: Wire) -> None:
    worker = Worker(echo)
    await wire.peer("middle", worker)
    link, frames = await _raw_link(wire, "middle")
    said = await _prove(wire, link, frames)
    again, heard = await _raw_link(wire, "middle")
    envelope = Envelope(new_id(), Address("top"), Address("middle"), Work.kind, {"what": "x"}, Header())
    for frame in (*said, pack(Op.REQUEST, 1, envelope.pack())):
        again.write(frame)
    await asyncio.wait_for(heard.closed.wait(), 5)
    assert worker.seen == []
    assert [event for event, _ in wire.refused] == ["foreign_peer"]


async def test_nobody_proves_one_name_and_takes_another(wire: Wire) -> None:
    worker = Worker(echo)
    await wire.peer("middle", worker)
    link, frames = await _raw_link(wire, "middle")
    mine = CallerHandshake(Identity(Address("top"), 1000), Address("middle"), 0, wire.keys("top"))
    link.write(mine.hello())
    await until(lambda: len(frames.frames) == 1)
    envelope = Envelope(new_id(), Address("bottom"), Address("middle"), Work.kind, {"what": "x"}, Header())
    link.write(pack(Op.HELLO, 1, "bottom/0", 1000, "middle/0", 0, b"n" * 16))
    link.write(mine.prove(unpack(frames.frames[0])))
    link.write(pack(Op.SEND, envelope.pack()))
    await asyncio.wait_for(frames.closed.wait(), 5)
    assert worker.seen == []
    assert [event for event, _ in wire.refused] == ["malformed"]


async def test_what_comes_after_a_refusal_is_not_heard(wire: Wire) -> None:
    worker = Worker(echo)
    await wire.peer("middle", worker)
    link, frames = await _raw_link(wire, "middle")
    await _prove(wire, link, frames)
    for source in ("bottom", "top"):
        envelope = Envelope(new_id(), Address(source), Address("middle"), Work.kind, {"what": "x"}, Header())
        link.write(pack(Op.SEND, envelope.pack()))
    await asyncio.wait_for(frames.closed.wait(), 5)
    assert worker.seen == []
    assert [event for event, _ in wire.refused] == ["spoofed_source"]


async def test_a_message_that_a_handler_refuses_for_its_claims_is_told_once(wire: Wire) -> None:
    async def refuse(what: str, context: Context) -> JSON:
        raise RefusedError("invalid_token", f"no token for {what}")

    async def pass_on(what: str, context: Context) -> JSON:
        return await context.bus.request("bottom", Work(what), header=context.header)

    await wire.peer("bottom", Worker(refuse))
    await wire.peer("middle", Worker(pass_on))
    top = await wire.peer("top")
    with pytest.raises(AuraError) as caught:
        await top.request("middle", Work("x"), header=Header(principal=Principal("ada")))
    assert code_of(caught) == "invalid_token"
    ((event, details),) = wire.refused
    assert event == "invalid_token"
    assert details.pop("call")
    assert details == {
        "at": "bottom/0",
        "claimed": "middle/0",
        "message": "no token for x",
        "asked": "test.work",
        "on_behalf_of": "local/ada",
    }


async def test_an_envelope_for_somebody_else_is_refused(wire: Wire) -> None:
    await wire.peer("middle", Worker(echo))
    channel = await _channel(wire, "top", "middle")
    stray = Envelope(new_id(), Address("top"), Address("bottom"), Work.kind, {"what": "x"}, Header())
    with pytest.raises(AuraError) as caught:
        await asyncio.wait_for(channel.call(stray, None, None), 5)
    assert code_of(caught) == "malformed"
    assert [event for event, _ in wire.refused] == ["malformed"]


async def test_a_callee_with_another_epoch_than_expected_is_refused(wire: Wire) -> None:
    await wire.peer("middle", Worker(echo))
    known = await wire.resolver.resolve(Address("middle"))
    assert known is not None
    wire.resolver.set(replace(known, epoch=known.epoch - 1))
    top = await wire.peer("top")
    with pytest.raises(AuraError) as caught:
        await top.request("middle", Work("x"), patience_s=0.0)
    assert code_of(caught) == "not_delivered"
    assert wire.refused[0][0] == "stale_epoch"


async def test_a_caller_of_an_earlier_life_is_refused(wire: Wire) -> None:
    await wire.peer("middle", Worker(echo))
    old = await wire.peer("top", epoch=5, listen=False)
    new = await wire.peer("top", epoch=6, listen=False)
    assert await new.request("middle", Work("x"))
    with pytest.raises(AuraError) as caught:
        await old.request("middle", Work("x"), patience_s=0.0)
    assert code_of(caught) == "not_delivered"
    assert wire.refused[0][0] == "stale_epoch"


async def test_an_unregistered_caller_is_refused(wire: Wire) -> None:
    await wire.peer("middle", Worker(echo))
    nobody = await wire.peer("top", epoch=0, listen=False)
    with pytest.raises(AuraError):
        await nobody.request("middle", Work("x"), patience_s=0.0)
    assert wire.refused[0][0] == "stale_epoch"


async def test_a_message_over_the_bound_is_refused_by_its_sender(wire: Wire) -> None:
    await wire.peer("middle", Worker(echo))
    top = await wire.peer("top", limits=Limits(max_frame_bytes=10_000))
    with pytest.raises(AuraError) as caught:
        await top.request("middle", Work("x" * 20_000))
    assert code_of(caught) == "too_large"


async def test_an_answer_over_the_bound_becomes_an_error(wire: Wire) -> None:
    async def much(what: str, context: Context) -> JSON:
        return {"text": "x" * 20_000}

    await wire.peer("middle", Worker(much), limits=Limits(max_frame_bytes=10_000))
    top = await wire.peer("top")
    with pytest.raises(AuraError) as caught:
        await top.request("middle", Work("x"))
    assert code_of(caught) == "too_large"


@pytest.mark.parametrize("value", [2**63, {"a": [[]]}, "\ud800", "\x00é🙂", 1e308, None])
async def test_any_json_value_passes(wire: Wire, value: object) -> None:
    async def give_back(what: str, context: Context) -> JSON:
        return {"said": what}

    await wire.peer("middle", Worker(give_back))
    top = await wire.peer("top")
    assert await top.request("middle", Work(value)) == {"said": value}  # type: ignore[arg-type]


async def test_an_integer_that_cannot_be_carried_is_refused_clearly(wire: Wire) -> None:
    await wire.peer("middle", Worker(echo))
    top = await wire.peer("top")
    with pytest.raises(AuraError) as caught:
        await top.request("middle", Work(2**70))  # type: ignore[arg-type]
    assert code_of(caught) == "invalid_arguments"


async def test_an_unknown_kind_and_a_missing_member_are_said(wire: Wire) -> None:
    await wire.peer("middle", Worker(echo))
    top = await wire.peer("top")
    with pytest.raises(AuraError) as caught:
        await top.request("middle", Report("x", {}))
    assert code_of(caught) == "unknown_message"
    channel = await _channel(wire, "top", "middle", epoch=10_000)
    lacking = Envelope(new_id(), Address("top"), Address("middle"), Work.kind, {}, Header())
    with pytest.raises(AuraError) as caught:
        await channel.call(lacking, None, None)
    assert code_of(caught) == "malformed"


async def test_members_of_a_newer_minor_version_are_ignored(wire: Wire) -> None:
    await wire.peer("middle", Worker(echo))
    channel = await _channel(wire, "top", "middle")
    newer = Envelope(new_id(), Address("top"), Address("middle"), Work.kind, {"what": "x", "colour": "blue"}, Header())
    assert await channel.call(newer, None, None) == {"said": "x"}


async def test_subscribers_get_the_retained_event_and_then_each_new_one(wire: Wire) -> None:
    middle = await wire.peer("middle", Worker(echo))
    top = await wire.peer("top")
    middle.publish("catalogue", CatalogueChanged("tools", "v1"))
    stream = top.stream("middle", Subscribe("catalogue"))
    assert (await anext(stream))["payload"]["version"] == "v1"
    middle.publish("catalogue", CatalogueChanged("tools", "v2"))
    assert (await anext(stream))["payload"]["version"] == "v2"
    await stream.aclose()  # type: ignore[attr-defined]


async def test_every_peer_answers_a_ping_with_its_figures(wire: Wire) -> None:
    await wire.peer("middle", Worker(echo))
    top = await wire.peer("top")
    await top.request("middle", Work("x"))
    figures = await top.request("middle", Ping())
    assert figures["address"] == "middle/0"
    assert figures["handled"] >= 1
    assert figures["p50_ms"] is not None


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


async def test_a_privileged_message_type_says_so() -> None:
    assert CallTool.privileged
    assert not Ping.privileged


async def test_a_message_that_went_through_too_many_actors_is_refused(wire: Wire) -> None:
    worker = Worker(echo)
    await wire.peer("middle", worker)
    top = await wire.peer("top")
    for header in (Header(hops=MAX_HOPS + 1), Header(depth=MAX_DEPTH + 1)):
        with pytest.raises(AuraError) as caught:
            await top.request("middle", Work("x"), header=header)
        assert code_of(caught) == "malformed"
    assert await top.request("middle", Work("x"), header=Header(hops=MAX_HOPS, depth=MAX_DEPTH))


async def test_a_message_that_comes_after_its_deadline_is_not_run(wire: Wire) -> None:
    worker = Worker(echo)
    await wire.peer("middle", worker)
    channel = await _channel(wire, "top", "middle")
    late = Envelope(new_id(), Address("top"), Address("middle"), Work.kind, {"what": "x"}, Header(deadline=0.0))
    with pytest.raises(AuraError) as caught:
        await channel.call(late, None, None)
    assert code_of(caught) == "deadline_exceeded"
    assert worker.seen == []


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


async def test_connections_over_the_bound_are_closed_at_once(wire: Wire) -> None:
    await wire.peer("middle", Worker(echo), limits=Limits(connections=2))
    links = [await _raw_link(wire, "middle") for _ in range(3)]
    await asyncio.wait_for(links[2][1].closed.wait(), 5)
    assert not links[0][1].closed.is_set()


async def test_a_connection_that_proves_nothing_is_closed_in_time(wire: Wire) -> None:
    await wire.peer("middle", Worker(echo), limits=Limits(handshake_s=0.05))
    _, frames = await _raw_link(wire, "middle")
    await asyncio.wait_for(frames.closed.wait(), 5)


async def test_another_version_of_the_bus_is_refused_by_name(wire: Wire) -> None:
    await wire.peer("middle", Worker(echo))
    link, frames = await _raw_link(wire, "middle")
    link.write(pack(Op.HELLO, 99, "top/0", 1000, "middle/0", 0, b"n" * 16))
    await asyncio.wait_for(frames.closed.wait(), 5)
    assert wire.refused[0][0] == "incompatible_version"


async def test_bytes_that_are_no_frame_end_the_connection(wire: Wire) -> None:
    await wire.peer("middle", Worker(echo))
    link, frames = await _raw_link(wire, "middle")
    link.write(b"\xc1 nonsense")
    await asyncio.wait_for(frames.closed.wait(), 5)
    assert wire.refused[0][0] == "malformed"


class _Frames:
    def __init__(self) -> None:
        self.closed = asyncio.Event()
        self.frames: list[bytes] = []

    def on_frame(self, frame: bytes) -> None:
        self.frames.append(frame)

    def on_closed(self, why: str) -> None:
        self.closed.set()


async def _raw_link(wire: Wire, target: str) -> tuple[Link, _Frames]:
    endpoint = await wire.resolver.resolve(Address.parse(target))
    assert isinstance(endpoint, Endpoint)
    link = await wire.make_transport().connect(endpoint.uri)
    frames = _Frames()
    link.attach(frames)
    return link, frames


async def _prove(wire: Wire, link: Link, frames: _Frames) -> list[bytes]:
    """Be admitted as `top`; what was said for that."""
    mine = CallerHandshake(Identity(Address("top"), 1000), Address("middle"), 0, wire.keys("top"))
    link.write(mine.hello())
    await until(lambda: len(frames.frames) == 1)
    proof = mine.prove(unpack(frames.frames[0]))
    link.write(proof)
    await until(lambda: len(frames.frames) == 2)
    return [mine.hello(), proof]


async def _channel(wire: Wire, source: str, target: str, epoch: int = 1000) -> Outgoing:
    endpoint = await wire.resolver.resolve(Address.parse(target))
    assert isinstance(endpoint, Endpoint)
    link = await wire.make_transport().connect(endpoint.uri)
    me = Identity(Address.parse(source), epoch)
    handshake = CallerHandshake(me, Address.parse(target), endpoint.epoch, wire.keys(me.address.role))
    channel = Outgoing(link, Address.parse(target), handshake, 1_000_000)
    await channel.ready(5)
    return channel
