"""Approvals: what these tools promise; the actor `approvals` runs them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from aura_ia_mcp.bus.messages import JSON
from aura_ia_mcp.configs.settings import Settings
from aura_ia_mcp.judgement.approvals import STATUSES

from .tool import Tool, array, define, integer, maybe, number, obj, table, text

CATEGORY = "approvals"
MOST_LISTED = 200
_MOST_OPERATION_CHARS = 2_000
_MOST_REASON_CHARS = 1_000
_MOST_ID_CHARS = 64
_tool = partial(define, category=CATEGORY, audience="approvals")
_DATA = {"x-aura-kind": "data"}


def tools(settings: Settings) -> Sequence[Tool]:
    """The tools of this category."""
    del settings
    return (_REQUEST_APPROVAL, _GET_APPROVAL, _LIST_APPROVALS, _DECIDE_APPROVAL)


# --- what the tools show ----------------------------------------------------------------------------------------------

_ID = text("Names the approval.")
_GIVEN_ID = text(
    "The approval's id, as request_approval, list_approvals or a refused call told it.", _MOST_ID_CHARS
) | {"minLength": 1}
_STATUS: JSON = {
    "type": "string",
    "enum": list(STATUSES),
    "description": "pending waits; approved can be used once; denied and expired are a no; used is over.",
}
_MODE: JSON = {
    "type": "string",
    "enum": ["confirm", "approve", "request"],
    "description": "confirm: the client's own user may agree, too; approve: somebody else; request: asked for ahead.",
}
_LEVEL: JSON = {"type": "string", "enum": ["low", "medium", "high", "critical", "denied"], "description": "Risk level."}
_BY = text("Who asked, tenant/id.")
_TOOL = text("The tool that may be called; empty when words alone are to be approved.")
_OPERATION = text("What was asked for, in words; empty when it is a call.")
_EXPIRES = number("Until when somebody may decide, in Unix seconds; no answer by then is a no.")
_USABLE = maybe(number("Until when an approved call may run, in Unix seconds."))
_APPROVERS = integer("How many must agree, each another one.", minimum=1)
_FACTOR = {
    "name": text("Which."),
    "value": text("What it is here."),
    "share": number("What it adds to the score."),
    "why": text("Why."),
}
_RISK = {
    "level": _LEVEL,
    "score": number("0 to 100."),
    "factors": array(obj(_FACTOR), "What the score is made of."),
}
_DECISION = {
    "by": text("Who, tenant/id."),
    "decision": {"type": "string", "enum": ["approve", "deny"], "description": "What was said."},
    "reason": text("Why."),
    "at": number("When, in Unix seconds."),
    "how": {
        "type": "string",
        "enum": ["operator", "client"],
        "description": "client: the asking client's own user confirmed it, which proves nothing about who that was.",
    },
}
_USE: JSON = obj({"call": text("Id of the call that ran."), "at": number("When, in Unix seconds.")})
_PRINCIPAL = {
    "id": text("Name."),
    "kind": text("agent, human or service."),
    "tenant": text("Tenant."),
    "roles": array(text("A role.")),
}
_APPROVAL: JSON = {
    "approval_id": _ID,
    "status": _STATUS,
    "mode": _MODE,
    "principal": obj(_PRINCIPAL) | {"description": "Who asked."},
    "tool": _TOOL,
    "operation": _OPERATION,
    "server": text("The virtual server of the held call."),
    "arguments": {
        "type": "object",
        "description": "What it will be called with: secrets are marked, what is too long is cut and says so.",
    },
    "arguments_hash": text("Keyed digest of the real arguments; the audit record of the call has the same."),
    "contract": text("Fingerprint of the tool's contract; if that changes, the approval is good for nothing."),
    "policy": text("Version of the policy; likewise."),
    "rule": text("The policy's rule that asks for it."),
    "reason": text("Why it is asked for."),
    "risk": obj(_RISK),
    "findings": array(table({}), "What inspection saw in the arguments."),
    "approvers": _APPROVERS,
    "call": text("Id of the call that asked."),
    "requested_at": number("When, in Unix seconds."),
    "expires_at": _EXPIRES,
    "changed_at": number("When something last happened to it, in Unix seconds."),
    "usable_until": _USABLE,
    "decisions": array(obj(_DECISION), "In order."),
    "used": _USE | {"type": ["object", "null"], "description": "The run, or null."},
    "declined": integer("How often the asking client's own user said no; others may still agree.", minimum=0),
    "round": integer("How often the tool has asked back and gone on.", minimum=0),
    "audit_id": text("The newest audit record that tells of it."),
}
_ROW: JSON = {
    name: _APPROVAL[name]
    for name in ("approval_id", "status", "mode", "tool", "operation", "reason", "requested_at", "expires_at")
} | {"by": _BY, "risk": _LEVEL, "approvers": _APPROVERS, "agreed": array(text("Tenant/id."), "Who agreed so far.")}

# --- the tools --------------------------------------------------------------------------------------------------------

_REQUEST_APPROVAL = _tool(
    "request_approval",
    "Request an approval",
    "Asks a person to approve something ahead. `operation` is a tool's name (then `arguments` are those of the call,"
    " and once approved that very call runs, once) or plain words (then get_approval tells what the person said). The"
    " person sees operation, arguments, reason, risk and who asks. Asking the same again gives the same approval.",
    obj(
        {
            "operation": text("A tool's name, or what is to be done, in words.", _MOST_OPERATION_CHARS, minLength=1)
            | _DATA,
            "reason": text("Why, for whoever decides.", _MOST_REASON_CHARS, minLength=1) | _DATA,
            "risk_level": {
                "type": "string",
                "enum": ["low", "medium", "high", "critical"],
                "description": "How risky you think it is; the graver of this and the system's own view is shown.",
            },
            "arguments": {"type": "object", "description": "The arguments that the tool is to be called with."} | _DATA,
        },
        required=("operation", "reason"),
    ),
    obj(
        {
            "approval_id": _ID,
            "status": _STATUS,
            "expires_at": _EXPIRES,
            "usable_until": _USABLE,
            "tool": text("The tool whose call it will permit; empty when it is about words alone."),
        }
    ),
    read_only=False,
    idempotent=True,
)
_GET_APPROVAL = _tool(
    "get_approval",
    "Get an approval",
    "One approval: its status, who decided what and why, what will run, why it was held, its risk, and until when it"
    " can be decided or used. Callers see their own; operators all.",
    obj({"approval_id": _GIVEN_ID}),
    obj(_APPROVAL),
)
_LIST_APPROVALS = _tool(
    "list_approvals",
    "List approvals",
    "Approvals, the last changed first. Callers see their own; operators all. get_approval shows one in full.",
    obj(
        {
            "status": _STATUS | {"description": "Only these; all unless given."},
            "limit": integer("How many at most.", minimum=1, maximum=MOST_LISTED, default=50),
        },
        required=(),
    ),
    obj(
        {
            "approvals": array(obj(_ROW)),
            "more": {"type": "boolean", "description": "Whether there are more than the limit let through."},
        }
    ),
)
_DECIDE_APPROVAL = _tool(
    "decide_approval",
    "Decide on an approval",
    "Approves or denies what waits; a denial needs a reason, which is told to whoever asked. Nobody decides on what"
    " they asked for; of two who decide at once one wins, and the other is told. In safe mode only denials are taken."
    " For operators.",
    obj(
        {
            "approval_id": _GIVEN_ID,
            "decision": {"type": "string", "enum": ["approve", "deny"], "description": "What you say."},
            "reason": text("Why; needed to deny.", _MOST_REASON_CHARS) | _DATA,
        },
        required=("approval_id", "decision"),
    ),
    obj(_APPROVAL),
    capability="operate",
    risk="medium",
    read_only=False,
    idempotent=False,
    calms_with={"decision": "deny"},
)
