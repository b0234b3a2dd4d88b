"""Records of calls as Safety writes them, made without a system."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from aura_ia_mcp.actors.case import Case, Standing
from aura_ia_mcp.actors.rates import Taken
from aura_ia_mcp.actors.record import members
from aura_ia_mcp.actors.rules import Rules
from aura_ia_mcp.actors.snapshot import Subject
from aura_ia_mcp.bus.envelope import Header, Principal
from aura_ia_mcp.bus.messages import JSON, SafeModeChanged
from aura_ia_mcp.judgement import policy, roles
from aura_ia_mcp.judgement.bucket import Bucket, take
from aura_ia_mcp.judgement.policy import Facts, Inputs, Policy

TABLE = roles.shipped()
HEAD = "version: 1\n"
ALLOW = HEAD + "rules: [{id: all, effect: allow}]\n"
ECHO = Facts("echo", "status")
_CAME = ("taken", "rule", "outcome", "approval", "layers", "failure", "redacted", "opened")
_SWITCH = SafeModeChanged(False, "", "", 0.0, 0)


def record_of(rules: Policy, inputs: Inputs, *, table: roles.Roles = TABLE, **more: Any) -> JSON:
    """The record that Safety writes of a call with these inputs; what the roles give is theirs to say."""
    principal = Principal(inputs.principal_id, inputs.kind, inputs.tenant, inputs.roles)
    both = Rules(rules, table)
    held = table.capabilities(principal.roles, principal.kind, f"{principal.tenant}/{principal.id}", inputs.now)
    inputs = replace(inputs, held=held, denied=both.denied(inputs.tool.capability, principal, held, inputs.now))
    case = Case("0" * 16, "tools/call", inputs.tool.name, Header(principal=principal), inputs.server, {})
    case.known = Standing(both, _SWITCH, held, inputs.trust, inputs.now)
    case.subject = Subject(inputs.tool, contract="c")
    case.findings = [("/text", finding) for finding in inputs.findings]
    case.inputs, case.verdict = inputs, rules.decide(inputs)
    case.outcome = "refused"
    for name, value in more.items():
        setattr(case, name, value)
    frame = {"v": 1, "seq": 7, "ts": 1.0, "writer": "safety-0", "prev": "0" * 64, "kind": "call"}
    made: JSON = json.loads(json.dumps(frame | members(case, lambda text: text)))
    return made


def call(rules: str = ALLOW, **inputs: Any) -> JSON:
    """The record of guest's call of echo, but for what is given: members of `Inputs`, or what came of it."""
    given: JSON = {"tool": ECHO, "principal_id": "guest", "kind": "agent", "roles": ("guest",), "now": 1e9} | inputs
    more = {name: given.pop(name) for name in _CAME if name in given}
    return record_of(policy.parse(rules), Inputs(**given), **more)


def taken(tokens: float, name: str = "default") -> Taken:
    """A token asked of a bucket that has so many of 60."""
    return Taken(name, 60, take(Bucket(tokens, 5.0), 60, 5.0)[1], 5.0)
