"""What the actor that keeps approvals promises: to Safety, to those who ask, and to those who decide."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from aura_ia_mcp.actors.approval_drafts import NAMED, OBSERVED
from aura_ia_mcp.actors.approvals import Approvals
from aura_ia_mcp.actors.boot import Boot
from aura_ia_mcp.bus.envelope import Header, Principal, new_id
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON, CallTool, ConfirmHeld, HoldCall, Message, UseApproval
from aura_ia_mcp.bus.tokens import Claims, Minter, digest, who
from aura_ia_mcp.configs.settings import Settings
from aura_ia_mcp.judgement.approvals import Approval, decide
from aura_ia_mcp.stores.audit import AuditError

from .graph import Graph, code_of, until

BOT = Principal("bot", roles=("agent",))
ADA = Principal("ada", kind="human", roles=("operator",))
BOB = Principal("bob", kind="human", roles=("operator",))
NOW = 1_000_000.0
RISK: JSON = {"level": "high", "score": 50, "factors": [{"name": "kind", "value": "delete", "share": 24, "why": "w"}]}
LIMITS = {"decide_within_s": 100.0, "use_within_s": 50.0, "most_pending": 5, "most_pending_per_principal": 3}


class Held:
    """The actor, with Safety's and Tools' peers around it, and a clock in the test's hand."""

    def __init__(self, folder: Path) -> None:
        self.graph = Graph(folder, Settings.model_validate({"approvals": LIMITS}))
        self.now = NOW
        self._minter = Minter(self.graph.decision_root)

    async def start(self) -> None:
        def make(boot: Boot) -> Approvals:
            return Approvals(boot, lambda: self.now, 0.01)

        self.actor: Approvals = await self.graph.start("approvals", make)

    async def restart(self) -> None:
        await self.graph.end("approvals")
        await self.start()

    async def ask(self, message: Message, source: str = "safety") -> JSON:
        """What Safety asks; the approval."""
        if source not in self.graph.peers:
            await self.graph.peer(source)
        reply = await self.graph.peers[source].request("approvals", message, header=Header(principal=BOT))
        approval: JSON = reply["approval"]
        return approval

    async def hold(self, path: str = "x", principal: Principal = BOT, **more: Any) -> JSON:
        given: JSON = {"mode": "approve", "call": new_id()} | more
        shown = {"principal": principal.as_dict(), "server": "gateway", "arguments": {"path": path}, "rule": "r"}
        return await self.ask(
            HoldCall(
                binding=binding(path, principal),
                shown=shown | {"reason": "it destroys", "risk": RISK, "findings": [], "tool": "remove"},
                **given,
            )
        )

    async def use(self, approval: JSON, call: str = "c1", **more: Any) -> JSON:
        return await self.ask(UseApproval(approval["approval_id"], binding(), call, **more))

    async def tool(self, name: str, principal: Principal = ADA, meta: JSON | None = None, **arguments: Any) -> JSON:
        """A tool's reply, called as Tools passes it on, with the token that Safety mints."""
        if "tools" not in self.graph.peers:
            await self.graph.peer("tools")
        operates = "operator" in principal.roles
        claims = Claims(
            new_id(), who(principal), f"call:{name}", digest(arguments), "p1/r1", "approvals", 2e10, operates=operates
        )
        header = Header(principal=principal, tokens={"approvals": self._minter.mint(claims)})
        message = CallTool(name, arguments, meta=meta or {})
        return await self.graph.peers["tools"].request("approvals", message, header=header)

    async def seen(self, name: str, principal: Principal = ADA, **arguments: Any) -> JSON:
        found: JSON = (await self.tool(name, principal, **arguments))["structuredContent"]
        return found

    async def decide(self, approval: JSON, decision: str = "approve", by: Principal = ADA, reason: str = "ok") -> JSON:
        return await self.seen(
            "decide_approval", by, approval_id=approval["approval_id"], decision=decision, reason=reason
        )

    def told(self) -> list[str]:
        return [r["kind"] for kind in ("requested", "decided", "used", "expired") for r in self.records(kind)]

    def records(self, kind: str) -> list[JSON]:
        return self.graph.records(f"approval_{kind}")


def binding(path: str = "x", principal: Principal = BOT) -> JSON:
    whose = principal.name
    return {"principal": whose, "tool": "remove", "contract": "c", "arguments": f"hash of {path}", "policy": "p1"}


@pytest.fixture
async def held(tmp_path: Path) -> AsyncIterator[Held]:
    made = Held(tmp_path)
    await made.start()
    yield made
    await made.graph.close()


# --- what Safety asks -------------------------------------------------------------------------------------------------


async def test_the_same_call_waits_on_one_approval_however_often_it_comes(held: Held) -> None:
    first, *others = await asyncio.gather(*(held.hold() for _ in range(8)))
    assert {each["approval_id"] for each in others} == {first["approval_id"]}
    assert (first["status"], first["expires_at"], first["audit_id"]) == ("pending", NOW + 100, "approvals-0:2")
    assert (await held.hold("y"))["approval_id"] != first["approval_id"]
    assert next(r["approval"] for r in held.records("requested")) == first["approval_id"]
    assert held.told() == ["approval_requested"] * 2


async def test_an_approved_call_runs_once_and_the_next_one_asks_anew(held: Held) -> None:
    approval = await held.hold()
    assert await code_of(held.use(approval)) == "approval_required"
    await held.decide(approval)
    assert (await held.hold())["status"] == "approved"
    outcomes = await asyncio.gather(*(code_of(held.use(approval, f"c{n}")) for n in range(6)))
    assert sorted(outcomes) == ["approval_used"] * 5 + ["no error"]
    again = await held.hold()
    assert again["status"] == "pending"
    assert again["approval_id"] != approval["approval_id"]
    used = held.records("used")
    assert [(r["approval"], r["round"], r["approved_by"]) for r in used] == [
        (approval["approval_id"], 0, ["local/ada"])
    ]


async def test_a_use_that_is_asked_again_after_a_restart_is_the_same_use(held: Held) -> None:
    approval = await held.decide(await held.hold())
    await held.use(approval, "c1")
    await held.restart()
    assert (await held.use(approval, "c1"))["used"]["call"] == "c1"
    assert await code_of(held.use(approval, "c2")) == "approval_used"
    assert (await held.use(approval, "c2", round=1))["round"] == 1
    assert len(held.records("used")) == 2


async def test_a_denial_stands_for_the_same_call_until_its_time_is_over(held: Held) -> None:
    approval = await held.hold()
    await held.decide(approval, "deny", reason="not on a Friday")
    assert (await held.hold())["status"] == "denied"
    with pytest.raises(AuraError, match="denied by local/ada: not on a Friday") as caught:
        await held.use(approval)
    assert caught.value.code == "approval_denied"
    held.now += 100
    assert (await held.hold())["status"] == "pending"


async def test_only_a_confirmation_takes_the_word_of_the_clients_own_user(held: Held) -> None:
    approval = await held.hold(mode="confirm")
    confirmed = await held.ask(ConfirmHeld(approval["approval_id"], binding(), "c1"))
    assert (confirmed["status"], confirmed["decisions"][0]["how"]) == ("approved", "client")
    harder = await held.hold()  # the same call must be approved now: a confirmation isn't enough
    assert harder["approval_id"] != approval["approval_id"]
    assert await code_of(held.ask(ConfirmHeld(harder["approval_id"], binding(), "c1"))) == "forbidden"


async def test_nobody_but_safety_holds_and_uses(held: Held) -> None:
    approval = await held.hold()
    assert await code_of(held.ask(UseApproval(approval["approval_id"], binding(), "c1"), "tools")) == "forbidden"


async def test_a_held_call_that_shows_another_principal_than_it_binds_is_refused(held: Held) -> None:
    shown = {"principal": ADA.as_dict(), "arguments": {}, "risk": RISK}
    assert await code_of(held.ask(HoldCall("approve", binding(), "c", shown))) == "malformed"


async def test_too_much_that_waits_is_refused_by_principal_and_in_all(held: Held) -> None:
    for n in range(3):
        await held.hold(str(n))
    assert await code_of(held.hold("one more")) == "rate_limited"
    other = Principal("other", roles=("agent",))
    for n in range(2):
        await held.hold(str(n), other)
    assert await code_of(held.hold("one more", Principal("third"))) == "rate_limited"
    assert (await held.hold("0"))["status"] == "pending"  # what waits already is told all the same


# --- deciding ---------------------------------------------------------------------------------------------------------


async def test_of_two_who_decide_at_once_one_wins_and_the_other_is_told(held: Held) -> None:
    approval = await held.hold()
    outcomes = await asyncio.gather(
        held.decide(approval, by=ADA), held.decide(approval, "deny", BOB), return_exceptions=True
    )
    (lost,) = [each for each in outcomes if isinstance(each, AuraError)]
    assert lost.code == "approval_conflict"
    assert "by local/" in str(lost)
    assert len(held.records("decided")) == 1


async def test_two_must_agree_where_the_policy_says_so(held: Held) -> None:
    approval = await held.hold(approvers=2)
    half = await held.tool("decide_approval", ADA, approval_id=approval["approval_id"], decision="approve")
    assert half["structuredContent"]["status"] == "pending"
    assert OBSERVED not in half["_meta"]
    assert await code_of(held.decide(approval, by=ADA)) == "approval_conflict"
    assert (await held.decide(approval, by=BOB))["status"] == "approved"


async def test_nobody_decides_on_what_they_asked_for_and_no_agent_on_anything(held: Held) -> None:
    own = await held.hold(principal=ADA)
    assert await code_of(held.decide(own, by=ADA)) == "forbidden"
    assert await code_of(held.decide(own, by=BOT)) == "forbidden"
    assert held.records("decided") == []


@pytest.mark.parametrize(("decision", "what"), [("approve", "approval_granted"), ("deny", "approval_refused")])
async def test_a_decision_says_whose_trust_moves(held: Held, decision: str, what: str) -> None:
    approval = await held.hold()
    given = {"approval_id": approval["approval_id"], "decision": decision, "reason": "so"}
    reply = await held.tool("decide_approval", ADA, **given)
    assert reply["_meta"][OBSERVED] == {"principal": BOT.as_dict(), "what": what}


async def test_what_nobody_decides_expires_once_and_stays_so_when_the_clock_goes_back(held: Held) -> None:
    approval = await held.hold()
    held.now += 100
    await until(lambda: held.told() == ["approval_requested", "approval_expired"])
    held.now -= 1000
    assert await code_of(held.decide(approval)) == "approval_conflict"
    await held.restart()
    assert (await held.seen("get_approval", approval_id=approval["approval_id"]))["status"] == "expired"
    await asyncio.sleep(0.05)
    assert len(held.records("expired")) == 1


async def test_an_approval_that_nobody_uses_in_time_expires_over_a_restart(held: Held) -> None:
    approval = await held.decide(await held.hold())
    await held.graph.end("approvals")
    held.now += 50
    await held.start()
    assert held.records("expired")[0]["was"] == "approved"
    assert await code_of(held.use(approval)) == "approval_required"


# --- the audit --------------------------------------------------------------------------------------------------------


async def test_what_a_death_left_unrecorded_is_recorded_at_the_next_start(
    held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    approval = await held.hold()
    writer = held.graph.writers["approvals"]

    def dies(kind: str, fields: JSON) -> None:
        raise KeyboardInterrupt(kind, fields)

    with monkeypatch.context() as patched:
        patched.setattr(writer, "append", dies)
        ledger = held.actor._ledger
        with pytest.raises(KeyboardInterrupt):
            ledger.change(approval["approval_id"], _agree)
    assert held.records("decided") == []
    await held.restart()
    assert [r["by"] for r in held.records("decided")] == ["local/ada"]
    assert (await held.use(approval))["audit_id"].startswith("approvals-0:")


def _agree(approval: Approval, now: float) -> Approval:
    return decide(approval, "local/ada", "approve", "", now, use_within_s=50.0)


async def test_nothing_is_decided_while_it_can_not_be_recorded(held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    approval = await held.hold()

    def full(*_: Any) -> None:
        raise AuditError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(held.graph.writers["approvals"], "ready", full)
        assert await code_of(held.decide(approval)) == "audit_failed"
    assert (await held.seen("get_approval", approval_id=approval["approval_id"]))["status"] == "pending"


# --- the tools --------------------------------------------------------------------------------------------------------


async def test_an_approved_request_for_a_call_answers_for_that_very_call(held: Held) -> None:
    named = {NAMED: {"contract": "c", "policy": "p1", "risk": RISK}}
    given = {"operation": "remove", "reason": "it is old", "arguments": {"path": "x"}, "risk_level": "critical"}
    asked = (await held.tool("request_approval", BOT, named, **given))["structuredContent"]
    assert (asked["tool"], asked["status"]) == ("remove", "pending")
    shown = await held.seen("get_approval", approval_id=asked["approval_id"])
    assert (shown["risk"]["level"], shown["arguments"]) == ("critical", {"path": "x"})
    await held.decide(asked)
    hashed = held.graph.writers["approvals"].digest(digest({"path": "x"}))
    bound = binding() | {"arguments": hashed}
    message = HoldCall("approve", bound, "c", {"principal": BOT.as_dict(), "arguments": {}, "risk": RISK})
    assert (await held.ask(message))["approval_id"] == asked["approval_id"]
    assert (await held.ask(UseApproval(asked["approval_id"], bound, "c")))["status"] == "used"


async def test_words_alone_bind_no_call_and_each_wording_asks_once(held: Held) -> None:
    one = await held.seen("request_approval", BOT, operation="restart the server", reason="slow")
    assert one["tool"] == ""
    assert (await held.seen("request_approval", BOT, operation="restart the server", reason="slow")) == one
    other = await held.seen("request_approval", BOT, operation="restart the client", reason="slow")
    assert other["approval_id"] != one["approval_id"]


async def test_callers_see_their_own_and_operators_all(held: Held) -> None:
    other = Principal("other", roles=("agent",))
    mine, theirs = await held.hold(), await held.hold(principal=other)
    assert [row["approval_id"] for row in (await held.seen("list_approvals", BOT))["approvals"]] == [
        mine["approval_id"]
    ]
    assert len((await held.seen("list_approvals", ADA))["approvals"]) == 2
    assert await code_of(held.seen("get_approval", BOT, approval_id=theirs["approval_id"])) == "unknown_approval"
    await held.decide(mine)
    listed = await held.seen("list_approvals", ADA, status="pending", limit=1)
    assert ([row["approval_id"] for row in listed["approvals"]], listed["more"]) == ([theirs["approval_id"]], False)


async def test_secrets_are_marked_and_what_is_long_is_cut(held: Held) -> None:
    key = "AKIA" + "Q3EXAMPLE7" + "ABCDEF"
    given = {"note": key, "text": "é" * 20_000, "more": [1] * 20}
    asked = await held.seen("request_approval", BOT, operation="store it", reason=f"with {key}", arguments=given)
    shown = await held.seen("get_approval", approval_id=asked["approval_id"])
    assert key not in str(shown)
    assert "cut here: 40" in shown["arguments"]["text"]
    assert "1 more members are not shown" in shown["arguments"]["…"]
    assert len(str(shown).encode()) < 20_000
