"""All approvals: kept in the database, changed by compare and swap, each change told to the audit."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from aura_ia_mcp.bus.messages import JSON
from aura_ia_mcp.bus.tokens import digest
from aura_ia_mcp.configs.settings import Approvals as Limits
from aura_ia_mcp.judgement.approvals import APPROVED, PENDING, Approval, RefusalError, answering, expire
from aura_ia_mcp.stores.audit import AuditError, AuditWriter
from aura_ia_mcp.stores.records import Record, RecordStore, StaleRecordError

from .approval_records import told

KIND = "approval"
_OWED = "unrecorded"  # member of the kept value: records of the audit that aren't written yet
_TRIES = 5
_PAGE = 200
_MOST_PAGES = 50
_MOST_BINDING = 20
_MOST_SWEPT = 100

Step = Callable[[Approval, float], Approval]


@dataclass(frozen=True, slots=True)
class _Open:
    """What is known of an approval that can still expire."""

    asker: str
    status: str
    due: float


class ApprovalLedger:
    """Approvals by id. Blocks while the database works; for one thread.

    Promises: a change is in the database before its records are in the audit, and both before a method returns; the
    records that are owed lie in the database beside the change, so that the next start writes them if this process
    dies between the two (a record of the same step may then appear twice, with the same members). Nothing further
    happens to an approval until they are written. Time never runs backwards here.

    Args:
        records: where approvals lie; their kind is `approval`.
        audit: writes the records.
        limits: how many may wait.
        clock: Unix seconds.
    """

    def __init__(
        self, records: RecordStore, audit: AuditWriter, limits: Limits, clock: Callable[[], float] = time.time
    ) -> None:
        self._records = records
        self._audit = audit
        self._limits = limits
        self._clock = clock
        self._latest = float("-inf")
        self._open: dict[str, _Open] = {}
        self._in_debt: set[str] = set()
        self.decided = 0
        self._load()

    @property
    def now(self) -> float:
        """Unix seconds; never less than before."""
        self._latest = max(self._latest, self._clock())
        return self._latest

    @property
    def pending(self) -> int:
        """How many wait for somebody."""
        return sum(each.status == PENDING for each in self._open.values())

    def due(self) -> bool:
        """Whether `sweep` would find anything to do."""
        now = self.now
        return bool(self._in_debt) or any(each.due <= now for each in self._open.values())

    # --- reading ------------------------------------------------------------------------------------------------------

    def get(self, approval_id: str) -> Approval:
        """One approval as it is now.

        Raises:
            RefusalError: `unknown_approval`.
        """
        return expire(self._read(approval_id)[1], self.now)

    def find(self, status: str | None, limit: int, may: Callable[[Approval], bool]) -> tuple[list[Approval], bool]:
        """Those with this status that somebody may see, the last changed first; and whether there may be more."""
        found: list[Approval] = []
        before: Record | None = None
        for _ in range(_MOST_PAGES):
            page = self._records.find(KIND, status=status, limit=_PAGE, before=before)
            for record in page:
                approval = expire(Approval.from_dict(record.value), self.now)
                if status in (None, approval.status) and may(approval):
                    if len(found) == limit:
                        return found, True
                    found.append(approval)
            if len(page) < _PAGE:
                return found, False
            before = page[-1]
        return found, True

    # --- changing -----------------------------------------------------------------------------------------------------

    def hold(self, draft: Approval) -> Approval:
        """The approval that answers for this binding now; the draft itself where there is none.

        Raises:
            RefusalError: `rate_limited`: too many wait already.
            AuditError, RecordError: it can't be recorded or kept.
        """
        kept = self._records.find(KIND, binding=_binding(draft), limit=_MOST_BINDING)
        found = [self._settled(record)[1] for record in kept]
        answer = answering(found, draft.mode, draft.approvers, self.now)
        if answer is not None:
            return answer
        self._check_room(draft.asker)
        self._audit.ready()
        return self._write(0, None, draft)

    def change(self, approval_id: str, step: Step) -> Approval:
        """Let something happen to an approval; it expires first if its time is over.

        Args:
            approval_id: which one.
            step: gives the approval after it, from the one before it and the time.

        Raises:
            RefusalError: what the step says, or `unknown_approval`.
            AuditError, RecordError: it can't be recorded or kept.
        """
        self._audit.ready()
        for _ in range(_TRIES):
            try:
                revision, before = self._read(approval_id)
                now = self.now
                current = expire(before, now)
                if current is not before:
                    self._write(revision, before, current)
                    revision, current = self._read(approval_id)
                after = step(current, now)
                return current if after is current else self._write(revision, current, after)
            except StaleRecordError:
                continue
        raise StaleRecordError(f"{approval_id} was changed {_TRIES} times meanwhile; try again")

    def sweep(self) -> None:
        """Note what has expired, and write records that are owed; at most a hundred of each at a time."""
        now = self.now
        over = [approval_id for approval_id, each in self._open.items() if each.due <= now]
        for approval_id in [*list(self._in_debt)[:_MOST_SWEPT], *over[:_MOST_SWEPT]]:
            try:
                self.change(approval_id, lambda approval, _now: approval)
            except RefusalError:  # somebody removed it
                self._open.pop(approval_id, None)
                self._in_debt.discard(approval_id)

    # --- parts --------------------------------------------------------------------------------------------------------

    def _load(self) -> None:
        """Write what the last life still owed, and see what is open."""
        for record in self._records.find(KIND, limit=_PAGE):  # it died over its last changes, if over any
            if record.value.get(_OWED):
                self._in_debt.add(record.key)
        for status in (PENDING, APPROVED):
            before: Record | None = None
            while page := self._records.find(KIND, status=status, limit=_PAGE, before=before):
                for record in page:
                    self._index(Approval.from_dict(record.value))
                before = page[-1]
        self.sweep()

    def _read(self, approval_id: str) -> tuple[int, Approval]:
        """Its revision and state, once all that happened to it is recorded."""
        record = self._records.get(KIND, approval_id)
        if record is None:
            raise RefusalError("unknown_approval", f"there is no approval {approval_id[:64]!r}")
        return self._settled(record)

    def _write(self, revision: int, before: Approval | None, after: Approval) -> Approval:
        value = after.as_dict() | {_OWED: told(before, after)}
        record = self._records.swap(
            KIND,
            after.approval_id,
            value,
            revision,
            status=after.status,
            binding=_binding(after),
            expires_at=_end(after),
        )
        self._index(after)
        if before is not None and before.status == PENDING and after.decisions != before.decisions:
            self.decided += after.status != PENDING
        return self._settled(record)[1]

    def _settled(self, record: Record) -> tuple[int, Approval]:
        """Write the audit records that a change still owes."""
        owed: list[JSON] = record.value.get(_OWED) or []
        if not owed:
            return record.revision, Approval.from_dict(record.value)
        audit_id = ""
        try:
            for each in owed:
                audit_id = self._audit.append(each["kind"], each["fields"]).id
        except AuditError:
            self._in_debt.add(record.key)
            raise
        value = record.value | {_OWED: [], "audit_id": audit_id}
        paid = self._records.swap(
            KIND,
            record.key,
            value,
            record.revision,
            status=record.status,
            binding=record.binding,
            expires_at=record.expires_at,
        )
        self._in_debt.discard(record.key)
        return paid.revision, Approval.from_dict(value)

    def _index(self, approval: Approval) -> None:
        due = approval.due
        if due is None:
            self._open.pop(approval.approval_id, None)
        else:
            self._open[approval.approval_id] = _Open(approval.asker, approval.status, due)

    def _check_room(self, asker: str) -> None:
        waiting = [each for each in self._open.values() if each.status == PENDING]
        own = sum(each.asker == asker for each in waiting)
        if own >= self._limits.most_pending_per_principal:
            raise RefusalError(
                "rate_limited", f"{own} approvals that {asker} asked for wait already; have some of them decided first"
            )
        if len(waiting) >= self._limits.most_pending:
            raise RefusalError(
                "rate_limited", f"{len(waiting)} approvals wait already; have some of them decided first"
            )


def _binding(approval: Approval) -> str:
    """What the database finds it by: one text for one binding; words alone are part of their own."""
    return digest(approval.binding if approval.tool else [approval.binding, approval.operation])


def _end(approval: Approval) -> float:
    """From when on nothing more can come of it; the database keeps it for a month after that."""
    return max(approval.expires_at, approval.usable_until or 0.0)
