"""What a client's own user confirms, where the client is asked by an answer and comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from aura_ia_mcp.actors.safety import Safety
from aura_ia_mcp.actors.sealed_state import MOST_BYTES, Continuation, Seal
from aura_ia_mcp.bus.envelope import Principal
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.keys import new_root

from ..graph import code_of
from .consenting import Made


async def test_a_modern_client_is_asked_by_an_answer_and_goes_on(made: Made) -> None:
    it = await made("confirm")
    came = await it.modern("write")
    assert came["resultType"] == "input_required"
    (question,) = came["inputRequests"].values()
    assert question["method"] == "elicitation/create"
    assert "title" not in question["params"]["requestedSchema"]
    assert came["_meta"]["aura/audit_id"]
    assert not it.fixtures.runs
    assert (await it.modern("write", came))["content"][0]["text"] == "run 1"
    assert [record["outcome"] for record in it.graph.records()] == ["input_required", "ok"]


async def test_a_continuation_is_good_for_one_run(made: Made) -> None:
    it = await made("confirm")
    came = await it.modern("write")
    await it.modern("write", came)
    assert await code_of(it.modern("write", came)) == "approval_used"
    codes = await asyncio.gather(*(code_of(it.modern("write", came)) for _ in range(4)))
    assert set(codes) == {"approval_used"}
    assert len(it.fixtures.runs) == 1


async def test_a_modern_client_whose_user_declines_leaves_it_pending(made: Made) -> None:
    it = await made("confirm")
    came = await it.modern("write")
    failure = await it.refused(it.modern("write", came, {"action": "decline"}))
    assert failure.code == "confirmation_required"
    assert (await it.seen(failure.approval_id))["status"] == "pending"


@pytest.mark.parametrize("action", ["decline", "cancel", "yes"])
async def test_a_no_spends_the_state_but_not_the_approval(made: Made, action: str) -> None:
    it = await made("confirm")
    came = await it.modern("write")
    for _ in range(2):
        failure = await it.refused(it.modern("write", came, {"action": action}))
    assert (await it.seen(failure.approval_id))["declined"] == 1
    late = await it.refused(it.modern("write", came))
    assert (late.code, late.approval_id) == ("confirmation_required", failure.approval_id)
    assert not it.fixtures.runs
    assert (await it.modern("write", await it.modern("write")))["content"], "a new question may be agreed to"


async def test_a_no_keeps_a_call_from_running_though_an_operator_agreed_meanwhile(made: Made) -> None:
    it = await made("confirm")
    came = await it.modern("write")
    (waiting,) = it.graph.records("approval_requested")
    await it.decide(waiting["approval"])
    assert await code_of(it.modern("write", came, {"action": "decline"})) == "confirmation_required"
    assert not it.fixtures.runs
    assert (await it.modern("write"))["content"], "without the state it runs on the operator's word"


async def test_a_client_that_brings_no_answer_is_asked_again(made: Made) -> None:
    it = await made("confirm")
    came = await it.modern("write")
    again = await it.modern("write", came, inputs={})
    assert again["resultType"] == "input_required"
    assert (await it.modern("write", again))["content"]


@pytest.mark.parametrize(
    "altered",
    [
        lambda state: state[:-2] + ("A" if state[-2] != "A" else "B") + state[-1],
        lambda state: state + "AAAA",
        lambda state: state + "=",
        lambda state: "aura1.",
        lambda state: "aura1.äöü",
        lambda state: state[:40],
    ],
)
async def test_an_altered_state_is_refused(made: Made, altered: Callable[[str], str]) -> None:
    it = await made("confirm")
    came = await it.modern("write")
    failure = await it.refused(it.modern("write", came | {"requestState": altered(came["requestState"])}))
    assert failure.code == "malformed"
    assert "requestState" in failure.message
    assert not it.fixtures.runs


async def test_a_state_of_another_call_or_caller_is_refused(made: Made) -> None:
    it = await made("confirm")
    came = await it.modern("write")
    for change in ({"arguments": {"n": 2}}, {"principal": Principal("token:other", roles=("guest",))}):
        assert "another call" in (await it.refused(it.modern("write", came, **change))).message
    assert "another call" in (await it.refused(it.modern("look", came))).message
    assert not it.fixtures.runs


async def test_an_answer_that_comes_too_late_is_refused(made: Made) -> None:
    it = await made("confirm", answer_within_s=0.01)
    came = await it.modern("write")
    await asyncio.sleep(0.02)
    failure = await it.refused(it.modern("write", came))
    assert failure.code == "malformed"
    assert "time to answer is over" in failure.message


async def test_a_state_that_one_safety_sealed_another_resumes(made: Made) -> None:
    it = await made("confirm")
    await it.graph.start("safety/1", Safety)
    came = await it.modern("write")
    assert (await it.modern("write", came, to="safety/1"))["content"][0]["text"] == "run 1"
    assert await code_of(it.modern("write", came)) == "approval_used"


def test_a_state_is_read_only_as_it_was_written() -> None:
    seal = Seal(new_root())
    sealed = seal.close(Continuation("a", {}, "ask", 1, "d", 0, 4e9, "x" * 2000))
    assert sealed is not None
    for other in (sealed.replace("-", "+").replace("_", "/"), sealed + "=", sealed + "==", sealed.rstrip("=") + "\n"):
        assert other != sealed
        with pytest.raises(AuraError, match="altered"):
            seal.open(other)


async def test_no_other_system_can_make_a_state() -> None:
    held = Continuation("a", {}, "ask", 1, "d", 0, 4e9)
    sealed = Seal(new_root()).close(held)
    with pytest.raises(AuraError, match="another system"):
        Seal(new_root()).open(sealed)
    root = new_root()
    assert Seal(root).open(Seal(root).close(held)) == held
    assert Seal(root).close(replace(held, state="x" * MOST_BYTES)) is None
