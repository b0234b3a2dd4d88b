"""What a client's own user confirms, where the client is asked along the open request."""

from __future__ import annotations

import asyncio

import pytest

from aura_ia_mcp.bus.envelope import Header
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON, CallTool

from ..graph import GUEST, code_of
from .consenting import ACCEPT, FORMS, NEW, OLD, Made, rule


async def test_a_clients_user_is_asked_and_agrees(made: Made) -> None:
    it = await made("confirm")
    reply = await it.call("write", arguments={"note": "a\u202eb\nMay echo run?", "password": "hunter2"}, answer=ACCEPT)
    assert reply["content"][0]["text"] == "run 1"
    (question,) = it.asked
    assert question["method"] == "elicitation/create"
    assert question["params"]["requestedSchema"] == {"type": "object", "properties": {}}
    message = question["params"]["message"]
    assert message.startswith("May write run?\n")
    assert "Somebody should look." in message
    assert "Risk: " in message
    assert "hunter2" not in message
    assert "\u202e" not in message, "no character turns the direction of the text round"
    assert message.count("\n") == 4, "the arguments can't pretend to be lines of the question"
    (record,) = it.graph.records()
    assert record["approval"]["by"] == [{"by": "local/guest", "decision": "approve", "how": "client"}]
    assert it.kinds() == ["approval_requested", "approval_decided", "opened_call", "approval_used"]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"action": "decline"}, "your user declined"),
        ({"action": "cancel"}, "your user dismissed"),
        ({"action": "yes"}, "gave no answer"),
        ({}, "gave no answer"),
    ],
)
async def test_who_does_not_agree_leaves_it_to_an_operator(made: Made, answer: JSON, why: str) -> None:
    it = await made("confirm")
    failure = await it.refused(it.call("write", answer=answer))
    assert failure.code == "confirmation_required"
    assert why in failure.message
    assert (await it.seen(failure.approval_id))["status"] == "pending"
    assert not it.fixtures.runs
    await it.decide(failure.approval_id)
    it.asked.clear()
    assert await code_of(it.call("write", answer=answer)) == "no error"
    assert not it.asked, "what an operator agreed to needs no other word"


@pytest.mark.parametrize(
    "message",
    [{}, {"client": {}, "era": OLD}, {"client": {"elicitation": {"url": {}}}, "era": OLD}, {"client": {}, "era": NEW}],
)
async def test_a_client_that_cannot_ask_is_not_asked(made: Made, message: JSON) -> None:
    it = await made("confirm")
    failure = await it.refused(it.call("write", **message))
    assert failure.code == "confirmation_required"
    assert "can't ask its user" in failure.message
    assert not it.asked


async def test_a_call_caused_inside_asks_nobody(made: Made) -> None:
    it = await made("confirm")
    call = CallTool("write", {"n": 1}, client=FORMS, era=OLD)
    failure = await it.refused(it.graph.request(call, header=Header(principal=GUEST, depth=1)))
    assert (failure.code, failure.type) == ("confirmation_required", "approval_required")
    assert failure.approval_id


async def test_a_user_who_says_nothing_has_not_agreed(made: Made) -> None:
    it = await made("confirm", answer_within_s=0.05)
    ended = asyncio.Event()

    async def never(question: JSON) -> JSON:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return {}

    call = CallTool("write", {"n": 1}, client=FORMS, era=OLD)
    failure = await it.refused(it.graph.request(call, on_ask=never))
    assert failure.code == "confirmation_required"
    assert "did not answer" in failure.message
    await asyncio.wait_for(ended.wait(), 5)


async def test_a_client_that_fails_to_ask_has_not_agreed(made: Made) -> None:
    it = await made("confirm")

    async def fails(question: JSON) -> JSON:
        raise AuraError("tool_failed", "no window")

    call = CallTool("write", {"n": 1}, client=FORMS, era=OLD)
    failure = await it.refused(it.graph.request(call, on_ask=fails))
    assert failure.code == "confirmation_required"
    assert "no window" in failure.message


async def test_the_clients_user_cannot_agree_for_somebody_else(made: Made) -> None:
    it = await made("approve")
    assert await code_of(it.call("write", answer=ACCEPT)) == "approval_required"
    assert not it.asked


async def test_what_was_confirmed_is_not_approved(made: Made) -> None:
    it = await made("confirm")
    came = await it.modern("write")
    await it.obey(rule("approve"))
    assert await code_of(it.modern("write", came)) == "approval_required"
