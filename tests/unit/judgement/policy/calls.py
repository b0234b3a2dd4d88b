"""Calls to decide on, and policies in one line."""

from __future__ import annotations

from typing import Any

from aura_ia_mcp.judgement.finding import Finding, Severity
from aura_ia_mcp.judgement.policy import Facts, Inputs, Policy, parse

ECHO = Facts("echo", "status", category="status")
DELETE = Facts("delete_documents", "upsert_memory", read_only=False, destructive=True)
ALLOW = "{id: allow_all, effect: allow}"


def policy(*rules: str, more: str = "") -> Policy:
    """A policy of these rules, and one that allows everything."""
    return only(ALLOW, *rules, more=more)


def only(*rules: str, more: str = "") -> Policy:
    """A policy of these rules alone."""
    lines = ["version: 1", more, "rules:" if rules else "rules: []", *(f"  - {rule}" for rule in rules)]
    return parse("\n".join(lines))


def call(tool: Facts = ECHO, **given: Any) -> Inputs:
    """A call that the built-in rules have nothing against, but for what is given."""
    usual: dict[str, Any] = {"principal_id": "token:ci", "kind": "agent", "held": frozenset({tool.capability})}
    return Inputs(tool, **(usual | given))


def seen(rule: str = "command.destroys_root", severity: Severity = Severity.BLOCK) -> Finding:
    return Finding(rule, severity, 0, 8, 0.9, "deletes everything", "name what is to go")
