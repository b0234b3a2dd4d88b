"""The case of a usual call, filled in as Safety does, so that its record is as long as one of a running system."""

from __future__ import annotations

from aura_ia_mcp.actors.case import Case, Standing
from aura_ia_mcp.actors.rates import Taken
from aura_ia_mcp.actors.rules import Rules
from aura_ia_mcp.actors.snapshot import Subject
from aura_ia_mcp.bus.envelope import Header, Principal
from aura_ia_mcp.bus.messages import SafeModeChanged
from aura_ia_mcp.judgement.bucket import Bucket, take
from aura_ia_mcp.judgement.policy import Facts, Inputs

_SWITCH = SafeModeChanged(False, "", "", 0.0, 0)
_META = {"aura/client": {"name": "bench", "version": "1"}}


def answered(rules: Rules, tool: Facts, caller: Principal, now: float) -> Case:
    """A call of `tool` at `now` (Unix seconds), as these rules decide on it."""
    who = f"{caller.tenant}/{caller.id}"
    held = rules.roles.capabilities(caller.roles, caller.kind, who, now)
    case = Case("0" * 16, "tools/call", tool.name, Header(principal=caller, session="5" * 16), "gateway", _META)
    case.known = Standing(rules, _SWITCH, held, 1.0, now)
    case.subject = Subject(tool, contract="c" * 64)
    case.catalogue = "c" * 16
    case.arguments = "a" * 64
    case.inputs = Inputs(
        tool,
        caller.id,
        caller.kind,
        caller.tenant,
        caller.roles,
        trust=1.0,
        held=held,
        denied=rules.denied(tool.capability, caller, held, now),
        now=now,
    )
    case.verdict = rules.policy.decide(case.inputs)
    case.taken = [Taken("default", 100, take(Bucket(50.5, now), 100, now)[1], now)]
    case.outcome = "ok" if case.verdict.allowed else "refused"
    case.layers = [{"layer": "L5", "actor": "tools/0", "ms": 0.5}]
    return case
