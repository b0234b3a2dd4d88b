"""What an operator may ask of the rule files with no system running: are they right, and what would they decide."""

from __future__ import annotations

import difflib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aura_ia_mcp.actors.builtin import MODULES, command
from aura_ia_mcp.configs.settings import Settings
from aura_ia_mcp.judgement import roles
from aura_ia_mcp.judgement.policy import Facts, Inputs, Policy

from .faults import OperatorError
from .rulefiles import parse_policy, policy_of, roles_of
from .tokens import list_tokens

GUEST = "guest"
"""The id of callers without a token, as the gateway gives it."""
_MOST_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Caller:
    """Who would call.

    Args:
        name: `guest` for whoever has no token, or a token's name.
        roles: None takes those of the token.
        kind: None takes the token's.
        tenant: None takes the token's.
        trust: None takes that of the roles.
    """

    name: str = GUEST
    roles: tuple[str, ...] | None = None
    kind: str | None = None
    tenant: str | None = None
    trust: float | None = None


def check_policy(file: Path) -> dict[str, Any]:
    """Whether a file is a policy: {file, version, rules, rates, warnings}.

    Warnings name tools and roles that rules mention and that don't exist here; a tool may come from elsewhere.

    Raises:
        PolicyFault: it isn't; says where.
        OperatorError: it can't be read.
    """
    made = parse_policy(file)
    return {
        "file": str(file),
        "version": made.version,
        "rules": len(made.rules),
        "rates": sorted(made.rates),
        "warnings": _strangers(made),
    }


def show_policy(settings: Settings, tool: str | None, file: Path | None) -> dict[str, Any]:
    """The rules of the policy in force here, or of a file: {file, version, rules: [{id, says, about, description}]}.

    Args:
        settings: say which files count here.
        tool: only rules that could be about it.
        file: another policy.

    Raises:
        OperatorError: a file can't be used, or there is no such tool.
    """
    made, origin = policy_of(settings, file)
    rules = made.rules if tool is None else made.about(_facts(settings, tool))
    return {
        "file": origin,
        "version": made.version,
        "rules": [
            {"id": rule.id, "says": rule.says, "about": rule.asks, "description": rule.description} for rule in rules
        ],
    }


def explain_policy(
    settings: Settings,
    tool: str,
    caller: Caller,
    *,
    arguments: Mapping[str, Any],
    file: Path | None = None,
    now: float | None = None,
) -> dict[str, Any]:
    """What the rules here, or those of a file, say of a call, and each rule's part in it.

    Inspection of the arguments, the risk score and safe mode belong to a running system and are left out.

    Args:
        settings: say which files count here.
        tool: a built-in tool.
        caller: who would call.
        arguments: of the call.
        file: another policy.
        now: Unix seconds; None is now.

    Returns:
        {file, version, tool, starts, caller, verdict, rules}; `starts`: whether the tool starts processes, so that a
        sandbox's ceiling means something.

    Raises:
        OperatorError: a file can't be used, or there is no such tool, token or role.
    """
    made, origin = policy_of(settings, file)
    inputs = _inputs(settings, _facts(settings, tool), caller, arguments, time.time() if now is None else now)
    return {
        "file": origin,
        "version": made.version,
        "tool": tool,
        "starts": inputs.tool.category == command.CATEGORY,
        "caller": {
            "id": inputs.principal_id,
            "kind": inputs.kind,
            "tenant": inputs.tenant,
            "roles": list(inputs.roles),
            "trust": inputs.trust,
            "capabilities": sorted(inputs.held),
        },
        "verdict": made.decide(inputs).as_dict(),
        "rules": [each.as_dict() for each in made.explain(inputs)],
    }


def _tools(settings: Settings) -> dict[str, Facts]:
    made = [tool.definition.facts for module in MODULES for tool in module.tools(settings)]
    return {facts.name: facts for facts in made}


def _facts(settings: Settings, name: str) -> Facts:
    known = _tools(settings)
    if name not in known:
        raise OperatorError(f"no built-in tool is called {name!r}; {_near(name, known)}")
    return known[name]


def _inputs(settings: Settings, tool: Facts, caller: Caller, arguments: Mapping[str, Any], now: float) -> Inputs:
    table = roles_of(settings)
    found = _token(settings, caller)
    for name in found["roles"]:
        if name not in table.by_name:
            raise OperatorError(f"there is no role {name!r}; {_near(name, table.by_name)}")
    held = table.capabilities(found["roles"], found["kind"], f"{found['tenant']}/{found['id']}", now)
    trust = float(table.trust_of(found["roles"])) if caller.trust is None else caller.trust
    return Inputs(
        tool=tool,
        principal_id=found["id"],
        kind=found["kind"],
        tenant=found["tenant"],
        roles=tuple(found["roles"]),
        trust=trust,
        held=held,
        arguments=arguments,
        now=now,
    )


def _token(settings: Settings, caller: Caller) -> dict[str, Any]:
    """Who a name stands for: {id, kind, tenant, roles}, each as given or else as its valid token says."""
    name = caller.name.removeprefix("token:")
    usual: dict[str, Any] = {"id": GUEST, "kind": "agent", "tenant": "local", "roles": ("guest",)}
    if caller.name != GUEST:
        valid = [token for token in list_tokens(settings) if token["name"] == name and token["state"] == "valid"]
        if not valid and caller.roles is None:
            raise OperatorError(
                f"no valid token is called {name!r}; `aura token list` shows them, and --role explains without one"
            )
        usual["id"] = name if name == "operator" else f"token:{name}"
        if valid:
            usual |= {member: valid[0][member] for member in ("kind", "tenant", "roles")}
    given = {"kind": caller.kind, "tenant": caller.tenant, "roles": caller.roles}
    return usual | {member: value for member, value in given.items() if value is not None}


def _strangers(made: Policy) -> list[str]:
    tools, table = _tools(Settings()), roles.shipped().by_name
    told = []
    for rule in made.rules:
        for kind, names, known in (("tool", rule.match.tools, tools), ("role", rule.match.roles, table)):
            told += [
                f"{rule.id}: no {kind} here is called {name!r}; {_near(name, known)}"
                for name in names or ()
                if "*" not in name and name not in known
            ]
    return told


def _near(name: str, known: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if near:
        return f"did you mean {near[0]!r}?"
    shown = sorted(known)[:_MOST_SHOWN]
    return f"known are {', '.join(shown)}" + (", …" if len(known) > _MOST_SHOWN else "")
