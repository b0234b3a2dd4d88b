"""The bus's promises about who may speak to whom, and as whom, on every transport."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from aura_ia_mcp.bus.address import Address, Endpoint
from aura_ia_mcp.bus.bus import Context
from aura_ia_mcp.bus.envelope import Envelope, Header, Principal, new_id
from aura_ia_mcp.bus.errors import AuraError, RefusedError
from aura_ia_mcp.bus.frames import Op, pack, unpack
from aura_ia_mcp.bus.handshake import CallerHandshake, Identity, _proof
from aura_ia_mcp.bus.keys import EdgeKeys, new_root
from aura_ia_mcp.bus.limits import Limits
from aura_ia_mcp.bus.link import Link
from aura_ia_mcp.bus.messages import JSON
from aura_ia_mcp.bus.outgoing import LinkLostError

from .conftest import EDGES, Wire
from .workers import Work, Worker, channel_to, code_of, echo, until


class Frames:
    def __init__(self) -> None:
        self.closed = asyncio.Event()
        self.frames: list[bytes] = []

    def on_frame(self, frame: bytes) -> None:
        self.frames.append(frame)

    def on_closed(self, why: str) -> None:
        self.closed.set()


async def raw_link(wire: Wire, target: str) -> tuple[Link, Frames]:
    endpoint = await wire.resolver.resolve(Address.parse(target))
    assert isinstance(endpoint, Endpoint)
    link = await wire.make_transport().connect(endpoint.uri)
    frames = Frames()
    link.attach(frames)
    return link, frames


async def prove(wire: Wire, link: Link, frames: Frames) -> list[bytes]:
    """Be admitted as `top`; what was said for that."""
    mine = CallerHandshake(Identity(Address("top"), 1000), Address("middle"), 0, wire.keys("top"))
    link.write(mine.hello())
    await until(lambda: len(frames.frames) == 1)
    proof = mine.prove(unpack(frames.frames[0]))
    link.write(proof)
    await until(lambda: len(frames.frames) == 2)
    return [mine.hello(), proof]


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
    link, frames = await raw_link(wire, "middle")
    envelope = Envelope(new_id(), Address("top"), Address("middle"), Work.kind, {"what": "x"}, Header())
    link.write(pack(Op.REQUEST, 1, envelope.pack()))
    await asyncio.wait_for(frames.closed.wait(), 5)
    assert worker.seen == []
    assert wire.refused[0][0] == "foreign_peer"


async def test_a_caller_that_ignores_the_callees_proof_and_forges_its_own_is_refused(wire: Wire) -> None:
    worker = Worker(echo)
    await wire.peer("middle", worker)
    link, frames = await raw_link(wire, "middle")
    keys = EdgeKeys.of("top", new_root(), EDGES)
    link.write(CallerHandshake(Identity(Address("top"), 1000), Address("middle"), 0, keys).hello())
    link.write(pack(Op.PROOF, b"\0" * 32))
    await asyncio.wait_for(frames.closed.wait(), 5)
    assert worker.seen == []
    assert wire.refused[0][0] == "foreign_peer"


async def test_a_spoofed_source_is_refused_audited_and_cut_off(wire: Wire) -> None:
    worker = Worker(echo)
    await wire.peer("middle", worker)
    channel = await channel_to(wire, "top", "middle")
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
    link, frames = await raw_link(wire, "middle")
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
    link, frames = await raw_link(wire, "middle")
    said = await prove(wire, link, frames)
    again, heard = await raw_link(wire, "middle")
    envelope = Envelope(new_id(), Address("top"), Address("middle"), Work.kind, {"what": "x"}, Header())
    for frame in (*said, pack(Op.REQUEST, 1, envelope.pack())):
        again.write(frame)
    await asyncio.wait_for(heard.closed.wait(), 5)
    assert worker.seen == []
    assert [event for event, _ in wire.refused] == ["foreign_peer"]


async def test_nobody_proves_one_name_and_takes_another(wire: Wire) -> None:
    worker = Worker(echo)
    await wire.peer("middle", worker)
    link, frames = await raw_link(wire, "middle")
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
    link, frames = await raw_link(wire, "middle")
    await prove(wire, link, frames)
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
    channel = await channel_to(wire, "top", "middle")
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


async def test_connections_over_the_bound_are_closed_at_once(wire: Wire) -> None:
    await wire.peer("middle", Worker(echo), limits=Limits(connections=2))
    links = [await raw_link(wire, "middle") for _ in range(3)]
    await asyncio.wait_for(links[2][1].closed.wait(), 5)
    assert not links[0][1].closed.is_set()


async def test_a_connection_that_proves_nothing_is_closed_in_time(wire: Wire) -> None:
    await wire.peer("middle", Worker(echo), limits=Limits(handshake_s=0.05))
    _, frames = await raw_link(wire, "middle")
    await asyncio.wait_for(frames.closed.wait(), 5)


async def test_another_version_of_the_bus_is_refused_by_name(wire: Wire) -> None:
    await wire.peer("middle", Worker(echo))
    link, frames = await raw_link(wire, "middle")
    link.write(pack(Op.HELLO, 99, "top/0", 1000, "middle/0", 0, b"n" * 16))
    await asyncio.wait_for(frames.closed.wait(), 5)
    assert wire.refused[0][0] == "incompatible_version"


async def test_bytes_that_are_no_frame_end_the_connection(wire: Wire) -> None:
    await wire.peer("middle", Worker(echo))
    link, frames = await raw_link(wire, "middle")
    link.write(b"\xc1 nonsense")
    await asyncio.wait_for(frames.closed.wait(), 5)
    assert wire.refused[0][0] == "malformed"
