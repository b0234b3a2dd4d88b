"""What the audit says of an approval: a record of each step of its life, from the states before and after it."""

from __future__ import annotations

from typing import Any

from aura_ia_mcp.bus.messages import JSON
from aura_ia_mcp.judgement.approvals import EXPIRED, Approval
from aura_ia_mcp.judgement.inspection import redact_text

REQUESTED, DECIDED, USED, OVER = "approval_requested", "approval_decided", "approval_used", "approval_expired"
_MOST_CHARS = 500


def told(before: Approval | None, after: Approval) -> list[JSON]:
    """The records that are owed for a change: {"kind", "fields"}, in order.

    Args:
        before: None when it was just asked for.
        after: as it is now.
    """
    if before is None:
        return [_record(REQUESTED, after, _asked(after))]
    found = [
        _record(
            DECIDED,
            after,
            {
                "decision": each.decision,
                "by": each.by,
                "how": each.how,
                "reason": _short(each.reason),
                "status": after.status,
            },
        )
        for each in after.decisions[len(before.decisions) :]
    ]
    if after.used is not None and (after.used, after.round) != (before.used, before.round):
        found.append(
            _record(USED, after, {"call": after.used.call, "round": after.round, "approved_by": list(after.agreed)})
        )
    if after.status == EXPIRED != before.status:
        found.append(_record(OVER, after, {"was": before.status}))
    return found


def _record(kind: str, approval: Approval, more: dict[str, Any]) -> JSON:
    fields: JSON = {
        "approval": approval.approval_id,
        "mode": approval.mode,
        "principal": dict(approval.principal),
        "tool": approval.tool,
        "args": approval.arguments_hash,
    }
    return {"kind": kind, "fields": fields | more}


def _asked(approval: Approval) -> JSON:
    return {
        "call": approval.call,
        "operation": _short(approval.operation),
        "server": approval.server,
        "contract": approval.contract,
        "policy": approval.policy,
        "rule": approval.rule,
        "reason": _short(approval.reason),
        "risk": approval.risk.get("level", ""),
        "approvers": approval.approvers,
        "expires_at": approval.expires_at,
    }


def _short(text: str) -> str:
    """With secrets marked before a cut could hide half of one."""
    marked, _ = redact_text(text)
    return marked if len(marked) <= _MOST_CHARS else marked[: _MOST_CHARS - 1] + "…"
