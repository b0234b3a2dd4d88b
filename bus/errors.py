"""The one error table of the system.

Only plain failure data (`Failure`) crosses a process; `AuraError` is its form inside one. Groups follow what the
reader can do: fix the input, ask for a permission, wait, or look for a fault.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any


class ErrorType(StrEnum):
    """What kind of trouble it is, and so what the caller can do."""

    VALIDATION = "validation"
    FORBIDDEN = "forbidden"
    APPROVAL_REQUIRED = "approval_required"
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"
    TIMEOUT = "timeout"
    EXECUTION = "execution"


class Outcome(StrEnum):
    """Whether the work behind a failed call was done."""

    NOT_RUN = "not_run"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table: what every failure with this code has in common."""

    type: ErrorType
    outcome: Outcome
    recovery: str
    retryable: bool = False


_V, _F, _U, _T, _E = (
    ErrorType.VALIDATION,
    ErrorType.FORBIDDEN,
    ErrorType.UNAVAILABLE,
    ErrorType.TIMEOUT,
    ErrorType.EXECUTION,
)
_NOT_RUN, _FAILED, _UNKNOWN = Outcome.NOT_RUN, Outcome.FAILED, Outcome.UNKNOWN

TABLE: dict[str, Row] = {
    # fix your input
    "invalid_arguments": Row(_V, _NOT_RUN, "Correct the named argument; the tool's input schema is in tools/list."),
    "unknown_tool": Row(_V, _NOT_RUN, "Call tools/list for the tools you may call."),
    "unknown_resource": Row(_V, _NOT_RUN, "Call resources/list for what can be read."),
    "unknown_prompt": Row(_V, _NOT_RUN, "Call prompts/list for the prompts there are."),
    "too_large": Row(_V, _NOT_RUN, "Send less at once."),
    "idempotency_conflict": Row(_V, _NOT_RUN, "Use a new idempotency key for a different call."),
    "malformed": Row(_V, _NOT_RUN, "Send a message of the documented form."),
    # ask for a permission
    "unauthenticated": Row(_F, _NOT_RUN, "Send a valid bearer token; make one with `aura token create`."),
    "forbidden": Row(_F, _NOT_RUN, "Ask an operator for a role with the capability that the message names."),
    "undeclared_edge": Row(_F, _NOT_RUN, "An actor asks only its own layer or below; see bus/edges.py."),
    "foreign_peer": Row(
        _F, _NOT_RUN, "The peer could not prove who it is; only the system's own processes may connect."
    ),
    "spoofed_source": Row(_F, _NOT_RUN, "An envelope's source must be the peer that sent it."),
    "invalid_token": Row(_F, _NOT_RUN, "The decision token is missing, altered, expired or for another call."),
    "inspection_failed": Row(_F, _NOT_RUN, "Nothing runs uninspected; send less or other text, or tell an operator."),
    "safe_mode": Row(_F, _NOT_RUN, "Reading works; an operator switches safe mode off with set_safe_mode."),
    "unsafe_arguments": Row(_F, _NOT_RUN, "Change what the message names; check_prompt shows how a text is judged."),
    "confirmation_required": Row(
        ErrorType.APPROVAL_REQUIRED,
        _NOT_RUN,
        "Agree where your client asks, or have an operator decide; then repeat the call.",
    ),
    "approval_required": Row(ErrorType.APPROVAL_REQUIRED, _NOT_RUN, "Get the approval decided, then repeat the call."),
    "approval_denied": Row(_F, _NOT_RUN, "Somebody said no, and why stands in the message; ask for something else."),
    "approval_used": Row(_V, _NOT_RUN, "An approval is good for one run; call again to ask for another."),
    "approval_conflict": Row(_V, _NOT_RUN, "It was decided already; `aura approvals show ID` tells by whom."),
    "unknown_approval": Row(_V, _NOT_RUN, "List those there are with list_approvals."),
    # wait
    "rate_limited": Row(ErrorType.RATE_LIMITED, _NOT_RUN, "Wait for retry_after_s, then repeat the call.", True),
    "mailbox_full": Row(_U, _NOT_RUN, "The system is busy; repeat the call after retry_after_s.", True),
    "too_many_calls": Row(
        _U, _NOT_RUN, "Too many calls of this tool run at once; repeat it after retry_after_s.", True
    ),
    "not_delivered": Row(_U, _NOT_RUN, "The part that serves this is restarting; repeat the call.", True),
    "stale_epoch": Row(_U, _NOT_RUN, "The address was restarted; resolve it again.", True),
    "unavailable": Row(_U, _NOT_RUN, "See the message for what is missing and how to provide it.", True),
    "overflow": Row(_U, _FAILED, "The reader was too slow for the stream; open it again and read faster.", True),
    "stopping": Row(_U, _NOT_RUN, "The system is shutting down; repeat the call when it is back.", True),
    "deadline_exceeded": Row(_T, _UNKNOWN, "Allow more time, or ask for less work in one call.", True),
    # look for a fault
    "outcome_unknown": Row(_E, _UNKNOWN, "The connection broke after the call was sent; check before you repeat it."),
    "cancelled": Row(_E, _UNKNOWN, "The call was cancelled by its caller."),
    "tool_failed": Row(_E, _FAILED, "See the message; the audit id finds the record."),
    "result_withheld": Row(_E, _UNKNOWN, "It may have run; the audit id finds the record of what was withheld."),
    "handler_failed": Row(_E, _FAILED, "A fault in the system; the log of the named actor has the trace."),
    "unknown_message": Row(_E, _NOT_RUN, "The receiver doesn't know this kind of message; update it."),
    "incompatible_version": Row(_E, _NOT_RUN, "Run the same major version on every node."),
    "audit_failed": Row(
        _U, _UNKNOWN, "Nothing runs unrecorded: mend what the message says, then repeat the call.", True
    ),
}


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong, as data: the form in which errors cross processes and reach clients."""

    type: str
    code: str
    message: str
    recovery: str
    outcome: str
    retryable: bool = False
    retry_after_s: float | None = None
    audit_id: str | None = None
    approval_id: str | None = None
    receipt: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The members that are set, ready for msgpack or JSON."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Failure:
        """Read a failure that came over a wire; members this version doesn't know are ignored."""
        known = {name: data[name] for name in cls.__dataclass_fields__ if name in data}
        return cls(**known)


class AuraError(Exception):
    """The system's one error.

    Args:
        code: a key of `TABLE`, which gives type, outcome and the usual recovery.
        message: what happened and why, for a person.
        recovery: what to do next, where it differs from the table's.
        retry_after_s: seconds until a repeat can succeed.
        outcome: where it differs from the table's.
        audit_id: of the record that tells of it.
        approval_id: of what waits for somebody, or was decided.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        recovery: str | None = None,
        retry_after_s: float | None = None,
        outcome: Outcome | None = None,
        audit_id: str | None = None,
        approval_id: str | None = None,
    ) -> None:
        super().__init__(message)
        row = TABLE[code]
        self.failure = Failure(
            type=row.type.value,
            code=code,
            message=message,
            recovery=recovery or row.recovery,
            outcome=(outcome or row.outcome).value,
            retryable=row.retryable,
            retry_after_s=retry_after_s,
            audit_id=audit_id,
            approval_id=approval_id,
        )

    @classmethod
    def from_failure(cls, failure: Failure) -> AuraError:
        """The error again, on the other side of a wire; a code of a newer version is kept as it is."""
        error = cls("handler_failed", failure.message)
        error.failure = failure
        return error

    def with_audit(self, audit_id: str, receipt: str | None = None) -> AuraError:
        """The same error, naming the audit record that tells of it, with the receipt that it was there."""
        return AuraError.from_failure(replace(self.failure, audit_id=audit_id, receipt=receipt))

    @property
    def code(self) -> str:
        """The table's key."""
        return self.failure.code

    @property
    def retryable(self) -> bool:
        """Whether the same call may succeed later."""
        return self.failure.retryable


class RefusedError(AuraError):
    """A message was refused here for what its sender claims to be or to be allowed: the peer tells the audit.

    Whoever passes it on passes on an `AuraError`, so that each refusal is told once, by the actor that made it.
    """
