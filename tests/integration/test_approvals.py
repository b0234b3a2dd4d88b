"""Approvals in a whole system: a call is held, people look and decide by command and by HTTP, and it runs once."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.system import JSON, System, until

from .conftest import OPERATOR

pytestmark = [pytest.mark.ray, pytest.mark.timeout(240)]

ASKER = "asker"
_HELD = """
  - id: pii.approve
    match: {tools: [check_pii]}
    effect: approve
    reason: A person looks at this first.
"""
_SEEN_S = 10.0


@pytest.fixture
def held(system: System) -> Iterator[System]:
    """The system, in which calls of check_pii need an approval."""
    before = system.policy.read_text()

    def effect() -> str:
        said: JSON = system.call("get_policy", {"tool": "check_pii"}, principal=ASKER)["structuredContent"]
        return json.dumps(said)

    system.policy.write_text(before + _HELD)
    until("the rule to be in force", lambda: "pii.approve" in effect(), _SEEN_S)
    yield system
    system.policy.write_text(before)
    until("the old policy to be in force", lambda: "pii.approve" not in effect(), _SEEN_S)


def hold(system: System, text: str) -> str:
    """The id under which a call waits."""
    error = system.refusal("check_pii", {"text": text}, principal=ASKER)
    assert error["code"] == "approval_required", error
    approval_id: str = error["approval_id"]
    assert f"aura approvals approve {approval_id}" in error["recovery"]
    return approval_id


def http(system: System, path: str, body: JSON | None = None, *, principal: str = OPERATOR) -> tuple[int, JSON]:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {system.token(principal)}"}
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(
            urllib.request.Request(f"{system.base}{path}", data, headers), timeout=30
        ) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.load(refused)


def decided(system: System, approval_id: str) -> list[JSON]:
    """The records that say who decided."""
    lines = [line for path in system.paths.audit.glob("*/*.jsonl") for line in path.read_text().splitlines()]
    found = [json.loads(line) for line in lines if "approval_decided" in line and approval_id in line]
    return [record for record in found if record["kind"] == "approval_decided"]


def test_a_held_call_runs_once_when_an_operator_has_approved_it(held: System) -> None:
    approval_id = hold(held, "write to ada@example.org")
    assert hold(held, "write to ada@example.org") == approval_id
    shown = held.aura("approvals", "show", approval_id[:10])
    assert shown.returncode == 0, shown.stderr
    for part in ("check_pii", "A person looks at this first.", "ada@example.org", "low", "No answer is a no"):
        assert part in shown.stdout
    agreed = held.aura("approvals", "approve", approval_id[:10], "--reason", "looks fine")
    assert "runs, once" in agreed.stdout, agreed.stderr
    result = held.call("check_pii", {"text": "write to ada@example.org"}, principal=ASKER)
    assert not result["isError"]
    status, used = http(held, f"/approvals/{approval_id}")
    assert (status, used["status"]) == (200, "used")
    assert held.record(result["_meta"]["aura/audit_id"])["call"] == used["used"]["call"]
    assert hold(held, "write to ada@example.org") != approval_id


def test_of_two_who_decide_at_once_one_wins_and_the_other_is_told(held: System) -> None:
    approval_id = hold(held, "who is faster?")
    with ThreadPoolExecutor(2) as pool:
        command = pool.submit(held.aura, "approvals", "approve", approval_id)
        body = {"decision": "deny", "reason": "no, says HTTP"}
        until("the command to be on its way", command.running)
        answers = [http(held, f"/approvals/{approval_id}", body) for _ in range(2)]
        by_command = command.result()
    statuses = [status for status, _ in answers]
    assert (by_command.returncode, statuses) in [(0, [409, 409]), (1, [200, 409])]
    (record,) = decided(held, approval_id)
    told = by_command.stderr if by_command.returncode else answers[1][1]["error"]["message"]
    assert f"by {record['by']}" in told


def test_whoever_asked_sees_it_and_can_not_decide(held: System) -> None:
    approval_id = hold(held, "mine")
    status, own = http(held, "/approvals?status=pending", principal=ASKER)
    assert status == 200
    assert approval_id in [row["approval_id"] for row in own["approvals"]]
    assert http(held, f"/approvals/{approval_id}", {"decision": "approve"}, principal=ASKER)[0] == 403
    assert http(held, f"/approvals/{approval_id}", principal="stranger")[0] == 404
    assert http(held, f"/approvals/{approval_id}")[1]["status"] == "pending"


def test_a_call_that_was_asked_for_ahead_runs_without_being_held(held: System) -> None:
    given = {"operation": "check_pii", "arguments": {"text": "ahead"}, "reason": "soon needed"}
    asked = held.call("request_approval", given, principal=ASKER)["structuredContent"]
    assert asked["tool"] == "check_pii"
    assert http(held, f"/approvals/{asked['approval_id']}", {"decision": "approve"})[0] == 200
    assert not held.call("check_pii", {"text": "ahead"}, principal=ASKER)["isError"]
    assert held.refusal("check_pii", {"text": "ahead"}, principal=ASKER)["code"] == "approval_required"


def test_watch_follows_until_ctrl_c(held: System) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "aura_ia_mcp.main", "approvals", "watch", "--json", "--every", "1"],
        cwd=held.root,
        env=held.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as watching:
        try:
            approval_id = hold(held, "watched")
            assert watching.stdout is not None
            while json.loads(watching.stdout.readline())["approval_id"] != approval_id:
                pass
            http(held, f"/approvals/{approval_id}", {"decision": "deny", "reason": "enough"})
            assert json.loads(watching.stdout.readline())["status"] == "denied"
            watching.send_signal(signal.SIGINT)
            _, err = watching.communicate(timeout=20)
            assert (watching.returncode, err) == (0, "")
        finally:
            watching.kill()
    assert held.refusal("check_pii", {"text": "watched"}, principal=ASKER)["code"] == "approval_denied"
