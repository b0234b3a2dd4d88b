"""What the readable views say of an audit record, without IO."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aura_ia_mcp.bus.messages import JSON
from aura_ia_mcp.stores.summary import FRAME, PEER_KINDS, audit_id, summary

Record = dict[str, Any]

_AS_THEY_ARE = (
    "authentication_failed",
    "foreign_request",
    "token_created",
    "token_revoked",
    "backup_made",
    "backup_restored",
    "rules_changed",
    "approval_requested",
    "approval_decided",
    "approval_used",
    "approval_expired",
    "note",
)
_RENAMED = {
    "auth_failed": "unknown_token",  # State's word on what the gateway tells as a failed authentication
    "repaired": "audit_repaired",
    "recovered": "audit_recovered",
    "sealing_failed": "audit_sealing_failed",
    "pruned": "audit_pruned",
    "redacted": "audit_redacted",
    **dict.fromkeys(PEER_KINDS, "peer_refused"),
}
_HELD = ("approval_required", "confirmation_required")
_COMES_AND_GOES = ("cli",)  # one process per command: that it begins anew is no news
_TOLD = (*FRAME, "principal", "tool")

EVENTS = tuple(sorted({"call_refused", "call_held", "restarted", *_AS_THEY_ARE, *_RENAMED.values()}))


def security_event(record: Record) -> JSON | None:
    """The line of `security_audit.jsonl` for a record, or None when it is nothing of the kind.

    Refused and held calls and reads, approvals, failed authentications, foreign requests, refused peers, work on
    tokens, backups and restores, changes of rules, notes, restarts, and faults of the record itself: `EVENTS`.
    """
    kind = record["kind"]
    if kind == "call":
        return _refusal(record) if record.get("outcome") == "refused" else None
    if kind == "opened":
        began_anew = record.get("continues", 0) > 0 and record["writer"] not in _COMES_AND_GOES
        return _happened(record, "restarted") if began_anew else None
    if kind in _AS_THEY_ARE:
        return _happened(record, kind)
    return _happened(record, _RENAMED[kind]) if kind in _RENAMED else None


def span(record: Record) -> JSON | None:
    """The line of `codex_tool_spans.jsonl` for a tool call that came from Codex, or None."""
    if record["kind"] != "call" or record.get("what") != "tools/call":
        return None
    client = record.get("client") or {}
    if not from_codex(client):
        return None
    trace_id, parent = _trace(record.get("trace", ""), record["call"])
    ended = float(record["ts"])
    error = record.get("error")
    return _head(record, f"tools/call {record['name']}") | {
        "trace_id": trace_id,
        "span_id": record["call"],
        "parent_span_id": parent,
        "start": _iso(ended - float(record["ms"]) / 1000),
        "end": _iso(ended),
        "duration_ms": record["ms"],
        "status": "ok" if record["outcome"] in ("ok", "replayed", "input_required") else "error",
        "outcome": record["outcome"],
        "error": error["code"] if error else None,
        "tool": record["name"],
        "server": record["server"],
        "principal": record["principal"]["id"],
        "thread_id": client.get("threadId"),
        "call_id": client.get("callId"),
        "client": " ".join(part for part in (client.get("name"), client.get("version")) if part)
        or client.get("user_agent"),
        "session": record.get("session"),
        "layers": record["layers"],
    }


def from_codex(client: JSON) -> bool:
    """Whether a call came from Codex: by the client's name or User-Agent, else by the ids that only Codex sends."""
    named = str(client.get("name") or "") + str(client.get("user_agent") or "")
    if named:
        return named.lower().startswith("codex")
    return "callId" in client and "threadId" in client


def _refusal(record: Record) -> JSON:
    error = record.get("error") or {}
    held = error.get("code") in _HELD
    return _line(record, "call_held" if held else "call_refused") | {
        "what": record["what"],
        "name": record["name"],
        "rule": record.get("rule") or None,
        "code": error.get("code"),
        "reason": error.get("message"),
        "session": record.get("session"),
        "client": record.get("client"),
    }


def _happened(record: Record, event: str) -> JSON:
    details = {name: value for name, value in record.items() if name not in _TOLD}
    if event == "peer_refused":
        details["why"] = record["kind"]
    return _line(record, event) | {"part": record["writer"], "details": details}


def _line(record: Record, event: str) -> JSON:
    told = summary(record)
    return _head(record, event) | {
        "principal": record.get("principal"),
        "tool": told.tool or None,
        "outcome": told.outcome or None,
    }


def _head(record: Record, event: str) -> JSON:
    return {"time": _iso(float(record["ts"])), "event": event, "audit_id": audit_id(record)}


def _iso(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _trace(traceparent: str, call: str) -> tuple[str, str | None]:
    parts = traceparent.split("-")
    if len(parts) == 4 and len(parts[1]) == 32 and len(parts[2]) == 16:  # noqa: PLR2004 - W3C Trace Context, 3.2
        return parts[1], parts[2]
    return call.rjust(32, "0"), None
