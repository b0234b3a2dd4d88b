"""What must hold at the end, whatever was killed: read from the files and the database, with nothing running."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from aura_ia_mcp.stores.database import Database
from aura_ia_mcp.stores.read import writers
from aura_ia_mcp.stores.records import RecordStore
from aura_ia_mcp.stores.segments import segments
from tests.support.system import JSON, System

from .answers import FORGOTTEN, GONE, Answer, Answers
from .killing import VICTIMS
from .source import APPROVERS, HELD, READ, WRITE

_CHECK_S = 900
_ENOUGH_STEPS = 6
_MAY_SAY = {
    *("approval_required", "confirmation_required", "approval_denied", "approval_used"),
    *(GONE, "not_delivered", "outcome_unknown", "unavailable", "stale_epoch", "stopping", "deadline_exceeded"),
    "inspection_failed",  # the process that inspects was killed
    "cancelled",  # of a repeat: the first call with its key was, when the gateway was killed
}
_HOLDS_SESSIONS = {"gateway", "supervisor"}
_DECIDERS_MAY_HEAR = _MAY_SAY | {"approval_conflict"}


@dataclass(frozen=True, slots=True)
class Broken:
    """An invariant that doesn't hold: which, and the first case of it."""

    invariant: str
    what: str


class Evidence:
    """All that is known at the end.

    Args:
        system: ended.
        answers: what callers were told.
        journal: where the tools wrote down that they ran.
    """

    def __init__(self, system: System, answers: Answers, journal: Path) -> None:
        self.system = system
        self.answers = answers
        self._journal = journal

    @cached_property
    def runs(self) -> list[JSON]:
        """Each real run of a tool that isn't read-only."""
        return [json.loads(line) for line in self._journal.read_text().splitlines()] if self._journal.exists() else []

    @cached_property
    def records(self) -> dict[str, tuple[str, JSON]]:
        """Hash of the line and record, by id."""
        found = {}
        for writer in writers(self.system.paths.audit):
            for path in segments(self.system.paths.audit / writer):
                for line in path.read_bytes().splitlines():
                    record = json.loads(line)
                    found[f"{writer}:{record['seq']}"] = (hashlib.sha256(line).hexdigest(), record)
        return found

    def of(self, kind: str) -> Iterator[JSON]:
        """The records of a kind."""
        return (record for _, record in self.records.values() if record["kind"] == kind)

    @cached_property
    def approvals(self) -> dict[str, JSON]:
        """What the database holds of each approval."""
        with closing(Database.of(self.system.settings, self.system.paths)) as database:
            return RecordStore(database).all("approval")

    @cached_property
    def uses(self) -> dict[str, set[tuple[str, int]]]:
        """By approval: call and round of each use that was recorded."""
        found: dict[str, set[tuple[str, int]]] = defaultdict(set)
        for record in self.of("approval_used"):
            found[record["approval"]].add((record["call"], record["round"]))
        return found

    def when(self, at: float) -> str:
        """The step in which a moment lies, for a report."""
        return f"step {self.answers.step_at(at)}"

    def command(self, *arguments: str) -> JSON:
        """What `aura` says in JSON, with its exit status as `status`."""
        done = subprocess.run(
            [sys.executable, "-m", "aura_ia_mcp.main", *arguments, "--json"],
            cwd=self.system.root,
            env=self.system.env,
            capture_output=True,
            text=True,
            timeout=_CHECK_S,
            check=False,
        )
        try:
            said: JSON = json.loads(done.stdout)
        except ValueError:
            said = {"said": done.stdout[-2000:] + done.stderr[-2000:]}
        return said | {"status": done.returncode}


def answered_calls_have_their_record(evidence: Evidence) -> Iterator[str]:
    """Every receipt names a record with this hash; every served call came with one."""
    for answer in evidence.answers.all:
        if answer.served and not answer.receipt and answer.result.get("resultType") != "input_required":
            yield f"{answer.where}: served without a receipt: {answer.result}"
        elif answer.receipt:
            audit_id, _, line = answer.receipt.rpartition(":")
            if audit_id not in evidence.records:
                yield f"{answer.where}: no record {audit_id}"
            elif evidence.records[audit_id][0] != line:
                yield f"{answer.where}: the record {audit_id} is another one than the receipt says"


def nobody_waits_in_vain(evidence: Evidence) -> Iterator[str]:
    """Every call was answered in time."""
    yield from evidence.answers.hangs


def all_went_on(evidence: Evidence) -> Iterator[str]:
    """Every tool was served at least once, and nobody was told of a fault but that something is away."""
    for answer in evidence.answers.all:
        if answer.code and answer.code not in _MAY_SAY and not _lost_with_its_gateway(answer):
            yield f"{answer.where}: {answer.code}: {answer.result}"
    for code in set(evidence.answers.undecided) - _DECIDERS_MAY_HEAR:
        yield f"a decider was told {code}"
    if evidence.answers.step >= _ENOUGH_STEPS:
        served = {answer.tool for answer in evidence.answers.all if answer.served}
        yield from (f"{tool} was never served" for tool in (READ, WRITE, "audit_log", *HELD) if tool not in served)


def _lost_with_its_gateway(answer: Answer) -> bool:
    """Whether it tells of a session that a gateway, killed just before, took with it."""
    killed = {VICTIMS[(step - 1) % len(VICTIMS)].name for step in (answer.step - 1, answer.step) if step > 0}
    return answer.code == FORGOTTEN and bool(killed & _HOLDS_SESSIONS)


def the_record_verifies(evidence: Evidence) -> Iterator[str]:
    """Every chain and every epoch."""
    said = evidence.command("audit", "verify")
    if said["status"]:
        yield json.dumps(said)[:3000]


def decisions_come_out_the_same(evidence: Evidence) -> Iterator[str]:
    """`aura policy replay` finds no difference."""
    said = evidence.command("policy", "replay")
    if said["status"] or said.get("differing") or said.get("unknown"):
        yield json.dumps(said)[:3000]


def no_approval_is_lost(evidence: Evidence) -> Iterator[str]:
    """Each that a caller heard of is there, with all its records; each acknowledged decision is in it."""
    for approval, (step, tool) in evidence.answers.held.items():
        if approval not in evidence.approvals:
            yield f"step {step}: {approval} of {tool} was told to its caller, and isn't there"
    for step, approval, by, decision in evidence.answers.decided:
        kept = evidence.approvals.get(approval) or {"decisions": []}
        if (f"local/token:{by}", decision) not in {(each["by"], each["decision"]) for each in kept["decisions"]}:
            yield f"step {step}: {by} was told that {decision} of {approval} counts; it has {kept['decisions']}"
    told = {kind: {each["approval"] for each in evidence.of(f"approval_{kind}")} for kind in ("requested", "used")}
    said = {(each["approval"], each["by"], each["decision"]) for each in evidence.of("approval_decided")}
    for approval, kept in evidence.approvals.items():
        where = f"{evidence.when(kept['requested_at'])}: {approval} of {kept['tool']}"
        if approval not in told["requested"]:
            yield f"{where}: no record that it was asked for"
        if kept["used"] and approval not in told["used"]:
            yield f"{where}: no record of its use"
        for each in kept["decisions"]:
            if (approval, each["by"], each["decision"]) not in said:
                yield f"{where}: no record of what {each['by']} decided"


def approvals_are_used_once_and_decided_by_others(evidence: Evidence) -> Iterator[str]:
    """One use at most, only after enough others agreed, and by nobody's own word but a user's who was asked."""
    for approval, uses in evidence.uses.items():
        if len(uses) > 1:
            yield f"{approval} was used {len(uses)} times: {sorted(uses)}"
        if approval not in evidence.approvals:
            yield f"{approval} was used, and isn't there"
    for approval, kept in evidence.approvals.items():
        where = f"{evidence.when(kept['requested_at'])}: {approval} of {kept['tool']} ({kept['status']})"
        asker = f"{kept['principal']['tenant']}/{kept['principal']['id']}"
        agreed = [each for each in kept["decisions"] if each["decision"] == "approve"]
        denied = len(kept["decisions"]) - len(agreed)
        if any(each["by"] == asker and (each["how"], kept["mode"]) != ("client", "confirm") for each in agreed):
            yield f"{where}: its asker decided"
        if len({each["by"] for each in kept["decisions"]}) != len(kept["decisions"]):
            yield f"{where}: somebody decided twice: {kept['decisions']}"
        if denied > 1 or len(agreed) > kept["approvers"] or (denied and kept["decisions"][-1]["decision"] != "deny"):
            yield f"{where}: decided after it was decided: {kept['decisions']}"
        if kept["used"] and (denied or len(agreed) < kept["approvers"]):
            yield f"{where}: used with {len(agreed)} of {kept['approvers']} who agreed and {denied} against"


def nothing_ran_without_consent(evidence: Evidence) -> Iterator[str]:
    """Each real run of a held tool is the one use of an approval for just it, that enough others agreed to."""
    by_call = {call: approval for approval, uses in evidence.uses.items() for call, _ in uses}
    for run in evidence.runs:
        if run["tool"] not in HELD:
            continue
        where = f"{evidence.when(run['at'])}: the run of {run['tool']} {run['label']!r} (call {run['call']})"
        kept = evidence.approvals.get(by_call.get(run["call"], ""))
        if kept is None:
            yield f"{where} used no approval"
        elif (kept["tool"], kept["principal"]["id"]) != (run["tool"], run["principal"]):
            yield f"{where} used one for {kept['tool']} of {kept['principal']['id']}"
        elif sum(each["decision"] == "approve" for each in kept["decisions"]) < APPROVERS[run["tool"]]:
            yield f"{where} rests on too few: {kept['decisions']}"
        elif kept["used"]["call"] != run["call"]:
            yield f"{where} used {kept['approval_id']}, which says that {kept['used']['call']} did"


def every_run_was_recorded_before_it_began(evidence: Evidence) -> Iterator[str]:
    """And happened once: a call runs once, and a label that was sent with a key does, however often it was sent."""
    opened = {record["call"] for record in evidence.of("opened_call")}
    calls: set[str] = set()
    labels: set[str] = set()
    for run in evidence.runs:
        where = f"{evidence.when(run['at'])}: {run['tool']} {run['label']!r} (call {run['call']})"
        if run["call"] not in opened:
            yield f"{where} has no record that it was about to run"
        if run["call"] in calls:
            yield f"{where} ran twice"
        if run["tool"] == WRITE and run["label"] in labels:
            yield f"{where} ran twice with one key"
        calls.add(run["call"])
        labels.add(run["label"] if run["tool"] == WRITE else "")


def what_was_served_did_run(evidence: Evidence) -> Iterator[str]:
    """The result of a tool that writes comes of a run."""
    ran = {(run["tool"], run["label"]) for run in evidence.runs}
    for answer in evidence.answers.all:
        if answer.served and answer.tool in (WRITE, *HELD) and (answer.tool, answer.label) not in ran:
            yield f"{answer.where}: served, and never ran"


INVARIANTS: tuple[Callable[[Evidence], Iterator[str]], ...] = (
    nobody_waits_in_vain,
    all_went_on,
    answered_calls_have_their_record,
    no_approval_is_lost,
    approvals_are_used_once_and_decided_by_others,
    nothing_ran_without_consent,
    every_run_was_recorded_before_it_began,
    what_was_served_did_run,
    the_record_verifies,
    decisions_come_out_the_same,
)


def check(evidence: Evidence) -> list[Broken]:
    """The first case of each that doesn't hold, with how many there are."""
    broken = []
    for invariant in INVARIANTS:
        cases = list(invariant(evidence))
        if cases:
            broken.append(Broken(invariant.__name__, f"{cases[0]} ({len(cases)} in all)"))
    return broken
