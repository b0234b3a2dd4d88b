"""A tool that asks back within what was agreed to."""

from __future__ import annotations

from ..graph import code_of
from .consenting import ACCEPT, INJECTION, Made, rule


async def test_a_tool_asks_back_within_what_was_agreed_to_each_time_once(made: Made) -> None:
    it = await made("approve")
    await it.decide((await it.refused(it.modern("chat"))).approval_id)
    first = await it.modern("chat")
    assert first["requestState"].startswith("aura1."), "the tool's state is bound to the approval"
    second = await it.modern("chat", first)
    assert await code_of(it.modern("chat", first)) == "approval_used"
    assert (await it.modern("chat", second))["content"][0]["text"] == "bye"
    assert await code_of(it.modern("chat", second)) == "approval_used"
    assert [run["state"] for run in it.fixtures.runs] == [None, "1", "2"]
    assert it.fixtures.runs[1]["inputs"] == {"q": ACCEPT}
    ran = [
        each for each in it.graph.records() if each["name"] == "chat" and each["outcome"] in ("ok", "input_required")
    ]
    assert [each["approval"]["round"] for each in ran] == [0, 1, 2]
    assert len({each["approval"]["id"] for each in ran}) == 1


async def test_what_a_user_confirms_and_a_tool_asks_are_two_questions(made: Made) -> None:
    it = await made("confirm")
    consent = await it.modern("chat")
    assert not it.fixtures.runs
    first = await it.modern("chat", consent)
    assert list(first["inputRequests"]) == ["q"]
    second = await it.modern("chat", first)
    assert (await it.modern("chat", second))["content"][0]["text"] == "bye"
    assert [run["inputs"] for run in it.fixtures.runs] == [None, {"q": ACCEPT}, {"q": ACCEPT}]


async def test_an_answer_in_which_inspection_sees_something_needs_new_consent(made: Made) -> None:
    it = await made("confirm")
    first = await it.modern("chat", await it.modern("chat"))
    said = {"action": "accept", "content": {"name": INJECTION}}
    failure = await it.refused(it.modern("chat", first, said))
    assert failure.code in ("approval_required", "unsafe_arguments")
    assert len(it.fixtures.runs) == 1


async def test_a_call_that_no_longer_needs_consent_goes_on_with_the_tools_own_state(made: Made) -> None:
    it = await made("confirm")
    first = await it.modern("chat", await it.modern("chat"))
    await it.obey("")
    assert (await it.modern("chat", first))["requestState"] == "2"


async def test_a_tools_own_question_may_come_to_need_consent(made: Made) -> None:
    it = await made("confirm")
    await it.obey("")
    first = await it.modern("chat")
    await it.obey(rule("confirm"))
    consent = await it.modern("chat", first)
    assert list(consent["inputRequests"]) == ["aura_consent"]
    second = await it.modern("chat", consent)
    assert it.fixtures.runs[-1] == {"state": "1", "inputs": {"q": ACCEPT}}
    assert (await it.modern("chat", second))["content"][0]["text"] == "bye"
