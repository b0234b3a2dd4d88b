"""An approval's life: asked for, decided, used once, or over. Pure: a state, an event and a time give the next state.

What holds of every approval, whatever events come in whatever order and however the clock jumps:

- it is used only after enough others agreed (to a call that is merely to be confirmed: its client's own user);
- each of its rounds is used once; a denied or expired one never;
- nobody decides on what they asked for, and no two who agree are the same;
- nothing happens to it after its deadline, and what is over stays over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

CONFIRM, APPROVE, REQUEST = "confirm", "approve", "request"
PENDING, APPROVED, DENIED, EXPIRED, USED = STATUSES = ("pending", "approved", "denied", "expired", "used")
OPERATOR, CLIENT = "operator", "client"

_AGREED = "Somebody else must agree, too; your own yes counts already."
_ASKED_AGAIN = "Call the tool again, without requestState: its user is asked anew, or an operator agrees."
_OVER = "It is over: the caller makes the call again, and it is held anew."
_SOMEBODY_ELSE = "Somebody else decides; `aura token create NAME --role operator --kind human` lets a person do so."


class RefusalError(Exception):
    """An event that can't happen to this approval.

    Args:
        code: of the system's table of errors.
        message: what is so, for a person.
        recovery: what to do next, where it isn't what the table says.
    """

    def __init__(self, code: str, message: str, recovery: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.recovery = recovery


@dataclass(frozen=True, slots=True)
class Decision:
    """What one person said.

    Args:
        by: tenant/id.
        decision: approve or deny.
        reason: why; may be empty when it agrees.
        at: Unix seconds.
        how: `operator`, or `client` when the asking client's own user confirmed it.
    """

    by: str
    decision: str
    reason: str
    at: float
    how: str


@dataclass(frozen=True, slots=True)
class Use:
    """The call that ran last: its id, and when (Unix seconds)."""

    call: str
    at: float


@dataclass(frozen=True, slots=True)
class Approval:
    """One approval.

    Args:
        approval_id: names it.
        mode: `confirm`, `approve`, or `request` when it was asked for ahead of any call.
        principal: who asked: {id, kind, tenant, roles}.
        tool: which tool may be called; "" when words alone are to be approved.
        operation: what was asked for, in words; "" of a call that was held.
        server: the virtual server of the call that was held.
        arguments: as a decider may see them.
        arguments_hash: keyed digest of the real ones.
        contract: fingerprint of the tool's contract.
        policy: version of the policy.
        rule: which asked for it.
        reason: why it is asked for.
        risk: {level, score, factors}.
        findings: of the inspection.
        approvers: how many must agree.
        call: id of the call that asked.
        requested_at: Unix seconds, as are all times.
        expires_at: no answer by then is a no; a denial stands until then.
        changed_at: of its newest event; for this approval no time before it ever comes again.
        status: one of `STATUSES`.
        usable_until: of an approved one; of a used one, until when a tool that asks back may go on.
        decisions: in order.
        used: the last run, if any.
        declined: how many questions whether it may run its client's own user said no to.
        round: of the last run: 0, or how often the tool has asked back and gone on.
        audit_id: of the newest record that tells of it.
    """

    approval_id: str
    mode: str
    principal: Mapping[str, Any]
    tool: str
    operation: str
    server: str
    arguments: Mapping[str, Any]
    arguments_hash: str
    contract: str
    policy: str
    rule: str
    reason: str
    risk: Mapping[str, Any]
    findings: tuple[Mapping[str, Any], ...]
    approvers: int
    call: str
    requested_at: float
    expires_at: float
    changed_at: float
    status: str = PENDING
    usable_until: float | None = None
    decisions: tuple[Decision, ...] = ()
    used: Use | None = None
    round: int = 0
    declined: int = 0
    audit_id: str = ""

    @property
    def asker(self) -> str:
        """Who asked, as tenant/id."""
        return f"{self.principal['tenant']}/{self.principal['id']}"

    @property
    def binding(self) -> dict[str, str]:
        """What it is good for, and nothing else."""
        return {
            "principal": self.asker,
            "tool": self.tool,
            "contract": self.contract,
            "arguments": self.arguments_hash,
            "policy": self.policy,
        }

    @property
    def agreed(self) -> tuple[str, ...]:
        """Who agreed."""
        return tuple(each.by for each in self.decisions if each.decision == "approve")

    @property
    def due(self) -> float | None:
        """When it expires by itself; None when it no longer can."""
        return {PENDING: self.expires_at, APPROVED: self.usable_until}.get(self.status)

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        plain = asdict(self)
        return plain | {name: list(plain[name]) for name in ("findings", "decisions")}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Approval:
        """Read `as_dict`'s form; members that this version doesn't know are ignored."""
        known = {each.name: data[each.name] for each in fields(cls) if each.name in data}
        known["findings"] = tuple(data["findings"])
        known["decisions"] = tuple(Decision(**each) for each in data["decisions"])
        known["used"] = Use(**data["used"]) if data["used"] else None
        return cls(**known)


def stands(approval: Approval, now: float) -> bool:
    """Whether it is the answer to its call now: it waits, permits, or forbids."""
    status = expire(approval, now).status
    return status in (PENDING, APPROVED) or (status == DENIED and now < approval.expires_at)


def answering(found: Iterable[Approval], mode: str, approvers: int, now: float) -> Approval | None:
    """Which of the approvals with the same binding answers for a call that must be agreed to in this way.

    A denial comes first, then a permission. One that asked for less than is asked for now doesn't count.
    """
    standing = [each for each in found if stands(each, now)]
    for status in (DENIED, APPROVED, PENDING):
        for each in standing:
            enough = mode == CONFIRM or (each.mode != CONFIRM and each.approvers >= approvers)
            if each.status == status and (enough or status == DENIED):
                return each
    return None


def expire(approval: Approval, now: float) -> Approval:
    """The approval as it is at `now`: expired if its time is over, else unchanged."""
    due = approval.due
    now = max(now, approval.changed_at)
    return approval if due is None or now < due else replace(approval, status=EXPIRED, changed_at=now)


def decide(approval: Approval, by: str, decision: str, reason: str, now: float, *, use_within_s: float) -> Approval:
    """Somebody else (tenant/id) says `approve` or `deny`.

    Raises:
        RefusalError: `forbidden`: who asked for it; `invalid_arguments`: a denial without a reason;
            `approval_conflict`: it is decided or over, or they agreed already and it takes another.
    """
    approval = expire(approval, now)
    if by == approval.asker:
        said = f"{by} asked for it, and nobody decides on what they asked for themselves"
        raise RefusalError("forbidden", said, _SOMEBODY_ELSE)
    if approval.status != PENDING:
        recovery = _OVER if approval.status == EXPIRED else None
        raise RefusalError("approval_conflict", f"{approval.approval_id} {settled(approval)}", recovery)
    if decision == "deny" and not reason.strip():
        raise RefusalError("invalid_arguments", "a denial needs a reason: it is told to whoever asked")
    if decision == "approve" and by in approval.agreed:
        missing = approval.approvers - len(approval.agreed)
        said = f"{by} agreed already; {missing} more must, and each another one"
        raise RefusalError("approval_conflict", said, _AGREED)
    return _decided(approval, Decision(by, decision, reason.strip(), now, OPERATOR), use_within_s)


def confirm(
    approval: Approval, binding: Mapping[str, str], question: int, now: float, *, use_within_s: float
) -> Approval:
    """The user of the client that asked agrees; where somebody agreed before, nothing changes.

    Args:
        approval: as it is.
        binding: of the call.
        question: how many the user had declined when this one was put.
        now: Unix seconds.
        use_within_s: how long it can be used from now.

    Raises:
        RefusalError: `forbidden`: it takes somebody else; `confirmation_required`: the user said no to this question
            before; else as `use` says.
    """
    approval = expire(approval, now)
    _check_binding(approval, binding)
    if approval.mode != CONFIRM:
        raise RefusalError("forbidden", f"{approval.approval_id} takes somebody else's word than its own caller's")
    if approval.status == APPROVED:
        return approval
    if approval.status != PENDING:
        raise _unusable(approval)
    if question != approval.declined:
        said = f"the question whether {approval.approval_id} may run was declined, and a later yes to it doesn't count"
        raise RefusalError("confirmation_required", said, _ASKED_AGAIN)
    return _decided(approval, Decision(approval.asker, "approve", "", now, CLIENT), use_within_s)


def decline(approval: Approval, binding: Mapping[str, str], question: int, now: float) -> Approval:
    """The user of the client that asked says no: to this question, for good; others may still agree to the call.

    Args:
        approval: as it is.
        binding: of the call.
        question: as in `confirm`; one that was declined before changes nothing.
        now: Unix seconds.

    Raises:
        RefusalError: as `use` says: it is used, denied or over.
    """
    approval = expire(approval, now)
    _check_binding(approval, binding)
    if approval.status not in (PENDING, APPROVED):
        raise _unusable(approval)
    if question != approval.declined:
        return approval
    return replace(approval, declined=question + 1, changed_at=max(now, approval.changed_at))


def use(
    approval: Approval, binding: Mapping[str, str], call: str, number: int, now: float, *, use_within_s: float
) -> Approval:
    """A call runs on it. Whoever repeats the very same event changes nothing.

    Args:
        approval: as it is.
        binding: of the call.
        call: its id.
        number: its round: 0, or the one after the last that ran.
        now: Unix seconds.
        use_within_s: how long a tool that asks back may go on after this.

    Raises:
        RefusalError: `unknown_approval`: it is for something else; `approval_denied`, `approval_used`; or
            `approval_required`, `confirmation_required`: nobody agreed, yet or in time.
    """
    approval = expire(approval, now)
    _check_binding(approval, binding)
    if approval.used is not None and (approval.used.call, approval.round) == (call, number):
        return approval
    now = max(now, approval.changed_at)
    begins = approval.status == APPROVED and number == 0
    in_time = approval.usable_until is not None and now < approval.usable_until
    if begins or (approval.status == USED and number == approval.round + 1 and in_time):
        return replace(
            approval, status=USED, used=Use(call, now), round=number, usable_until=now + use_within_s, changed_at=now
        )
    raise _unusable(approval)


def settled(approval: Approval) -> str:
    """What became of it, for a person: "was approved by local/ada"."""
    last = approval.decisions[-1] if approval.decisions else None
    if approval.status == EXPIRED:
        return "has expired: nobody used it in time" if approval.usable_until else "has expired: no answer is a no"
    if last is None:
        return "waits for somebody to decide"
    if approval.status == DENIED:
        return f"was denied by {last.by}: {last.reason}"
    by = " and ".join(approval.agreed)
    return f"was approved by {by}" + (" and used" if approval.status == USED else "")


def _decided(approval: Approval, decision: Decision, use_within_s: float) -> Approval:
    at = max(decision.at, approval.changed_at)
    changed = replace(approval, decisions=(*approval.decisions, replace(decision, at=at)), changed_at=at)
    if decision.decision == "deny":
        return replace(changed, status=DENIED)
    if approval.mode != CONFIRM and len(changed.agreed) < approval.approvers:
        return changed
    return replace(changed, status=APPROVED, usable_until=at + use_within_s)


def _check_binding(approval: Approval, binding: Mapping[str, str]) -> None:
    if approval.binding != dict(binding):
        raise RefusalError("unknown_approval", f"{approval.approval_id} isn't for this very call")


def _unusable(approval: Approval) -> RefusalError:
    said = f"{approval.approval_id} {settled(approval)}"
    if approval.status == DENIED:
        return RefusalError("approval_denied", said)
    if approval.status == USED:
        return RefusalError("approval_used", f"{said}: an approval is good for one run")
    return RefusalError("confirmation_required" if approval.mode == CONFIRM else "approval_required", said)
