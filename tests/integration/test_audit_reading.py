"""The audit as callers and operators read it, in a running system."""

from __future__ import annotations

import json

from tests.support.system import JSON, System


def told(system: System, tool: str, arguments: JSON, principal: str) -> JSON:
    said: JSON = system.call(tool, arguments, principal=principal)["structuredContent"]
    return said


def test_a_note_and_a_refusal_are_read_by_tools_and_on_the_command_line(system: System) -> None:
    system.token("note-writer", "agent")
    system.token("audit-reader", "auditor")
    note = told(system, "audit_log", {"action": "moved the crates", "details": {"crates": 7}}, "note-writer")
    refused = system.refusal("get_security_audit", principal="note-writer")
    assert system.record(note["audit_id"])["details"] == {"crates": 7}

    wanted = {"filter": {"principal": "token:note-writer"}}
    entries = told(system, "get_security_audit", wanted, "audit-reader")["entries"]
    assert [(entry["event"], entry["audit_id"]) for entry in entries] == [
        ("call_refused", refused["audit_id"]),
        ("note", note["audit_id"]),
    ]

    found = system.aura("audit", "search", "--principal", "note-writer", "--json").stdout.splitlines()
    ids = [f"{record['writer']}:{record['seq']}" for record in map(json.loads, found)]
    assert ids.index(note["audit_id"]) < ids.index(refused["audit_id"])
    assert "moved the crates" in system.aura("audit", "show", note["audit_id"]).stdout
    assert refused["audit_id"] in system.aura("audit", "tail", "-n", "1000").stdout

    checked = told(system, "verify_audit", {}, "audit-reader")
    assert (checked["intact"], checked["broken"]) == (True, None)
    assert {chain["writer"] for chain in checked["chains"]} >= {"safety-0", note["audit_id"].partition(":")[0]}
