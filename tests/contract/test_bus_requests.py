"""The bus's promises about a request and its answer, on every transport."""

from __future__ import annotations

import asyncio
import time

import pytest

from aura_ia_mcp.bus.address import Address
from aura_ia_mcp.bus.bus import Context
from aura_ia_mcp.bus.envelope import MAX_DEPTH, MAX_HOPS, Envelope, Header, Principal, new_id
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.limits import Limits
from aura_ia_mcp.bus.messages import JSON, CallTool, Ping, Report

from .conftest import Wire
from .workers import Work, Worker, channel_to, code_of, echo


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
    channel = await channel_to(wire, "top", "middle", epoch=10_000)
    lacking = Envelope(new_id(), Address("top"), Address("middle"), Work.kind, {}, Header())
    with pytest.raises(AuraError) as caught:
        await channel.call(lacking, None, None)
    assert code_of(caught) == "malformed"


async def test_members_of_a_newer_minor_version_are_ignored(wire: Wire) -> None:
    await wire.peer("middle", Worker(echo))
    channel = await channel_to(wire, "top", "middle")
    newer = Envelope(new_id(), Address("top"), Address("middle"), Work.kind, {"what": "x", "colour": "blue"}, Header())
    assert await channel.call(newer, None, None) == {"said": "x"}


async def test_every_peer_answers_a_ping_with_its_figures(wire: Wire) -> None:
    await wire.peer("middle", Worker(echo))
    top = await wire.peer("top")
    await top.request("middle", Work("x"))
    figures = await top.request("middle", Ping())
    assert figures["address"] == "middle/0"
    assert figures["handled"] >= 1
    assert figures["p50_ms"] is not None


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
