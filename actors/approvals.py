"""L0: what waits for somebody's agreement, who agreed, and that each agreement is used once."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from aura_ia_mcp.bus.bus import Bus, Context, handles
from aura_ia_mcp.bus.envelope import Principal
from aura_ia_mcp.bus.errors import AuraError, Outcome, RefusedError
from aura_ia_mcp.bus.messages import JSON, CallTool, ConfirmHeld, HoldCall, UseApproval
from aura_ia_mcp.bus.tokens import Claims, digest
from aura_ia_mcp.judgement import approvals
from aura_ia_mcp.judgement.approvals import APPROVED, DENIED, Approval, RefusalError
from aura_ia_mcp.stores.audit import AuditError
from aura_ia_mcp.stores.database import Database, RecordError
from aura_ia_mcp.stores.records import RecordStore

from .approval_drafts import NAMED, OBSERVED, held, requested
from .approval_ledger import ApprovalLedger
from .audience import Audience
from .boot import Boot
from .reporting import Reporter
from .sources import result

log = logging.getLogger(__name__)

_PERIOD_S = 1.0
_LISTED = 50
_RETRY_S = 2.0
_WHAT = {APPROVED: "approval_granted", DENIED: "approval_refused"}

_T = TypeVar("_T")


class Approvals:
    """Holds calls until somebody agrees, and runs the tools by which people ask, look and decide.

    Promises: what it answered is on disk and in the audit; an agreement binds principal, tool, contract, arguments and
    policy, is used once, and ends by itself (`judgement/approvals.py` says how); after a restart all is as it was.

    Args:
        boot: `audience_key` among it.
        clock: Unix seconds.
        period_s: between two looks for what has expired.
    """

    def __init__(self, boot: Boot, clock: Callable[[], float] = time.time, period_s: float = _PERIOD_S) -> None:
        self._boot = boot
        self._limits = boot.settings.approvals
        self._clock = clock
        self._period_s = period_s
        self._thread = ThreadPoolExecutor(1, "approvals")  # one change at a time
        self._audience = Audience(
            boot,
            {
                "request_approval": self._request,
                "get_approval": self._get,
                "list_approvals": self._list,
                "decide_approval": self._decide,
            },
        )

    async def start(self, bus: Bus) -> None:
        """Read what is open, and begin to look for what expires."""
        self._ledger = await self._in_thread(self._open)
        self._watching = asyncio.create_task(self._watch(), name="watch the approvals' deadlines")
        self._reporter = Reporter(bus, lambda: {"pending": self._ledger.pending, "decided": self._ledger.decided})
        self._reporter.start()

    async def stop(self) -> None:
        """End; what was begun is finished."""
        await self._reporter.stop()
        self._watching.cancel()
        await asyncio.gather(self._watching, return_exceptions=True)
        await asyncio.to_thread(self._thread.shutdown)
        await asyncio.to_thread(self._database.close)

    def _open(self) -> ApprovalLedger:
        self._database = Database.of(self._boot.settings, self._boot.paths)
        return ApprovalLedger(RecordStore(self._database), self._boot.audit, self._limits, self._clock)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._period_s)
            if self._ledger.due():
                try:
                    await self._in_thread(self._ledger.sweep)
                except AuraError as error:
                    log.error("what has expired can't be noted now: %s", error)  # noqa: TRY400 - tried again, told short

    async def _in_thread(self, work: Callable[[], _T], approval_id: str | None = None) -> _T:
        """Do it in the one thread that changes approvals; its faults as errors of the system."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except RefusalError as error:
            raise AuraError(error.code, str(error), recovery=error.recovery, approval_id=approval_id) from None
        except AuditError as error:
            raise AuraError(
                "audit_failed", f"nothing is decided unrecorded: {error}", outcome=Outcome.UNKNOWN
            ) from error
        except RecordError as error:
            raise AuraError("unavailable", f"approvals can't be kept: {error}", retry_after_s=_RETRY_S) from error

    # --- what Safety asks ---------------------------------------------------------------------------------------------

    @handles(HoldCall)
    async def hold_call(self, message: HoldCall, context: Context) -> JSON:
        """The approval that answers for this binding; a new one if none does."""
        _only_safety(context)
        ledger = self._ledger
        draft = held(message, ledger.now, self._limits.decide_within_s)
        return _told(await self._in_thread(lambda: ledger.hold(draft)))

    @handles(ConfirmHeld)
    async def confirm_held(self, message: ConfirmHeld, context: Context) -> JSON:
        """The client's own user agreed, or declined."""
        _only_safety(context)
        binding, question, within_s = message.binding, message.question, self._limits.use_within_s

        def step(approval: Approval, now: float) -> Approval:
            if not message.agreed:
                return approvals.decline(approval, binding, question, now)
            return approvals.confirm(approval, binding, question, now, use_within_s=within_s)

        return _told(await self._change(message.approval, step))

    @handles(UseApproval)
    async def use_approval(self, message: UseApproval, context: Context) -> JSON:
        """One run of the call that it is for."""
        _only_safety(context)
        within_s = self._limits.use_within_s

        def step(approval: Approval, now: float) -> Approval:
            return approvals.use(approval, message.binding, message.call, message.round, now, use_within_s=within_s)

        return _told(await self._change(message.approval, step))

    async def _change(self, approval_id: str, step: Callable[[Approval, float], Approval]) -> Approval:
        return await self._in_thread(lambda: self._ledger.change(approval_id, step), approval_id[:64])

    # --- tools --------------------------------------------------------------------------------------------------------

    @handles(CallTool)
    async def call_tool(self, message: CallTool, context: Context) -> JSON:
        """Run one of the tools of this audience."""
        return await self._audience.run(message, context)

    async def _request(self, message: CallTool, context: Context, claims: Claims) -> JSON:
        principal, ledger = _caller(context), self._ledger
        arguments_hash = self._boot.audit.digest(digest(message.arguments.get("arguments") or {}))  # as Safety's record
        draft = requested(
            message.arguments,
            message.meta.get(NAMED) or {},
            principal,
            claims.call,
            arguments_hash,
            ledger.now,
            self._limits.decide_within_s,
        )
        found = await self._in_thread(lambda: ledger.hold(draft))
        members = ("approval_id", "status", "expires_at", "usable_until", "tool")
        return result({name: getattr(found, name) for name in members})

    async def _get(self, message: CallTool, context: Context, claims: Claims) -> JSON:
        may = _sight(context, claims)
        wanted = str(message.arguments["approval_id"])
        found = await self._in_thread(lambda: self._ledger.get(wanted))
        if not may(found):  # as if it weren't there: whoever guesses learns nothing
            raise AuraError("unknown_approval", f"there is no approval {wanted[:64]!r}")
        return result(found.as_dict())

    async def _list(self, message: CallTool, context: Context, claims: Claims) -> JSON:
        may = _sight(context, claims)
        status, limit = message.arguments.get("status"), int(message.arguments.get("limit", _LISTED))
        found, more = await self._in_thread(lambda: self._ledger.find(status, limit, may))
        return result({"approvals": [_row(each) for each in found], "more": more})

    async def _decide(self, message: CallTool, context: Context, claims: Claims) -> JSON:
        if not claims.operates:
            raise AuraError("forbidden", "only a holder of the capability operate decides on approvals")
        by, given = _caller(context).name, message.arguments
        within_s = self._limits.use_within_s

        def step(approval: Approval, now: float) -> Approval:
            said, why = given["decision"], given.get("reason", "")
            return approvals.decide(approval, by, said, why, now, use_within_s=within_s)

        found = await self._change(str(given["approval_id"]), step)
        what = _WHAT.get(found.status)
        meta = {OBSERVED: {"principal": dict(found.principal), "what": what}} if what else {}
        return result(found.as_dict()) | {"_meta": meta}


def _only_safety(context: Context) -> None:
    source = context.envelope.source
    if source.role != "safety":
        raise RefusedError("forbidden", f"{source} holds no calls; only Safety does")


def _sight(context: Context, claims: Claims) -> Callable[[Approval], bool]:
    """Which approvals the caller may see: its own, or all if it operates the system."""
    caller = _caller(context).name
    return lambda approval: claims.operates or approval.asker == caller


def _caller(context: Context) -> Principal:
    if context.header.principal is None:
        raise AuraError("unauthenticated", "approvals need a principal")
    return context.header.principal


def _told(approval: Approval) -> JSON:
    return {"approval": approval.as_dict()}


def _row(approval: Approval) -> JSON:
    """What a list shows: enough to choose by."""
    return {
        "approval_id": approval.approval_id,
        "status": approval.status,
        "mode": approval.mode,
        "tool": approval.tool,
        "operation": approval.operation,
        "by": approval.asker,
        "reason": approval.reason,
        "risk": approval.risk["level"],
        "requested_at": approval.requested_at,
        "expires_at": approval.expires_at,
        "approvers": approval.approvers,
        "agreed": list(approval.agreed),
    }
