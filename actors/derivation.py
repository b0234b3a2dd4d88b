"""What the readable views say of an audit record, without IO."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aura_ia_mcp.bus.messages import JSON

Record = dict[str, Any]

_REFUSED_PEERS = ("foreign_peer", "spoofed_source", "undeclared_edge", "stale_epoch", "malformed")
_AT_THE_DOOR = ("authentication_failed", "foreign_request")
_TOKEN_WORK = ("token_created", "token_revoked")
_COMES_AND_GOES = ("cli",)  # one process per command: that it begins anew is no news
_FRAME = ("v", "seq", "prev", "writer", "kind", "ts")


def audit_id(record: Record) -> str:
    """The record's id."""
    return f"{record['writer']}:{record['seq']}"


def security_event(record: Record) -> JSON | None:
    """The line of `security_audit.jsonl` for a record, or None when it is nothing of the kind.

    Refused calls and reads, failed authentications, foreign requests, refused peers, work on tokens, restarts, and
    faults of the record itself.
    """
    kind = record["kind"]
    if kind == "call":
        return _refusal(record) if record.get("outcome") == "refused" else None
    event = None
    if kind == "opened" and record.get("continues", 0) > 0 and record["writer"] not in _COMES_AND_GOES:
        event = "restarted"
    elif kind in ("repaired", "recovered"):
        event = f"audit_{kind}"
    elif kind == "auth_failed":
        event = "unknown_token"  # State's word on what the gateway tells as a failed authentication
    elif kind in _AT_THE_DOOR or kind in _TOKEN_WORK:
        event = kind
    elif kind in _REFUSED_PEERS:
        event = "peer_refused"
    if event is None:
        return None
    details = {name: value for name, value in record.items() if name not in _FRAME}
    if event == "peer_refused":
        details["why"] = kind
    return _line(record, event) | {"part": record["writer"], "details": details}


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
    return _line(record, f"tools/call {record['name']}") | {
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
    return _line(record, "call_refused") | {
        "what": record["what"],
        "name": record["name"],
        "principal": record["principal"],
        "rule": record.get("rule") or None,
        "code": error.get("code"),
        "reason": error.get("message"),
        "session": record.get("session"),
        "client": record.get("client"),
    }


def _line(record: Record, event: str) -> JSON:
    return {"time": _iso(float(record["ts"])), "event": event, "audit_id": audit_id(record)}


def _iso(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _trace(traceparent: str, call: str) -> tuple[str, str | None]:
    parts = traceparent.split("-")
    if len(parts) == 4 and len(parts[1]) == 32 and len(parts[2]) == 16:  # noqa: PLR2004 - W3C Trace Context, 3.2
        return parts[1], parts[2]
    return call.rjust(32, "0"), None
