"""What the readable views say of a record."""

from __future__ import annotations

import pytest

from aura_ia_mcp.actors.case import client_of
from aura_ia_mcp.actors.derivation import EVENTS, from_codex, security_event, span
from aura_ia_mcp.bus.messages import JSON

from .recorded import call


@pytest.mark.parametrize(
    ("record", "event"),
    [
        (call(outcome="refused", rule="rate.limit", error={"code": "rate_limited", "message": "m"}), "call_refused"),
        (call(), None),
        (call(outcome="error"), None),
        ({"kind": "opened", "continues": 0}, None),
        ({"kind": "opened", "continues": 5}, "restarted"),
        ({"kind": "opened", "continues": 5, "writer": "cli"}, None),
        ({"kind": "repaired", "bytes": 3}, "audit_repaired"),
        ({"kind": "recovered", "lost": 3}, "audit_recovered"),
        ({"kind": "sealing_failed", "why": "a chain doesn't hold"}, "audit_sealing_failed"),
        ({"kind": "pruned", "files": 1, "bytes": 9}, "audit_pruned"),
        ({"kind": "redacted", "record": "safety-0:3", "by": "ada", "reason": "a key"}, "audit_redacted"),
        ({"kind": "auth_failed", "token": "x"}, "unknown_token"),
        ({"kind": "authentication_failed", "peer": "127.0.0.1", "reason": "no token"}, "authentication_failed"),
        ({"kind": "foreign_request", "peer": "127.0.0.1", "header": "Host", "value": "evil"}, "foreign_request"),
        ({"kind": "token_created"}, "token_created"),
        ({"kind": "token_revoked"}, "token_revoked"),
        ({"kind": "backup_made", "file": "b.tar.gz", "sha256": "0"}, "backup_made"),
        ({"kind": "backup_restored", "file": "b.tar.gz", "made_at": "", "set_aside": []}, "backup_restored"),
        ({"kind": "foreign_peer", "claimed": "safety/0"}, "peer_refused"),
        ({"kind": "invalid_token", "claimed": "safety/0"}, "peer_refused"),
        (call(outcome="refused", error={"code": "approval_required", "message": "m"}), "call_held"),
        (call(outcome="refused", error={"code": "confirmation_required", "message": "m"}), "call_held"),
        ({"kind": "rules_changed", "policy_version": "p"}, "rules_changed"),
        ({"kind": "note", "action": "a", "details": {}}, "note"),
        *(
            ({"kind": kind, "tool": "echo", "approval": "a1"}, kind)
            for kind in ("approval_requested", "approval_decided", "approval_used", "approval_expired")
        ),
        ({"kind": "opened_call"}, None),
    ],
)
def test_security_events_are_told_apart(record: JSON, event: str | None) -> None:
    line = security_event({"v": 1, "seq": 3, "ts": 0.0, "writer": "w-0", "prev": ""} | record)
    assert (line and line["event"]) == event
    if line:
        assert line["event"] in EVENTS
        assert line.keys() >= {"principal", "tool", "outcome"}
        assert line["audit_id"].endswith(f":{record.get('seq', 3)}")
        assert line["time"].endswith("Z")


def test_an_event_says_who_which_tool_and_what_came_of_it() -> None:
    frame = {"v": 1, "seq": 3, "ts": 0.0, "writer": "records-0", "prev": ""}
    who = {"id": "guest", "kind": "agent", "tenant": "local", "roles": []}
    decided = {"kind": "approval_decided", "approval": "a1", "decision": "deny", "by": "local/operator", "tool": "echo"}
    line = security_event(frame | decided | {"principal": who})
    assert line is not None
    assert (line["principal"], line["tool"], line["outcome"]) == (who, "echo", "deny")
    assert line["details"] == {"approval": "a1", "decision": "deny", "by": "local/operator"}
    refused = security_event(call(outcome="refused", error={"code": "forbidden", "message": "m"}))
    assert refused is not None
    assert (refused["tool"], refused["outcome"], refused["code"]) == ("echo", "refused", "forbidden")


@pytest.mark.parametrize(
    ("client", "codex"),
    [
        ({"name": "codex-mcp-client", "version": "0.169.0"}, True),
        ({"user_agent": "codex-mcp-client/0.169.0"}, True),
        ({"callId": "c", "threadId": "t"}, True),
        ({"name": "inspector", "callId": "c", "threadId": "t"}, False),
        ({"callId": "c"}, False),
        ({}, False),
    ],
)
def test_codex_is_known_by_its_name_else_by_its_ids(client: JSON, codex: bool) -> None:
    assert from_codex(client) == codex
    assert (span(call(client=client)) is not None) == codex


def test_a_span_names_the_client_by_its_header_where_it_says_no_more() -> None:
    info = {"name": "codex-mcp-client", "version": "0.169.0", "user_agent": "codex-mcp-client/0.169.0", "x": 1}
    full = span(call(client=client_of({"aura/client": info, "callId": "c"})))
    bare = span(call(client=client_of({"aura/client": {"user_agent": "codex-mcp-client/0.169.0"}})))
    assert full is not None
    assert bare is not None
    assert (full["client"], full["call_id"]) == ("codex-mcp-client 0.169.0", "c")
    assert bare["client"] == "codex-mcp-client/0.169.0"
    assert client_of({"aura/client": {"name": "n" * 200}})["name"] == "n" * 127 + "…"


def test_a_span_carries_trace_tool_time_and_status() -> None:
    trace = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
    line = span(call(7, 1000.0, client={"callId": "c", "threadId": "t"}, trace=trace))
    assert line is not None
    assert (line["trace_id"], line["parent_span_id"], line["span_id"]) == ("a" * 32, "b" * 16, f"{7:016x}")
    assert (line["tool"], line["duration_ms"], line["status"], line["thread_id"]) == ("echo", 1.5, "ok", "t")
    assert (line["start"], line["end"]) == ("1970-01-01T00:16:39.998Z", "1970-01-01T00:16:40.000Z")
    failed = span(call(client={"callId": "c", "threadId": "t"}, outcome="error", error={"code": "tool_failed"}))
    assert failed is not None
    assert (failed["status"], failed["error"]) == ("error", "tool_failed")
