"""The policy in force, as far as it concerns the caller."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence

from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON
from aura_ia_mcp.configs.settings import Settings
from aura_ia_mcp.judgement.policy import DEFAULT_RATE, OPERATE, Explained, Facts, Inputs, Policy, Rule

from ..catalogue import Servers
from ..rules import Rules
from ..sources import ToolCall
from .tool import Reach, Tool, array, define, integer, maybe, obj, table, text

CATEGORY = "safety"


def tools(settings: Settings) -> Sequence[Tool]:
    """The tools of this category."""
    del settings
    return (
        define(
            get_policy,
            "Policy",
            "The rules in force that concern you, and the version that records name them by. With a tool:"
            " what would become of your call of it, and each rule's part in that. Callers who may operate see"
            " all rules, and whom and which tools they name.",
            obj({"tool": text("Only what concerns this tool.", 128)}, required=()),
            _POLICY,
            category=CATEGORY,
        ),
    )


async def get_policy(arguments: JSON, call: ToolCall, reach: Reach) -> JSON:
    """The rules that concern the caller, and why a tool may be called or not."""
    rules = await reach.rules.rules(call.header)
    held = await reach.held(call)
    operator = OPERATE in held
    seen = _seen(call, reach, rules, held)
    names = {inputs.tool.name for inputs in seen}
    about = _asks if operator else _told(names)
    hidden = frozenset() if operator else frozenset(reach.catalogue.tools.keys() - names)
    if "tool" not in arguments:
        shown = rules.policy.rules if operator else _concerning(seen, rules)
        return _listed(shown, reach, rules, about, hidden, operator=operator)
    inputs = _inputs(_tool(arguments["tool"], call, reach), call, reach, rules, held)
    policy = rules.policy
    verdict = policy.decide(inputs)
    if verdict.hidden:
        raise _unknown(arguments["tool"])
    shown = tuple(policy.about(inputs.tool)) if operator else _concerning([inputs], rules)
    found = _listed(shown, reach, rules, about, hidden, operator=operator)
    whys = {} if operator else {rule.id: about(rule) for rule in shown}
    ids = {rule.id: rule for rule in shown}
    found["explanation"] = [
        {
            "rule": each.rule,
            "built_in": each.built_in,
            "matched": each.matched,
            "says": each.says,
            "why": _why(each, ids.get(each.rule), whys, hidden),
        }
        for each in policy.explain(inputs)
        if each.built_in or each.rule in ids
    ]
    # without the arguments a condition on them has no answer, and a guess would mislead
    found["verdict"] = None if verdict.read_arguments else {name: verdict.as_dict()[name] for name in _VERDICT_MEMBERS}
    return found


def _seen(call: ToolCall, reach: Reach, rules: Rules, held: frozenset[str]) -> list[Inputs]:
    """A call of each tool that exists for the caller."""
    servers = Servers.of(reach.boot.settings)
    asked = [
        _inputs(runnable.definition.facts, call, reach, rules, held)
        for name, runnable in reach.catalogue.tools.items()
        if servers.shows(call.server, name)
    ]
    return [inputs for inputs in asked if not rules.policy.decide(inputs).hidden]


def _concerning(seen: Sequence[Inputs], rules: Rules) -> tuple[Rule, ...]:
    """The rules that could match such calls, of these tools by this caller."""
    return tuple(rule for rule in rules.policy.rules if any(rule.concerns(inputs) for inputs in seen))


def _asks(rule: Rule) -> str:
    return rule.asks


def _told(tools: Collection[str]) -> Callable[[Rule], str]:
    """What a rule is about, for a caller to whom nothing but these tools exists."""
    return lambda rule: rule.told(tools)


def _why(part: Explained, rule: Rule | None, told: Mapping[str, str], hidden: Collection[str]) -> str:
    """A rule's part in words; of a file's rule none that `told` leaves out."""
    if rule is None or rule.id not in told:
        return part.why
    spoken = _unless_named(rule.description, hidden) or _unless_named(rule.reason, hidden)
    return (part.matched and spoken) or told[rule.id]


def _unless_named(words: str, hidden: Collection[str]) -> str:
    """What a rule says to readers; nothing, where it names a tool that the caller can't see."""
    return "" if any(name in words for name in hidden) else words


def _tool(name: str, call: ToolCall, reach: Reach) -> Facts:
    runnable = reach.catalogue.tools.get(name)
    if runnable is None or not Servers.of(reach.boot.settings).shows(call.server, name):
        raise _unknown(name)
    return runnable.definition.facts


def _unknown(name: str) -> AuraError:
    return AuraError("invalid_arguments", f"arguments.tool: there is no tool {name!r} for you")


def _inputs(tool: Facts, call: ToolCall, reach: Reach, rules: Rules, held: frozenset[str]) -> Inputs:
    caller, now = call.principal, time.time()
    return Inputs(
        tool=tool,
        principal_id=caller.id,
        kind=caller.kind,
        tenant=caller.tenant,
        roles=caller.roles,
        trust=reach.rules.trust(caller, rules, now),
        held=held,
        denied=rules.denied(tool.capability, caller, held, now),
        server=call.server,
        depth=call.header.depth,
        now=now,
    )


def _listed(
    shown: Sequence[Rule],
    reach: Reach,
    rules: Rules,
    about: Callable[[Rule], str],
    hidden: Collection[str],
    *,
    operator: bool,
) -> JSON:
    policy = rules.policy
    return {
        "version": policy.version,
        "roles_version": rules.roles.version,
        "rules": [
            {
                "id": rule.id,
                "says": rule.says,
                "about": about(rule),
                "description": _unless_named(rule.description, hidden),
                "reason": _unless_named(rule.reason, hidden),
            }
            for rule in shown
        ],
        "rates": _rates(policy, {rule.rate for rule in shown}, reach.boot.settings),
        "complete": operator,
        "fault": rules.fault if operator else "",
    }


def _rates(policy: Policy, named: set[str], settings: Settings) -> JSON:
    found = {DEFAULT_RATE: {"per_minute": settings.safety.rate_limit, "scope": "principal"}}
    for name in sorted(named & policy.rates.keys()):
        rate = policy.rates[name]
        found[name] = {"per_minute": rate.per_minute, "scope": rate.scope}
    return found


_VERDICT_MEMBERS = ("effect", "rule", "reason", "remedy", "redact", "rates", "sandbox", "approvers")
_VERDICT = obj(
    {
        "effect": text(
            "What would become of the call, unless inspection or its risk says otherwise.",
            enum=["allow", "confirm", "approve", "deny"],
        ),
        "rule": text("The rule that decides."),
        "reason": text("Why."),
        "remedy": text("What to do instead; may be empty."),
        "redact": array({"type": "string"}, "Personal data that is redacted from the result."),
        "rates": array({"type": "string"}, "The rate classes that the call counts in."),
        "sandbox": text("The ceiling of what it may start.", enum=["none", "read_only", "workspace", "full"]),
        "approvers": integer("How many others would have to agree, where the effect is approve."),
    },
    description="Null when a rule's condition looks at the arguments.",
)
_POLICY = obj(
    {
        "version": text("Of the policy, as records name it."),
        "roles_version": text("Of the roles, likewise."),
        "rules": array(
            obj(
                {
                    "id": text("The rule's name in records and refusals."),
                    "says": text("Its effect and obligations."),
                    "about": text(
                        "What a call must be like for it to match; other callers and what you can't see aren't named."
                    ),
                    "description": text("For readers; empty where it names tools that you can't see."),
                    "reason": text("What it tells the caller whom it stops; likewise."),
                }
            ),
            "By id; what no rule allows is denied.",
        ),
        "rates": table(
            obj(
                {
                    "per_minute": integer("Calls a minute."),
                    "scope": text("Counted by principal, principal and tool, or tool."),
                }
            ),
            "Rate classes that these rules put calls in; `default` is for all calls.",
        ),
        "complete": {"type": "boolean", "description": "Whether these are all rules there are."},
        "fault": text("Why a newer file isn't in force; empty when all is well, and for those who may not operate."),
        "explanation": array(
            obj(
                {
                    "rule": text("Its id."),
                    "built_in": {"type": "boolean", "description": "Whether no file can switch it off."},
                    "matched": {"type": "boolean", "description": "Whether it speaks about this call."},
                    "says": text("Its effect and obligations."),
                    "why": text("What it is about; of a rule that didn't match, what the call isn't like."),
                }
            ),
            "Each rule's part in the verdict.",
        ),
        "verdict": maybe(_VERDICT),
    },
    required=("version", "roles_version", "rules", "rates", "complete", "fault"),
)
