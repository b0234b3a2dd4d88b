"""`aura policy replay`, `what-if` and `aura explain`, as a person types them, over records on the disk."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from pathlib import Path

import pytest

from aura_ia_mcp.bus.messages import JSON
from aura_ia_mcp.judgement import policy, roles
from aura_ia_mcp.judgement.policy import Facts
from aura_ia_mcp.stores.audit import AuditWriter
from aura_ia_mcp.stores.rules_archive import RulesArchive
from tests.support.recorded import HEAD, call, taken

from .conftest import Aura, Run

POLICY = HEAD + "rules: [{id: all, effect: allow}, {id: no_x, match: {tools: [x]}, when: args.a == 1, effect: deny}]\n"
OTHER = HEAD + "rules: [{id: all, effect: allow}, {id: stop, match: {tools: [echo]}, effect: deny, reason: Not now.}]\n"
FRAME = ("v", "seq", "ts", "writer", "prev", "kind")
LEARN = Facts("learn", "upsert_memory")


def ran() -> JSON:
    return call(POLICY, taken=[taken(30.0)], outcome="ok")


class Recorded(Aura):
    """Runs command lines over records that it writes."""

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self.audit = Path.cwd() / "logs" / "audit"
        self._writer = AuditWriter(self.audit, "safety-0", b"k" * 32)
        RulesArchive(self.audit).keep([POLICY, roles.shipped_text()])

    def record(self, record: JSON) -> str:
        """Write a record; its id."""
        fields = {name: value for name, value in record.items() if name not in FRAME}
        return self._writer.append("call", fields).id

    def close(self) -> None:
        self._writer.close()


@pytest.fixture
def aura(run: Run) -> Iterator[Recorded]:
    made = Recorded(run)
    yield made
    made.close()


def test_replay_tells_that_nothing_differs(aura: Recorded) -> None:
    for _ in range(3):
        aura.record(ran())
    aura.record(call(POLICY, tool=Facts("x", "status"), arguments={"a": 1}))
    out, _ = aura("policy", "replay")
    assert "4 verdicts: 3 come out the same, 0 differ, 1 can't be computed again." in out
    assert "1 can't: a condition looked at arguments that weren't kept" in out


def test_replay_names_each_difference_and_fails(aura: Recorded) -> None:
    aura.record(ran())
    wrong = aura.record(ran() | {"verdict": "deny"})
    out, err = aura("policy", "replay", code=1)
    assert wrong in out
    assert "1 of 2 recorded verdicts don't follow from their inputs" in err
    found = aura.json("policy", "replay", code=1)
    assert [each["audit_id"] for each in found["differences"]] == [wrong]
    assert found["differences"][0]["differences"] == [{"what": "verdict", "recorded": "deny", "recomputed": "allow"}]


def test_replay_takes_another_folder_and_a_time(aura: Recorded, tmp_path: Path) -> None:
    aura.record(ran())
    assert aura.json("policy", "replay", str(aura.audit))["same"] == 1
    assert aura.json("policy", "replay", "--since", "2999-01-01")["verdicts"] == 0
    assert "no record of a call" in aura("policy", "replay", "--since", "2999-01-01")[1]
    assert "no record of a call" not in aura("policy", "replay")[1]
    _, err = aura("policy", "replay", str(tmp_path / "nowhere"), code=1)
    assert "there is no folder" in err


def test_what_if_tells_whom_another_policy_would_stop_and_admit(aura: Recorded, tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text(OTHER)
    stopped = [aura.record(ran()) for _ in range(2)]
    aura.record(call(POLICY, tool=Facts("y", "status"), outcome="ok"))
    found = aura.json("policy", "what-if", "other.yaml")
    assert (found["calls"], found["same"], found["changed"]) == (3, 1, 2)
    assert found["changes"] == [
        {
            "before": "allow",
            "after": "deny",
            "tool": "echo",
            "principal": "local/guest",
            "rule": "stop",
            "reason": "Not now.",
            "count": 2,
            "examples": stopped,
        }
    ]
    out, _ = aura("policy", "what-if", "other.yaml")
    assert "allow -> deny" in out


def test_what_if_takes_other_roles_and_says_what_nobody_inspected_then(aura: Recorded, tmp_path: Path) -> None:
    (tmp_path / "same.yaml").write_text(POLICY)
    shipped = roles.shipped_text()
    granting = shipped.replace("upsert_memory: [upsert_memory]", "upsert_memory: everyone")
    assert granting != shipped
    (tmp_path / "roles.yaml").write_text(granting)
    refused = aura.record(call(POLICY, tool=LEARN))
    found = aura.json("policy", "what-if", "same.yaml", "--roles", "roles.yaml")
    assert [(each["count"], each["examples"]) for each in found["unknown"]] == [(1, [refused])]
    assert "weren't inspected" in found["unknown"][0]["reason"]
    assert aura.json("policy", "what-if", "same.yaml")["same"] == 1


def test_what_if_admits_what_only_the_policy_stopped(aura: Recorded, tmp_path: Path) -> None:
    strict = HEAD + "rules: [{id: all, effect: allow}, {id: deep, match: {depth: {at_least: 1}}, effect: deny}]\n"
    RulesArchive(aura.audit).keep([strict])
    aura.record(call(strict, depth=2))
    (tmp_path / "open.yaml").write_text(POLICY)
    [change] = aura.json("policy", "what-if", "open.yaml")["changes"]
    assert (change["before"], change["after"]) == ("deny", "allow")


def test_a_faulty_policy_is_told_with_its_place(aura: Recorded, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("version: 1\nrules: [{id: A!}]\n")
    _, err = aura("policy", "what-if", "bad.yaml", code=1)
    assert "bad.yaml:2:" in err


def test_explain_tells_a_decision_from_its_id_or_receipt(aura: Recorded) -> None:
    refused = aura.record(call(POLICY, tool=LEARN))
    out, _ = aura("explain", refused)
    assert "capability.missing" in out
    assert "To be allowed:" in out
    found = aura.json("explain", f"{refused}:{'0' * 64}")
    assert found["rule"] == "capability.missing"
    assert found["versions"]["policy"] == policy.parse(POLICY).version


def test_what_explain_can_not_tell_it_says(aura: Recorded) -> None:
    assert "there is no record" in aura("explain", "safety-0:99", code=1)[1]
    assert "holds no decision" in aura("explain", "safety-0:1", code=1)[1]


def test_explain_says_that_a_record_was_redacted_when_by_whom_and_why(aura: Recorded) -> None:
    gone = aura.record(ran())
    aura("audit", "redact", gone, "--reason", "request 4711")
    _, err = aura("explain", gone, code=1)
    assert "its text was redacted at 2" in err
    assert f"by {pwd.getpwuid(os.getuid()).pw_name}: request 4711" in err
    (aura.audit / "public_key.pem").unlink()
    assert "its text was redacted, and no signed entry tells why" in aura("explain", gone, code=1)[1]


def test_redacted_records_are_told_beside_those_that_were_computed_again(aura: Recorded, tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text(OTHER)
    gone, _ = aura.record(ran()), aura.record(ran())
    assert "redacted" not in aura.out("policy", "replay")
    aura("audit", "redact", gone, "--reason", "request 4711")
    assert (found := aura.json("policy", "replay"))["verdicts"] == 1
    assert found["redacted"] == 1
    assert "1 record was redacted and not counted" in aura.out("policy", "replay")
    other = aura.json("policy", "what-if", "other.yaml")
    assert (other["calls"], other["redacted"]) == (1, 1)
    assert "1 record was redacted and not counted" in aura.out("policy", "what-if", "other.yaml")
