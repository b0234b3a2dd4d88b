"""The record of a step in an approval's life, in plain words."""

from __future__ import annotations

from typing import Any

from ..recorded import Record, audit_id
from .relation import approval_of
from .step import Step, ended, listed

KINDS = ("approval_requested", "approval_decided", "approval_used", "approval_expired")
_MODES = {
    "confirm": "the confirmation of its client's own user, or of an operator",
    "approve": "the approval of somebody else",
    "request": "an approval ahead of any call",
}


def of_approval(record: Record) -> dict[str, Any]:
    """Who asked for what, who decided, and what became of it."""
    who = record["principal"]
    asker = f"{who['tenant']}/{who['id']}"
    name, told, status = approval_of(record), *_told(record, asker)
    return {
        "audit_id": audit_id(record),
        "kind": record["kind"],
        "at": record["ts"],
        "summary": ended(told),
        "verdict": record["mode"] if record["mode"] in ("confirm", "approve") else "",
        "rule": record.get("rule", ""),
        "outcome": status,
        "asked": {
            "principal": asker,
            "kind": who["kind"],
            "roles": list(who["roles"]),
            "what": "tools/call" if record.get("tool") else "approval",
            "name": record.get("tool") or record.get("operation", ""),
            "server": record.get("server", ""),
            "depth": 0,
            "client": {},
        },
        "steps": [Step("L0", "approval", status, ended(told), record.get("rule", "")).as_dict()],
        "risk": None,
        "rules": [],
        "findings": [],
        "approval": {"id": name, "mode": record["mode"], "status": status},
        "remedy": _remedy(record, name),
        "inputs": {"arguments": record.get("args", ""), "all": ""},
        "versions": {"policy": record.get("policy", ""), "contract": record.get("contract", "")},
    }


def _told(record: Record, asker: str) -> tuple[str, str]:
    """What happened, and how the approval stands after it."""
    kind, what = record["kind"], record.get("tool") or record.get("operation") or "a call"
    if kind == "approval_requested":
        why = record.get("reason") or "no reason is given"
        return f"{asker} needs {_MODES.get(record['mode'], 'consent')} for {what}: {why}", "pending"
    if kind == "approval_decided":
        word = "agreed" if record["decision"] == "approve" else "said no"
        how = "its client's own user" if record.get("how") == "client" else str(record["by"])
        why = f": {record['reason']}" if record.get("reason") else ""
        return f"{how} {word} to {what}, which {asker} had asked for{why}", str(record["status"])
    if kind == "approval_used":
        by = listed([str(each) for each in record.get("approved_by", ())])
        return f"{what} of {asker} ran on its approval, which {by} had given", "used"
    return f"nobody's answer stands any more: the approval of {what} for {asker} expired", "expired"


def _remedy(record: Record, name: str) -> str:
    if record["kind"] == "approval_requested":
        return f"`aura approvals show {name}` shows what is to be decided."
    if record["kind"] == "approval_expired":
        return "Repeat the call, or ask again: that makes a new approval."
    return ""
