"""What another policy would have made of recorded calls: whom it would stop, admit, or have asked for consent.

Everything else is taken as it was: findings, risk, trust, safe mode, and the time. So what a policy changes in how
arguments are read (`inspection`) and how many calls fit into a minute (`rates`) doesn't show.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from .policy import Effect, Inputs, Policy, Verdict
from .recorded import Archive, Reader, Record, UnreadableError
from .replay import NO_INPUTS, NO_POLICY, UNKNOWN, blind
from .roles import Roles

NOT_INSPECTED = "its arguments weren't inspected, for its caller couldn't use the tool then"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One call under both policies.

    Args:
        before: the effect that is recorded.
        after: that of the other policy.
        rule: the other policy's that decides; "" where that can't be told.
        reason: what the caller would be told.
        unknown: why it can't be told what would become of the call, or "".
    """

    before: str
    after: str
    rule: str = ""
    reason: str = ""
    unknown: str = ""


class WhatIf:
    """Puts recorded calls to another policy.

    Args:
        policy: the other one.
        roles: another role table; None takes what the roles gave then.
        archive: the rules that records name.
    """

    def __init__(self, policy: Policy, roles: Roles | None, archive: Archive) -> None:
        self._policy = policy
        self._roles = roles
        self._archive = archive
        self._reader = Reader()

    def of(self, record: Record) -> Outcome | None:
        """What would become of a call; None for a record that is none, or that was refused before any verdict."""
        before = record.get("verdict", "")
        if record["kind"] != "call" or not before:
            return None
        if "inputs" not in record:  # what there isn't no policy admits
            return Outcome(before, before if record["rule"] == UNKNOWN else "", unknown=_missing(record))
        try:
            recorded = self._reader.inputs(record)
        except UnreadableError as error:
            return Outcome(before, "", unknown=str(error))
        verdict = self._policy.decide(self._granted(recorded))
        if unknown := blind(record, verdict) or self._unseen(record, recorded, verdict):
            return Outcome(before, "", unknown=unknown)
        return Outcome(before, str(verdict.effect), verdict.rule, verdict.reason)

    def _granted(self, inputs: Inputs) -> Inputs:
        """With what the other role table gives the caller."""
        if self._roles is None:
            return inputs
        who, wanted = f"{inputs.tenant}/{inputs.principal_id}", inputs.tool.capability
        held = self._roles.capabilities(inputs.roles, inputs.kind, who, inputs.now)
        reason = "" if wanted in held else self._roles.denial(wanted, inputs.roles, inputs.kind, who, inputs.now)
        return replace(inputs, held=held, denied={wanted: reason} if reason else {})

    def _unseen(self, record: Record, inputs: Inputs, verdict: Verdict) -> str:
        """Why nobody looked into the arguments of a call that would now get further; "" when somebody did."""
        if verdict.effect is Effect.DENY or record["verdict"] != str(Effect.DENY):
            return ""
        policy = self._archive.policy(record["policy"])
        if policy is None:
            return NO_POLICY
        return "" if policy.visible(inputs) else NOT_INSPECTED


def _missing(record: Record) -> str:
    return "" if record["rule"] == UNKNOWN else NO_INPUTS
