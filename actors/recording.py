"""Writes the audit record of each governed message before its answer leaves."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable

from aura_ia_mcp.bus.address import Address
from aura_ia_mcp.bus.errors import AuraError, Outcome
from aura_ia_mcp.bus.messages import JSON
from aura_ia_mcp.stores.audit import AuditError, AuditWriter, Written

from .case import Case
from .layers import layer, with_layers
from .record import members, refused

log = logging.getLogger(__name__)


class Recording:
    """Safety's record keeping.

    Promises: whoever gets an answer or an error gets it after its record was written, and no secret in either.

    Args:
        audit: the writer.
        address: Safety's, for the layers of an answer.

    Attributes:
        counts: of what was allowed and denied, and of records that failed.
    """

    def __init__(self, audit: AuditWriter, address: Address) -> None:
        self._audit = audit
        self._address = address
        self.counts = {"allowed": 0, "denied": 0, "audit_failures": 0}

    def ready(self) -> None:
        """Check that a record could be written now.

        Raises:
            AuditError: it could not.
        """
        self._audit.ready()

    async def of(self, case: Case, work: Awaitable[JSON]) -> JSON:
        """The work's reply with the record's id and receipt, once it is written; or its error likewise."""
        try:
            reply = await work
        except AuraError as error:
            raise self._failed(case, error) from None
        except asyncio.CancelledError:
            case.outcome = "deadline_exceeded" if case.header.remaining_s <= 0 else "cancelled"
            try:
                self.append("call", case)
            except AuraError as error:
                log.error("a cancelled call could not be recorded: %s", error)  # noqa: TRY400 - the cause is in it
            raise
        except Exception as error:
            case.outcome, case.failure = "error", AuraError("handler_failed", type(error).__name__).failure
            self.append("call", case)
            raise
        if not case.outcome:
            case.outcome = "replayed"
        self.counts["allowed"] += not refused(case)  # its client's user is asked first
        written = self._write("call", case)
        told = (reply.get("_meta") or {}) | {"aura/audit_id": written.id, "aura/receipt": written.receipt}
        return with_layers(reply | {"_meta": told}, [layer(self._address, case.ms), *case.layers])

    def _failed(self, case: Case, raw: AuraError) -> AuraError:
        """The error as the caller gets it, recorded unless that is what failed."""
        error = case.marked(raw)
        case.failure = error.failure
        denied = error.failure.type == "forbidden" or bool(case.rule) or refused(case)
        case.outcome = "refused" if denied else "error"
        self.counts["denied"] += denied
        if error.code == "audit_failed":
            self.counts["audit_failures"] += 1
            return error
        written = self._write("call", case)
        return error.with_audit(written.id, written.receipt)

    def append(self, kind: str, case: Case) -> str:
        """Write a record of the case as it stands: its id.

        Raises:
            AuraError: `audit_failed`.
        """
        return self._write(kind, case).id

    def _write(self, kind: str, case: Case) -> Written:
        try:
            return self._audit.append(kind, members(case, self._audit.digest))
        except AuditError as error:
            self.counts["audit_failures"] += 1
            log.error("audit: %s", error)  # noqa: TRY400 - the cause is in it
            raise _unrecorded(kind, case, error) from error


def _unrecorded(kind: str, case: Case, error: AuditError) -> AuraError:
    """What the caller is told in place of an answer that no record tells of; it says whether the call ran."""
    stopped = case.failure is not None and case.failure.outcome == Outcome.NOT_RUN
    if kind == "opened_call" or stopped:
        return AuraError("audit_failed", f"the call could not be recorded: {error}", outcome=Outcome.NOT_RUN)
    if not case.opened:
        return AuraError("audit_failed", f"the call changed nothing, and its answer can't be recorded: {error}")
    return AuraError(
        "audit_failed",
        f"the call ran as {case.opened} tells, and how it ended can't be recorded: {error}",
        recovery="Check what it did before you repeat it, and mend what the message says.",
        audit_id=case.opened,
    )
