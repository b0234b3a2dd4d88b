"""`aura approvals`, with a system that answers as the real tools do."""

from __future__ import annotations

import json
import time
from functools import partial
from typing import Any

import pytest

from aura_ia_mcp.cli import backend
from aura_ia_mcp.gateway.client import ClientError, NotRunningError

from .conftest import Run

JSON = dict[str, Any]
ONE, TWO = "aaaa000000000001", "aaab000000000002"
FACTOR = {"name": "kind", "value": "delete", "share": 24, "why": "it destroys something"}


def item(approval_id: str = ONE, status: str = "pending", **more: Any) -> JSON:
    now = time.time()
    plain: JSON = {
        "approval_id": approval_id,
        "status": status,
        "mode": "approve",
        "principal": {"id": "bot", "kind": "agent", "tenant": "local", "roles": ["agent"]},
        "tool": "remove",
        "operation": "",
        "server": "gateway",
        "arguments": {"path": "x\u202ey"},
        "arguments_hash": "h" * 64,
        "contract": "c" * 64,
        "policy": "p1",
        "rule": "agent.approve",
        "reason": "it destroys",
        "risk": {"level": "high", "score": 51, "factors": [FACTOR]},
        "findings": [{"rule": "command.deletes", "what": "deletes files"}],
        "approvers": 1,
        "call": "c0",
        "requested_at": now,
        "expires_at": now + 7200.5,
        "changed_at": now,
        "usable_until": None,
        "decisions": [],
        "used": None,
        "round": 0,
        "audit_id": "approvals-0:2",
    }
    return plain | more


def row(found: JSON) -> JSON:
    names = ("approval_id", "status", "mode", "tool", "operation", "reason", "requested_at", "expires_at", "approvers")
    agreed = [each["by"] for each in found["decisions"]]
    return {name: found[name] for name in names} | {"by": "local/bot", "risk": "high", "agreed": agreed}


def refused(code: str, message: str, **more: Any) -> JSON:
    return {"isError": True, "content": [], "_meta": {"aura/error": {"code": code, "message": message} | more}}


class FakeClient:
    """Answers from `items`; `answers` of a tool come first."""

    items: dict[str, JSON]
    answers: dict[str, JSON | Exception]
    called: list[tuple[str, JSON]]
    looks = 0

    def __init__(self, *_: object, **__: object) -> None:
        pass

    async def __aenter__(self) -> FakeClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def call_tool(self, name: str, arguments: JSON, **_: object) -> JSON:
        self.called.append((name, arguments))
        if name in self.answers:
            answer = self.answers[name]
            if isinstance(answer, Exception):
                raise answer
            return answer
        if name == "list_approvals":
            FakeClient.looks += 1
            found = [row(each) for each in self.items.values() if arguments.get("status") in (None, each["status"])]
            return {"structuredContent": {"approvals": found, "more": False}}
        found_item = self.items[arguments["approval_id"]]
        if name == "decide_approval":
            status = "approved" if arguments["decision"] == "approve" else "denied"
            found_item = found_item | {"status": status, "usable_until": time.time() + 3600}
        return {"structuredContent": found_item}


@pytest.fixture
def run(run: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(backend, "Client", FakeClient)
    FakeClient.items = {ONE: item(), TWO: item(TWO, "used")}
    FakeClient.answers, FakeClient.called, FakeClient.looks = {}, [], 0
    return partial(run, "approvals")


def test_list_shows_what_who_why_and_how_long(run: Run) -> None:
    code, out, _ = run("list")
    assert code == 0
    for shown in (ONE, "pending, 2 h 0 min left", "remove", "local/bot", "high", "it destroys", "used"):
        assert shown in out
    assert TWO not in run("list", "--status", "pending")[1]
    assert json.loads(run("list", "--json")[1])["more"] is False


def test_list_says_so_when_nothing_waits(run: Run) -> None:
    FakeClient.items = {}
    assert run("list", "--status", "pending") == (0, "", "Nothing waits.\n")


def test_show_tells_what_will_run_why_the_risk_and_by_when(run: Run) -> None:
    code, out, _ = run("show", ONE)
    assert code == 0
    for shown in ("local/bot (agent", "remove", "it destroys (rule agent.approve)", "high, 51 of 100", "+24 kind"):
        assert shown in out
    for shown in ("deletes files", "approvals-0:2", f"aura approvals approve {ONE}", "2 h 0 min left", "is a no"):
        assert shown in out
    assert "\u202e" not in out  # nothing turns the line round
    assert "x\\u202ey" in out


def test_an_id_may_be_shortened_while_it_is_unambiguous(run: Run) -> None:
    assert json.loads(run("show", "aaaa", "--json")[1])["approval_id"] == ONE
    code, _, err = run("show", "aaa")
    assert code == 1
    assert "2 approvals begin with 'aaa'" in err
    assert run("show", "b")[0] == 1
    assert run("approve", "")[0] == 1
    assert [name for name, _ in FakeClient.called if name == "decide_approval"] == []


def test_approve_and_deny_say_what_happens_next(run: Run) -> None:
    code, out, _ = run("approve", "aaaa", "--reason", "fine")
    assert (code, "the same call of remove by local/bot runs, once" in out) == (0, True)
    assert FakeClient.called[-1] == (
        "decide_approval",
        {"approval_id": ONE, "decision": "approve", "reason": "fine"},
    )
    code, out, _ = run("deny", ONE, "--reason", "no")
    assert (code, "stays refused until" in out) == (0, True)
    assert run("deny", ONE)[0] == 2  # a denial needs a reason


def test_of_words_that_were_denied_no_call_is_told(run: Run) -> None:
    FakeClient.answers["decide_approval"] = {"structuredContent": item(status="denied", tool="", operation="deploy")}
    assert run("deny", ONE, "--reason", "no")[1] == "Denied. local/bot is told why.\n"


def test_one_of_two_needed_is_told_to_wait_for_the_other(run: Run) -> None:
    decision = {"by": "local/ada", "decision": "approve", "reason": "", "at": time.time(), "how": "operator"}
    half = item(approvers=2, decisions=[decision])
    FakeClient.answers["decide_approval"] = {"structuredContent": half}
    assert "1 must agree, each another one" in run("approve", ONE)[1]


def test_who_comes_too_late_is_told_who_decided(run: Run) -> None:
    FakeClient.answers["decide_approval"] = refused("approval_conflict", f"{ONE} was denied by local/bob: no")
    code, out, err = run("approve", ONE)
    assert (code, out) == (1, "")
    assert "was denied by local/bob" in err


@pytest.mark.parametrize("as_json", [False, True])
def test_watch_prints_what_waits_and_each_change_until_ctrl_c(
    run: Run, monkeypatch: pytest.MonkeyPatch, as_json: bool
) -> None:
    async def pause(_seconds: float) -> None:
        if FakeClient.looks == 2:
            FakeClient.items[ONE] = item(status="approved")
        if FakeClient.looks == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr("aura_ia_mcp.cli.approval_watch.asyncio.sleep", pause)
    code, out, err = run("watch", *(["--json"] if as_json else []))
    lines = out.splitlines()
    assert (code, err) == (0, "")
    if as_json:
        assert [(each["approval_id"], each["status"]) for each in map(json.loads, lines)] == [
            (ONE, "pending"),
            (ONE, "approved"),
        ]
    else:
        assert [ONE in line for line in lines] == [True, True]
        assert "approved" in lines[1]


LIMITED = refused("rate_limited", "operator has used the calls", retryable=True, retry_after_s=42.0)
AWAY = refused("unavailable", "approvals can't be kept", retryable=True)


@pytest.mark.parametrize(
    ("trouble", "said", "waits_s"),
    [
        (LIMITED, "operator has used the calls", 42.0),
        (AWAY, "approvals can't be kept", 5.0),
        (NotRunningError("nobody answers"), "nobody answers", 5.0),
        (ClientError("limited", 429, {"retryable": True, "retry_after_s": 7.0}), "limited", 7.0),
        (ClientError("the stream ended without an answer"), "without an answer", 5.0),
    ],
)
def test_watch_tells_passing_trouble_once_waits_and_goes_on(
    run: Run, monkeypatch: pytest.MonkeyPatch, trouble: JSON | Exception, said: str, waits_s: float
) -> None:
    waited: list[float] = []

    async def pause(seconds: float) -> None:
        waited.append(seconds)
        FakeClient.answers = {"list_approvals": trouble} if len(waited) in (1, 2) else {}
        if len(waited) == 3:
            FakeClient.items[ONE] = item(status="approved")
        if len(waited) == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr("aura_ia_mcp.cli.approval_watch.asyncio.sleep", pause)
    code, out, err = run("watch")
    assert (code, waited) == (0, [5.0, waits_s, waits_s, 5.0])
    assert err.count(said) == 1
    assert [("pending" in line, "approved" in line) for line in out.splitlines()] == [(True, False), (False, True)]


@pytest.mark.parametrize(
    "refusal", [refused("forbidden", "not you"), ClientError("not you", 401), NotRunningError("nobody answers")]
)
def test_watch_ends_when_it_is_refused_for_good_or_nobody_was_ever_there(run: Run, refusal: JSON | Exception) -> None:
    FakeClient.answers["list_approvals"] = refusal
    assert run("watch")[0] == 1


def test_watch_looks_at_most_once_a_second(run: Run) -> None:
    assert run("watch", "--every", "0.5")[0] == 2


def test_show_says_who_must_do_something_only_while_it_waits(run: Run) -> None:
    assert "pending; somebody else must approve it" in run("show", ONE)[1]
    decision = {"by": "local/ada", "decision": "approve", "reason": "", "at": time.time(), "how": "operator"}
    FakeClient.items[ONE] = item(approvers=2, decisions=[decision])
    assert "pending; one more person must approve it" in run("show", ONE)[1]
    FakeClient.items[ONE] = item(status="denied", decisions=[decision | {"decision": "deny", "reason": "no"}])
    code, out, _ = run("show", ONE)
    assert (code, "denied" in out, "must approve" in out) == (0, True, False)
