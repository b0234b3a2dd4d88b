"""What a record says in five words, whatever its kind: who, what, verdict, outcome, rule."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .form import GONE
from .read import Record

FRAME = ("v", "seq", "prev", "writer", "kind", "ts")
_MOST_CHARS = 200
PEER_KINDS = (
    "foreign_peer",
    "spoofed_source",
    "undeclared_edge",
    "stale_epoch",
    "malformed",
    "incompatible_version",
    "invalid_token",
    "forbidden",
)


@dataclass(frozen=True, slots=True)
class Summary:
    """A record in short; what doesn't apply is "".

    Args:
        who: `tenant/id` of the principal, or what is known of somebody who isn't one.
        what: the tool, and for other messages their kind and name; else what happened.
        verdict: of the policy.
        outcome: what came of it.
        error: the code of the error, if it failed or was refused.
        rule: that decided.
        tool: the tool's name, where there is one.
    """

    who: str = ""
    what: str = ""
    verdict: str = ""
    outcome: str = ""
    error: str = ""
    rule: str = ""
    tool: str = ""


def audit_id(record: Record) -> str:
    """The record's id, `writer:seq`."""
    return f"{record['writer']}:{record['seq']}"


def name_of(principal: Any) -> str:
    """`tenant/id` of a principal as records have it, or ""."""
    if isinstance(principal, str):
        return principal
    if not isinstance(principal, dict):
        return ""
    return f"{principal.get('tenant', '')}/{principal.get('id', '')}"


def summary(record: Record) -> Summary:
    """What a record says; one of a kind that isn't known here shows its members."""
    return _KINDS.get(record["kind"], _any)(record)


def _call(record: Record) -> Summary:
    what, name = record.get("what", ""), record.get("name", "")
    is_tool = what == "tools/call"
    return Summary(
        who=name_of(record.get("principal")),
        what=name if is_tool else f"{what} {name}",
        verdict=record.get("verdict", ""),
        outcome=record.get("outcome", ""),
        error=(record.get("error") or {}).get("code", ""),
        rule=record.get("rule", ""),
        tool=name if is_tool else "",
    )


def _note(record: Record) -> Summary:
    return Summary(who=name_of(record.get("principal")), what=f"note: {_short(record.get('action', ''))}")


def _approval(record: Record) -> Summary:
    tool = str(record.get("tool") or "")
    return Summary(
        who=name_of(record.get("by") or record.get("principal")),
        what=tool or _short(record.get("operation") or f"approval {record.get('approval', '')}"),
        verdict=str(record.get("mode") or ""),
        outcome=str(record.get("decision") or record["kind"].removeprefix("approval_")),
        rule=str(record.get("rule") or ""),
        tool=tool,
    )


def _door(record: Record) -> Summary:
    value = record.get("reason") or f"{record.get('header', '')} {record.get('value', '')}"
    return Summary(who=_short(record.get("peer", "")), what=f"{record['kind']}: {_short(value)}", outcome="refused")


def _peer(record: Record) -> Summary:
    said = f"{record['kind']}: {_short(record.get('message', ''))}"
    return Summary(who=_short(record.get("claimed", "")), what=said, outcome="refused")


def _token(record: Record) -> Summary:
    token = record.get("token") or {}
    return Summary(what=f"{record['kind']}: {_short(token.get('name', '') if isinstance(token, dict) else token)}")


def _any(record: Record) -> Summary:
    told = {name: value for name, value in record.items() if name not in FRAME}
    return Summary(what=f"{record['kind']} {_short(told)}" if told else record["kind"])


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MOST_CHARS else text[: _MOST_CHARS - 1] + "…"


_KINDS: dict[str, Callable[[Record], Summary]] = {
    "call": _call,
    "opened_call": _call,
    "note": _note,
    **dict.fromkeys(("approval_requested", "approval_decided", "approval_used", "approval_expired"), _approval),
    **dict.fromkeys(("authentication_failed", "foreign_request"), _door),
    **dict.fromkeys(PEER_KINDS, _peer),
    **dict.fromkeys(("token_created", "token_revoked"), _token),
    GONE: lambda _: Summary(what="its text was redacted"),
}
