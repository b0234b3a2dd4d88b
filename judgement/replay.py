"""Verdicts computed again from what their records hold, and every difference told.

A record of a call holds what its verdict rests on, but for arguments: those are kept only where the policy asks for it.
What can't be computed again is counted with the reason, and never passed over.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from .bucket import Bucket, take
from .inspection import VERSION, Plan, walk
from .policy import Effect, Inputs, Policy, Verdict
from .recorded import Archive, Reader, Record, UnreadableError, audit_id, cut_short, marked
from .roles import Roles

KINDS = ("call", "opened_call")
"""The kinds of records that hold a verdict."""
RULE = "injection.meaning"
"""What a model reads in a text is recorded, and not read again."""
UNKNOWN = "exposure.unknown"
_RATE = "rate."
_RAN = ("ok", "tool_error", "rpc_error", "input_required")
_EXACT = 2e-6  # tokens; records of version 0.3 and before hold them rounded to six digits

NO_POLICY = "its policy isn't archived"
NO_ROLES = "its roles aren't archived"
NO_ARGUMENTS = "a condition looked at arguments that weren't kept"
MARKED = "a condition looked at arguments in which secrets are marked"
TOO_MANY = "inspection saw more kinds of things than a record holds"
NO_INPUTS = "its inputs aren't recorded"
NO_FORM = "it isn't of the form that this program reads"


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that comes out otherwise than it was recorded.

    Args:
        what: verdict, rule, matched, notes, sandbox, approvers, capabilities, denied, rates, bucket CLASS or findings.
        recorded: what the record says.
        recomputed: what its inputs give.
    """

    what: str
    recorded: Any
    recomputed: Any

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {"what": self.what, "recorded": self.recorded, "recomputed": self.recomputed}


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of one record.

    Args:
        audit_id: the record's.
        decided: whether it holds a verdict, or a refusal for its rate, at all.
        differences: none is as it should be.
        unknown: why it can't be computed again (wholly), or "".
        inspected: whether inspection was run again, too.
    """

    audit_id: str
    decided: bool = True
    differences: tuple[Difference, ...] = ()
    unknown: str = ""
    inspected: bool = False


class Replay:
    """Computes records again.

    Args:
        archive: the rules that they name.
        plans: how the arguments of a tool are read, by its contract's fingerprint; None when that isn't known. Only
            then inspection is run again, and only on arguments that were kept.
    """

    def __init__(self, archive: Archive, plans: Callable[[str], Plan | None] = lambda _contract: None) -> None:
        self._archive = archive
        self._plans = plans
        self._reader = Reader()

    def of(self, record: Record) -> Replayed:
        """Compute one record again; a record of a kind that `KINDS` doesn't name has nothing to be computed."""
        try:
            return self._of(record)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            return Replayed(audit_id(record), unknown=f"{NO_FORM} ({type(error).__name__}: {error})")

    def _of(self, record: Record) -> Replayed:
        name = audit_id(record)
        if record["kind"] not in KINDS:
            return Replayed(name, decided=False)
        found = tuple(_buckets(record))
        if not record.get("verdict"):
            return Replayed(name, decided=bool(record.get("buckets")), differences=found)
        if "inputs" not in record:
            return self._unknown_thing(record, found)
        try:
            inputs = self._reader.inputs(record)
        except UnreadableError as error:
            return Replayed(name, differences=found, unknown=str(error))
        policy = self._archive.policy(record["policy"])
        if policy is None:
            return Replayed(name, differences=found, unknown=NO_POLICY)
        return self._judged(record, inputs, policy, found)

    def _unknown_thing(self, record: Record, found: tuple[Difference, ...]) -> Replayed:
        """What the catalogue had under no such name is refused whatever the policy says."""
        name = audit_id(record)
        if record["rule"] != UNKNOWN or "contract" in record:
            return Replayed(name, differences=found, unknown=NO_INPUTS)
        return Replayed(name, differences=(*found, *_differ("verdict", record["verdict"], "deny")))

    def _judged(self, record: Record, inputs: Inputs, policy: Policy, found: tuple[Difference, ...]) -> Replayed:
        verdict = policy.decide(inputs)
        unknown = blind(record, verdict)
        told = list(found)
        if not unknown:
            told += _verdict(record, verdict)
        roles = self._archive.roles(record["roles"])
        if roles is None:
            unknown = unknown or NO_ROLES
        else:
            told += _granted(record, inputs, roles)
        plan = self._plan(record, inputs, policy)
        if plan is not None:
            told += _findings(record, inputs, policy, plan)
        return Replayed(audit_id(record), differences=tuple(told), unknown=unknown, inspected=plan is not None)

    def _plan(self, record: Record, inputs: Inputs, policy: Policy) -> Plan | None:
        """How to read the arguments; None unless the record holds just what inspection saw, by this program's rules."""
        kept = record.get("kept")
        if not kept or kept["inspection"] != VERSION or marked(record) or not policy.visible(inputs):
            return None
        return self._plans(record.get("contract", ""))


def blind(record: Record, verdict: Verdict) -> str:
    """Why a verdict that this record's inputs gave needn't be the one that the call would get; "" when it is.

    Args:
        record: of the call.
        verdict: of a policy, by the recorded inputs.
    """
    if verdict.hidden:  # it hides before anything else is looked at
        return ""
    if verdict.read_arguments and "arguments" not in record["inputs"]:
        return NO_ARGUMENTS
    if verdict.read_arguments and marked(record):
        return MARKED
    return TOO_MANY if cut_short(record) else ""


def _verdict(record: Record, verdict: Verdict) -> Iterator[Difference]:
    yield from _differ("verdict", record["verdict"], str(verdict.effect))
    rule = record["rule"]
    if not rule.startswith(_RATE) or verdict.effect is not Effect.ALLOW:
        yield from _differ("rule", rule, verdict.rule)
    yield from _differ("matched", list(record.get("matched", ())), list(verdict.matched))
    yield from _differ("notes", list(record.get("notes", ())), list(verdict.notes))
    for name, again in (("sandbox", str(verdict.sandbox)), ("approvers", verdict.approvers)):
        if name in record:  # where the verdict has more to say than usual
            yield from _differ(name, record[name], again)
    counted = [each["class"] for each in record.get("buckets", ())]
    ran = verdict.allowed and record["what"] == "tools/call" and record["outcome"] in _RAN
    if not set(counted) <= set(verdict.rates) or (ran and len(counted) != len(verdict.rates)):
        yield Difference("rates", counted, list(verdict.rates))


def _granted(record: Record, inputs: Inputs, roles: Roles) -> Iterator[Difference]:
    """What the roles gave the caller at that time."""
    who = f"{inputs.tenant}/{inputs.principal_id}"
    held = roles.capabilities(inputs.roles, inputs.kind, who, inputs.now)
    if held != inputs.held:
        yield Difference("capabilities", record["capabilities"], sorted(held))
    denied = {}
    wanted = inputs.tool.capability
    if wanted not in held and (reason := roles.denial(wanted, inputs.roles, inputs.kind, who, inputs.now)):
        denied = {wanted: reason}
    yield from _differ("denied", dict(inputs.denied), denied)


def _buckets(record: Record) -> Iterator[Difference]:
    """What each bucket had left, and whether the one that refused was empty."""
    refused = record.get("rule", "")
    for each in record.get("buckets", ()):
        name, before, rate = each["class"], float(each["before"]), int(each["rate"])
        _, again = take(Bucket(before, each["clock"]), rate, each["clock"])
        if not math.isclose(again.after, each["after"], abs_tol=_EXACT):
            yield Difference(f"bucket {name}", each["after"], again.after)
        allowed = refused != f"{_RATE}{name}"
        if again.allowed is not allowed and not math.isclose(before, 1.0, abs_tol=_EXACT):
            yield Difference(f"bucket {name}", _allows(allowed), _allows(again.allowed))


def _allows(allowed: bool) -> str:
    return "allowed" if allowed else "refused"


def _findings(record: Record, inputs: Inputs, policy: Policy, plan: Plan) -> Iterator[Difference]:
    """What inspection sees in the kept arguments, by place and rule."""
    from .inspection import inspect  # noqa: PLC0415 - its tables take a second, and few records need them

    seen = Counter(
        f"{pointer or '/'}: {finding.rule}"
        for pointer, text, kind in walk(inputs.arguments, plan)
        for finding in inspect(text, _kind(policy, inputs.tool.name, pointer, kind)).findings
    )
    told = Counter(
        f"{each['at'] or '/'}: {each['rule']}" for each in record.get("findings", ()) if each["rule"] != RULE
    )
    if record.get("inspection", {}).get("found", 0) > len(record.get("findings", ())):  # not all had room
        if told - seen:
            yield Difference("findings", sorted(told), sorted(seen))
    else:
        yield from _differ("findings", sorted(told.elements()), sorted(seen.elements()))


def _kind(policy: Policy, tool: str, pointer: str, kind: str) -> str:
    """As what a text was read: as the policy says, or else as the tool does."""
    return policy.reading(tool, pointer.split("/", 2)[1] if pointer else "") or kind


def _differ(what: str, recorded: Any, recomputed: Any) -> Iterator[Difference]:
    if recorded != recomputed:
        yield Difference(what, recorded, recomputed)
