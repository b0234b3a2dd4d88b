"""Which records belong together: a call with its opening, its approval, what caused it and what it caused."""

from __future__ import annotations

from ..recorded import Record

_OF_ONE_CALL = {
    "opened_call": "its opening, before it ran",
    "call": "how it came out",
    "approval_requested": "asked for its approval",
    "approval_used": "used its approval",
}


def threads(record: Record) -> list[str]:
    """The ids by which other records belong to this one: of its call, of its cause, of its approval."""
    return [name for name in dict.fromkeys((_call(record), _cause(record), approval_of(record))) if name]


def relation(record: Record, other: Record) -> str:
    """What another record is to this one, in words; "" when they don't belong together."""
    call, kind = _call(record), other["kind"]
    if call and _call(other) == call:
        return _OF_ONE_CALL.get(kind, "")
    same = approval_of(record) and approval_of(record) == approval_of(other)
    if kind.startswith("approval_"):
        return f"its approval was {kind.removeprefix('approval_')}" if same else ""
    if kind not in ("call", "opened_call"):
        return ""
    if _call(other) and _call(other) == _cause(record):
        return "the call that caused it"
    if call and _cause(other) == call:
        return "a call that it caused"
    return "a call on the same approval" if same else ""


def approval_of(record: Record) -> str:
    """The id of the approval that a record is about, or ""."""
    found = record.get("approval")
    return str(found.get("id", "") if isinstance(found, dict) else found or "")


def _call(record: Record) -> str:
    return str(record.get("call") or "")


def _cause(record: Record) -> str:
    return str(record.get("cause") or "")
