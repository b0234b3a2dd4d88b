"""L4: what a request means, what it risks, and what is wrong."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from aura_ia_mcp.bus.bus import Bus, Context, handles
from aura_ia_mcp.bus.envelope import Principal
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON, CallTool
from aura_ia_mcp.bus.tokens import Claims
from aura_ia_mcp.judgement import diagnosis, plans
from aura_ia_mcp.judgement.risk import of_text

from .asking import Asking, Caller, Way, away
from .audience import Audience
from .boot import Boot
from .briefing import OFFERED
from .layers import with_layers
from .reporting import Reporter
from .rules import Rules, RulesFollower
from .sources import result

_DIAGNOSE: JSON = {"kind": "workflow", "name": "diagnose", "arguments": {}}


@dataclass(frozen=True)
class _Call:
    """One call under way: its arguments, its caller, and its way down."""

    arguments: JSON
    principal: Principal
    rules: Rules
    caller: Caller
    way: Way


_Run = Callable[[_Call], Awaitable[JSON]]


class Reasoning:
    """Runs ask, evaluate_risk and diagnose_issue.

    Promises: nothing runs here; what a request leads to begins anew at the ingress, step by step, under its caller's
    own rights. A caller without the capability `orchestrate` gets a plan of several steps, and nothing of it is run.
    Each call carries a token for this audience.

    Args:
        boot: `audience_key` among it.
    """

    def __init__(self, boot: Boot) -> None:
        self._boot = boot
        self._templates = plans.shipped()
        self._patterns = diagnosis.shipped()
        run: dict[str, _Run] = {
            "ask": self._ask,
            "evaluate_risk": self._evaluate_risk,
            "diagnose_issue": self._diagnose_issue,
        }
        self._audience = Audience(boot, {name: partial(self._answer, each) for name, each in run.items()})
        self._counts = dict.fromkeys(run, 0)

    async def start(self, bus: Bus) -> None:
        """Begin to follow the rules."""
        self._bus = bus
        self._follower = RulesFollower(bus, self._boot.settings.bus.patience_s)
        self._follower.start()
        self._reporter = Reporter(bus, lambda: {"calls": dict(self._counts)})
        self._reporter.start()

    async def stop(self) -> None:
        """End it."""
        await self._reporter.stop()
        await self._follower.stop()

    @handles(CallTool)
    async def call_tool(self, message: CallTool, context: Context) -> JSON:
        """Run one of the tools of this audience."""
        return await self._audience.run(message, context)

    async def _answer(self, run: _Run, message: CallTool, context: Context, claims: Claims) -> JSON:
        self._counts[message.tool] += 1
        call = await self._call(message, context, claims)
        structured = await run(call)
        below = sorted(call.way.layers, key=lambda row: str(row["layer"]), reverse=True)
        return with_layers(_shown(structured), below)

    async def _call(self, message: CallTool, context: Context, claims: Claims) -> _Call:
        principal = context.header.principal
        if principal is None:
            raise AuraError("unauthenticated", f"{message.tool} needs a principal")
        now = time.time()
        try:
            rules = await self._follower.rules(context.header)
        except AuraError as error:
            raise away("the Role engine", error, "not_delivered") from error
        caller = Caller(
            rules.held(principal, now),
            self._follower.trust(principal, rules, now),
            {fact["name"]: fact for fact in message.meta.get(OFFERED) or ()},
        )
        return _Call(
            message.arguments,
            principal,
            rules,
            caller,
            Way(self._bus, claims.call, message.server, context),
        )

    # --- the tools ----------------------------------------------------------------------------------------------------

    async def _ask(self, call: _Call) -> JSON:
        asked = call.arguments
        asking = Asking(call.way, call.caller, self._templates, asked["request"], asked.get("context", ""))
        return await asking.answer(plan_only=bool(asked.get("plan_only", False)))

    async def _evaluate_risk(self, call: _Call) -> JSON:
        context = dict(call.arguments.get("context") or {})
        notes: list[str] = []
        role = context.pop("role", None)
        if "trust" not in context:
            context["trust"] = call.caller.trust
            if role is not None:
                found = call.rules.roles.find(str(role))
                if found is None:
                    notes.append(f"context.role: there is no role {str(role)[:64]!r}; your own trust was used")
                else:
                    context["trust"] = call.rules.roles.trust_of([found])
        told = await asyncio.to_thread(_risk, call.arguments["operation"], context)  # a long text takes a while
        return told | {"notes": [*told["notes"], *notes]}

    async def _diagnose_issue(self, call: _Call) -> JSON:
        symptom = call.arguments.get("symptom", "")
        plan = self._templates.plan(_DIAGNOSE, call.caller.facts.values(), call.caller.held)
        rows = (await call.way.run(plan.steps)).rows if plan.steps else []
        found = diagnosis.diagnose(self._patterns, rows, symptom)
        likely = found.likely
        return {
            "checks": rows,
            "left_out": [each.as_dict() for each in plan.left_out],
            "findings": [sign.as_dict() for sign in found.signs],
            "likely_cause": likely.cause if likely else None,
            "remedy": likely.remedy if likely else None,
            "healthy": bool(rows) and found.complete and likely is None,
            "notes": _said(rows, found),
        }


def _risk(operation: str, context: JSON) -> JSON:
    from aura_ia_mcp.judgement.risk.hazards import hazards  # noqa: PLC0415 - 10 MiB of grammar, read at its first use

    return of_text(operation, context, findings=hazards(operation)).as_dict()


def _said(rows: list[JSON], found: diagnosis.Diagnosis) -> list[str]:
    if not rows:
        return ["No check could be run: you may call none of the tools that they need."]
    if found.likely is not None:
        return []
    if found.complete:
        return ["Nothing is wrong as far as these checks can see."]
    return ["Nothing was found by the checks that ran; the others are among the findings."]


def _shown(structured: JSON) -> JSON:
    """The result; what `ask` answered is its text, for clients that read only that."""
    answer = structured.get("answer")
    return result(structured, "\n".join([str(answer), *structured["notes"]]) if answer else None)
