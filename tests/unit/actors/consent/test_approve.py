"""What others must approve runs once they did, and for just what they agreed to."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from aura_ia_mcp.actors.sources import ToolCall
from aura_ia_mcp.bus.envelope import Principal
from aura_ia_mcp.bus.messages import JSON, ReadResource

from ..graph import GUEST, code_of, text_result
from .consenting import ACCEPT, SECOND, Made, rule


@pytest.mark.parametrize("tool", ["write", "look"])
async def test_an_approved_call_runs_once_and_its_records_say_on_whose_word(made: Made, tool: str) -> None:
    it = await made("approve")
    held = await it.refused(it.call(tool))
    assert (held.code, held.type, held.outcome) == ("approval_required", "approval_required", "not_run")
    assert held.approval_id
    assert held.approval_id in held.message
    assert "Somebody should look." in held.message
    again = await it.refused(it.call(tool))
    assert again.approval_id == held.approval_id, "the same call waits on the same approval"
    await it.decide(held.approval_id)
    assert (await it.call(tool))["content"][0]["text"] == "run 1"
    (record,) = [each for each in it.graph.records() if each["name"] == tool and each["outcome"] == "ok"]
    assert (record["verdict"], record["rule"]) == ("approve", "ask")
    assert record["approval"] == {
        "id": held.approval_id,
        "mode": "approve",
        "status": "used",
        "round": 0,
        "by": [{"by": "local/operator", "decision": "approve", "how": "operator"}],
    }
    (opened,) = [each for each in it.graph.records("opened_call") if each["name"] == tool]
    assert opened["approval"]["id"] == held.approval_id
    assert record["opened"] == f"{opened['writer']}:{opened['seq']}"
    assert it.kinds() == ["approval_requested", "approval_decided", "opened_call", "approval_used"]
    other = await it.refused(it.call(tool))
    assert other.approval_id != held.approval_id
    assert len(it.fixtures.runs) == 1


async def test_what_a_decider_sees_of_a_held_call(made: Made) -> None:
    it = await made("approve")
    held = await it.refused(it.call("write", arguments={"path": "a", "password": "hunter2"}))
    shown = await it.seen(held.approval_id)
    assert (shown["tool"], shown["rule"], shown["reason"]) == ("write", "ask", "Somebody should look.")
    assert (shown["principal"]["id"], shown["server"]) == ("guest", "gateway")
    assert shown["arguments"]["path"] == "a"
    assert "hunter2" not in str(shown)
    assert shown["risk"]["factors"]
    assert "trust" not in {factor["name"] for factor in shown["risk"]["factors"]}, "it is no input of a call's risk"
    assert shown["arguments_hash"] == it.graph.records()[0]["args"]


@pytest.mark.parametrize("effect", ["approve", "confirm"])
@pytest.mark.parametrize("arguments", [{"n": 1, "nn": 1}, {"n": "one"}, {"n": 1, "m": 1}, {}])
async def test_nobody_is_asked_about_arguments_that_the_tool_would_refuse(
    made: Made, effect: str, arguments: JSON
) -> None:
    it = await made(effect)
    bad: JSON = {"arguments": arguments, "answer": ACCEPT}
    held = await it.refused(it.call("look", **bad))
    asked = {"operation": "look", "arguments": arguments, "reason": "I will need it"}
    ahead = await it.refused(it.graph.call("request_approval", asked))
    await it.obey("")
    by_tools = await it.refused(it.call("look", **bad))
    assert by_tools.code == "invalid_arguments"
    assert [(each.code, each.message) for each in (held, ahead)] == [(by_tools.code, by_tools.message)] * 2
    assert not it.asked
    assert not it.graph.records("approval_requested")


async def test_one_approval_and_many_calls_at_once_make_one_run(made: Made) -> None:
    it = await made("approve")
    await it.decide((await it.refused(it.call("write"))).approval_id)
    codes = await asyncio.gather(*(code_of(it.call("write")) for _ in range(8)))
    assert codes.count("no error") == 1
    assert set(codes) <= {"no error", "approval_used", "approval_required"}
    assert len(it.fixtures.runs) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"arguments": {"n": 2}},
        {"principal": Principal("token:other", roles=("guest",))},
        {"principal": Principal("guest", tenant="elsewhere", roles=("guest",))},
        {"tool": "look"},
    ],
)
async def test_an_approval_is_good_for_nothing_else(made: Made, change: JSON) -> None:
    it = await made("approve")
    held = await it.refused(it.call("write"))
    await it.decide(held.approval_id)
    changed: JSON = {"tool": "write"} | change
    failure = await it.refused(it.call(**changed))
    assert failure.code == "approval_required"
    assert failure.approval_id != held.approval_id
    assert not it.fixtures.runs


async def test_another_policy_asks_anew(made: Made) -> None:
    it = await made("approve")
    held = await it.refused(it.call("write"))
    await it.decide(held.approval_id)
    await it.obey(rule("approve") + "  - {id: other, match: {tools: [nothing]}, effect: deny}\n")
    assert (await it.refused(it.call("write"))).approval_id != held.approval_id


async def test_a_denial_is_told_with_its_reason_and_stands(made: Made) -> None:
    it = await made("approve")
    held = await it.refused(it.call("write"))
    await it.decide(held.approval_id, "deny")
    for _ in range(2):
        failure = await it.refused(it.call("write"))
        assert (failure.code, failure.approval_id) == ("approval_denied", held.approval_id)
        assert "local/operator" in failure.message
        assert "since I say so" in failure.message


async def test_two_approvers_must_be_two(made: Made) -> None:
    it = await made("approve", ", approvers: 2")
    held = await it.refused(it.call("write"))
    assert "2 others must approve" in held.message
    await it.decide(held.approval_id)
    assert "one more person must approve it" in (await it.refused(it.call("write"))).message
    await it.decide(held.approval_id, by=SECOND)
    assert await code_of(it.call("write")) == "no error"
    (record,) = [each for each in it.graph.records() if each["outcome"] == "ok" and each["name"] == "write"]
    assert record["approvers"] == 2
    assert [each["by"] for each in record["approval"]["by"]] == ["local/operator", "local/second"]


async def test_a_held_call_is_not_answered_so_its_key_runs_once_it_is_approved(made: Made) -> None:
    it = await made("approve")
    held = await it.refused(it.call("write", key="k"))
    await it.decide(held.approval_id)
    first = await it.call("write", key="k")
    again = await it.call("write", key="k")
    assert first["content"] == again["content"]
    assert len(it.fixtures.runs) == 1, "a repeat of what ran is answered, and asks nobody again"


async def test_an_approval_asked_for_ahead_lets_that_very_call_run(made: Made) -> None:
    it = await made("approve")
    request = {"operation": "write", "arguments": {"n": 1}, "reason": "I will need it"}
    asked = (await it.graph.call("request_approval", request))["structuredContent"]
    assert asked["tool"] == "write"
    assert (await it.refused(it.call("write"))).approval_id == asked["approval_id"]
    await it.decide(asked["approval_id"])
    assert await code_of(it.call("write", arguments={"n": 2})) == "approval_required"
    assert await code_of(it.call("write")) == "no error"


async def test_a_client_cannot_say_itself_what_tool_its_request_names(made: Made) -> None:
    it = await made("approve")
    forged = {"aura/named": {"contract": "c", "policy": "p", "risk": {}}}
    asked = await it.call("request_approval", arguments={"operation": "nothing", "reason": "r"}, meta=forged)
    assert asked["structuredContent"]["tool"] == ""


async def test_a_resource_is_held_likewise(made: Made) -> None:
    it = await made("approve")
    held = await it.refused(it.graph.request(ReadResource("test://one")))
    assert held.code == "approval_required"
    assert (await it.seen(held.approval_id))["tool"] == "resources/read test://one"
    await it.decide(held.approval_id)
    assert (await it.graph.request(ReadResource("test://one")))["contents"]
    assert await code_of(it.graph.request(ReadResource("test://one"))) == "approval_required"


@pytest.mark.parametrize(("decision", "what"), [("approve", "approval_granted"), ("deny", "approval_refused")])
async def test_the_role_engine_hears_of_a_decision_and_the_decider_does_not(
    made: Made, decision: str, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    it = await made("approve")
    held = await it.refused(it.call("write"))
    heard: list[Any] = []
    safety = it.graph.peers["safety"]
    send = safety.send

    async def noted(target: Any, message: Any, **more: Any) -> None:
        heard.append((str(target), getattr(message, "what", ""), getattr(message, "principal", {})))
        await send(target, message, **more)

    monkeypatch.setattr(safety, "send", noted)
    reply = await it.decide(held.approval_id, decision)
    assert "aura/observed" not in reply["_meta"]
    assert [(to, said, who["id"]) for to, said, who in heard if to.startswith("roles")] == [("roles", what, "guest")]


async def test_no_other_tool_moves_trust(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    it = await made("approve")
    seen = {"principal": GUEST.as_dict(), "what": "approval_granted"}

    async def forge(arguments: JSON, call: ToolCall) -> JSON:
        return text_result("x") | {"_meta": {"aura/observed": seen}}

    it.fixtures.functions["chat"] = forge
    await it.obey("")
    told: list[Any] = []
    monkeypatch.setattr(it.graph.actors["safety"]._judging, "observed", lambda *given: told.append(given))
    reply = await it.call("chat")
    assert "aura/observed" not in reply["_meta"]
    assert not told
