"""What the role tools answer: from the role table and arguments to a result, without IO."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict

from aura_ia_mcp.bus.messages import JSON
from aura_ia_mcp.judgement.roles import Permission, Roles
from aura_ia_mcp.judgement.roles.arbitration import ArbitrationError, Opinion, arbitrate
from aura_ia_mcp.judgement.roles.names import hint
from aura_ia_mcp.judgement.roles.simulation import Step, simulate
from aura_ia_mcp.judgement.roles.suggestion import UnknownCapabilityError, suggest


class AnswerError(ValueError):
    """An argument names what isn't there; the message says which, and the nearest known name."""


Near = Mapping[str, float] | None
Answer = Callable[[Roles, JSON, float, Near], JSON]


def _list_roles(roles: Roles, arguments: JSON, now: float, near: Near) -> JSON:
    del arguments, near
    return {
        "roles": [_role(roles, name, now) for name in roles.engineers],
        "callers": [_caller(roles, name) for name in roles.callers],
        "version": roles.version,
    }


def _get_role_capabilities(roles: Roles, arguments: JSON, now: float, near: Near) -> JSON:
    del near
    name = _named(roles, arguments["role_name"])
    card = _role(roles, name, now) if name in roles.engineers else _caller(roles, name)
    shown = roles.capabilities([name], "human", now=now)
    agents = roles.capabilities([name], "agent", now=now)
    return {
        "role": card,
        "tools": {"human": sorted(shown), "agent": sorted(agents)},
        "denied": sorted(roles.denied([name])),
        "version": roles.version,
    }


def _suggest_role(roles: Roles, arguments: JSON, now: float, near: Near) -> JSON:
    del now
    required = arguments.get("required_capabilities") or []
    try:
        ranked = suggest(roles, arguments["task_description"], required, near)
    except UnknownCapabilityError as error:
        raise AnswerError(str(error)) from error
    cards = [asdict(each) | {"title": roles.by_name[each.role].title} for each in ranked]
    for card in cards:
        card |= {name: list(card[name]) for name in ("covered", "missing", "reasons")}
    return {"ranked": cards, "meaning": near is not None}


def _check_permission(roles: Roles, arguments: JSON, now: float, near: Near) -> JSON:
    del near
    found = roles.check(arguments["role_name"], arguments["action"], now)
    return {"permitted": found.permitted, "rule": found.rule, "why": found.why, "nearest": found.nearest or None}


def _arbitrate_roles(roles: Roles, arguments: JSON, now: float, near: Near) -> JSON:
    del now, near
    opinions = [Opinion(str(o["role"]), str(o["decision"]), float(o["confidence"])) for o in arguments["opinions"]]
    try:
        found = arbitrate(roles, opinions, float(arguments.get("threshold", 0.7)))
    except ArbitrationError as error:
        raise AnswerError(str(error)) from error
    return asdict(found)


def _run_role_simulation(roles: Roles, arguments: JSON, now: float, near: Near) -> JSON:
    del near
    actions, trace = arguments.get("actions"), arguments.get("trace")
    if (actions is None) == (trace is None):
        raise AnswerError("give either arguments.actions or arguments.trace")
    name = _named(roles, arguments["role_name"])
    steps = [Step(action, now) for action in actions or ()]
    steps += [Step(step["action"], float(step.get("at", now))) for step in trace or ()]
    told = simulate(roles, name, steps)
    return {
        "role": name,
        "permitted": [_step(step, found) for step, found in told if found.permitted],
        "denied": [_step(step, found) for step, found in told if not found.permitted],
        "version": roles.version,
    }


ANSWERS: Mapping[str, Answer] = {
    "list_roles": _list_roles,
    "get_role_capabilities": _get_role_capabilities,
    "suggest_role": _suggest_role,
    "check_permission": _check_permission,
    "arbitrate_roles": _arbitrate_roles,
    "run_role_simulation": _run_role_simulation,
}


def _named(roles: Roles, name: str) -> str:
    found = roles.find(name)
    if found is None:
        raise AnswerError(f"arguments.role_name: there is no role {name[:128]!r}; {hint(name, roles.by_name)}")
    return found


def _role(roles: Roles, name: str, now: float) -> JSON:
    role, known = roles.engineers[name], roles.document.capabilities
    own = sorted(roles.own(name))
    return {
        "name": name,
        "title": role.title,
        "description": role.description,
        "trust": role.trust,
        "parent": role.parent,
        "kinds": list(role.kinds),
        "categories": sorted({known[capability].category for capability in own}),
        "capabilities": own,
        "delegated": [
            {"capability": each.capability, "from": each.giver, "until": each.until.isoformat(), "reason": each.reason}
            for each in roles.delegated([name], now=now)
        ],
    }


def _caller(roles: Roles, name: str) -> JSON:
    caller = roles.callers[name]
    return {
        "name": name,
        "title": caller.title,
        "description": caller.description,
        "trust": caller.trust,
        "kinds": list(caller.kinds),
        "capabilities": sorted(roles.own(name)),
    }


def _step(step: Step, found: Permission) -> JSON:
    return {"action": step.action, "rule": found.rule, "why": found.why}
