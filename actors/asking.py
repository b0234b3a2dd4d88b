"""One `ask` under way: from words to a route, a plan, its steps and an answer."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from aura_ia_mcp.bus.address import Address
from aura_ia_mcp.bus.bus import Bus, Context
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON, Compose, Route, RunPlan
from aura_ia_mcp.judgement.answer import render
from aura_ia_mcp.judgement.plans import Plan, PlanError, Step, Templates
from aura_ia_mcp.judgement.risk import Risk, of_call, of_text

from .layers import layer, layers_of
from .moment import ms_since
from .offering import NOTHING, Offering, told
from .relay import Relay

_LANGUAGE = Address("language")
_ORCHESTRATE = "orchestrate"
_MODEL_TOOL = "ollama_consult"
_ITSELF = "ask"
_ROUTE_S = 15.0
_COMPOSE_S = 60.0
_RUN_MARGIN_S = 0.2
_AWAY = ("not_delivered", "stale_epoch", "foreign_peer", "undeclared_edge")
_UNKNOWN = "I don't know which tool or plan that asks for. list_available_tools shows what there is."
_NO_SUCH_TOOL = (
    "Nothing was run: the request asks for something to be taken away or stopped, and no tool here does just that. One"
    " that only reads would be the wrong answer."
)
_ONLY_READS = (
    "Nothing was run: the request asks to destroy something, and what it led to only reads. If you want to read, say"
    " that; what destroys has to be called by its own name."
)
_SEVERAL = (
    "Nothing was run: a plan of {} steps needs the capability {}. Ask an operator for a role with it, or call the tools"
    " of the plan one by one."
)


@dataclass(frozen=True)
class Caller:
    """What is known of whoever asks.

    Args:
        held: the capabilities of its roles.
        trust: 0 to 5.
        facts: of the tools that it is shown, by name (`Snapshot.offered`).
    """

    held: frozenset[str]
    trust: float
    facts: Mapping[str, JSON]


@dataclass(frozen=True)
class _Hint:
    """The facts of a tool in the form that the risk is made from."""

    capability: str
    risk_hint: str
    read_only: bool
    destructive: bool
    open_world: bool


@dataclass
class Ran:
    """What became of a plan."""

    status: str
    rows: list[JSON] = field(default_factory=list)


class Way:
    """The way of one call down from here: who is asked, and which layers were passed.

    Args:
        bus: Reasoning's.
        call: its id, under which Safety granted that it may cause others.
        server: the virtual server that it came by.
        context: of the call.
    """

    def __init__(self, bus: Bus, call: str, server: str, context: Context) -> None:
        self.bus = bus
        self.call = call
        self.server = server
        self.context = context
        self.header = context.header
        self.layers: list[JSON] = []

    async def route(self, request: str, context: str) -> JSON:
        """What the Router makes of the words."""
        header = self.header.within(_ROUTE_S)
        try:
            reply = await self.bus.request("router", Route(request, context), header=header)
        except AuraError as error:
            raise away("the Router", error, *_AWAY, "deadline_exceeded", "outcome_unknown") from error
        self.layers += layers_of(reply)
        return reply

    async def run(self, steps: Sequence[Step]) -> Ran:
        """Have Workflow run these steps; its progress is passed on."""
        message = RunPlan(self.call, [step.as_dict() for step in steps], self.server)
        header = replace(self.header, deadline=self.header.deadline - _RUN_MARGIN_S)
        relay = Relay(self.context.emit, _as_it_is)
        try:
            reply = await self.bus.request(
                "workflow", message, header=header, on_item=relay.put, on_ask=self.context.ask
            )
            await relay.finish()
        except AuraError as error:
            relay.cancel()
            raise away("Workflow", error, *_AWAY) from error
        except BaseException:
            relay.cancel()
            raise
        self.layers += layers_of(reply)
        return Ran(reply["status"], reply["steps"])

    async def compose(self, request: str, rows: list[JSON]) -> str:
        """The results in words.

        Raises:
            AuraError: `unavailable` while there is no language engine.
        """
        began = time.perf_counter()
        header = self.header.within(_COMPOSE_S).with_tokens({})
        code = ""
        try:
            reply = await self.bus.request(_LANGUAGE, Compose(request, rows), header=header, patience_s=0.0)
        except AuraError as error:
            code = error.code
            raise
        finally:
            if code not in _AWAY:  # it was reached, whatever it said
                self.layers.append(layer(_LANGUAGE, ms_since(began)))
        return str(reply["text"])


def away(whom: str, error: AuraError, *codes: str) -> AuraError:
    """The error, or where it says that a part below is away: that, so that nobody takes this actor for the one away."""
    if error.code not in codes:
        return error
    return AuraError(
        "unavailable",
        f"{whom}, which this needs, doesn't answer: {error.failure.message}",
        recovery="It is restarted by itself; repeat the call in a few seconds. `aura status` shows its state.",
        retry_after_s=error.failure.retry_after_s or 2.0,
    )


async def _as_it_is(item: JSON) -> JSON:
    """Safety cleans what leaves."""
    return item


class Asking:
    """Answers one request.

    Args:
        way: to the actors below.
        caller: who asks.
        templates: of plans.
        request: what is wanted.
        about: what the request is about, or "".
    """

    def __init__(self, way: Way, caller: Caller, templates: Templates, request: str, about: str) -> None:
        self._way = way
        self._caller = caller
        self._templates = templates
        self._request = request
        self._about = about
        self._notes: list[str] = []

    async def answer(self, *, plan_only: bool) -> JSON:
        """The result of `ask`."""
        offering = Offering(self._caller.facts, self._caller.held)
        route = offering.of(await self._way.route(self._request, self._about))
        plan = self._plan(route)
        risk = self._risk(plan)
        obstacle = self._obstacle(route, plan, risk, plan_only=plan_only)
        ran = Ran("planned" if plan.steps else "not_run")
        composed = False
        if obstacle:
            answer = obstacle
        else:
            ran = await self._way.run(plan.steps)
            answer, composed = await self._worded(ran.rows)
        return {
            "route": told(route),
            "risk": {"level": risk.level, "score": risk.score},
            "plan": plan.as_dict(),
            "status": ran.status,
            "steps": ran.rows,
            "answer": answer,
            "asks": str(route.get("asks") or ""),
            "composed": composed,
            "notes": self._notes,
        }

    def _plan(self, route: JSON) -> Plan:
        if route.get("asks") or route["kind"] == "none" or route["name"] == _ITSELF:
            return Plan()
        values = {"request": self._request, "context": self._about}
        if route["kind"] == "model":
            route = {"kind": "tool", "name": _MODEL_TOOL, "arguments": {"prompt": self._request}}
        try:
            plan = self._templates.plan(route, self._caller.facts.values(), self._caller.held, values)
        except PlanError as error:
            self._notes.append(str(error))
            return Plan()
        self._notes += [f"{each.id} is left out: {each.why}" for each in plan.left_out]
        return plan

    def _risk(self, plan: Plan) -> Risk:
        """The gravest step's; where something is changed, the words count, too."""
        found = [self._step_risk(step) for step in plan.steps]
        if not plan.steps or not self._only_reads(plan):
            found.append(of_text(self._request, {"trust": self._caller.trust}))
        return max(found, key=lambda risk: risk.score)

    def _step_risk(self, step: Step) -> Risk:
        fact = self._caller.facts[step.tool]
        hint = _Hint(fact["capability"], fact["risk"], fact["read_only"], fact["destructive"], fact["open_world"])
        return of_call(hint, trust=self._caller.trust, depth=self._way.header.depth + 1)

    def _only_reads(self, plan: Plan) -> bool:
        return all(self._caller.facts[step.tool]["read_only"] for step in plan.steps)

    def _obstacle(self, route: JSON, plan: Plan, risk: Risk, *, plan_only: bool) -> str:
        """Why nothing is run, as the answer; "" when the plan is to be run."""
        several = len(plan.steps) > 1 and _ORCHESTRATE not in self._caller.held
        for holds, says in (
            (bool(route.get("withheld")), NOTHING),
            (bool(route.get("asks")), str(route.get("asks"))),
            (route["kind"] == "none" and bool(route.get("destructive")), _NO_SUCH_TOOL),
            (route["kind"] == "none" or route["name"] == _ITSELF, _UNKNOWN),
            (not plan.steps, self._nothing_left(route, plan)),
            (bool(route.get("destructive")) and self._only_reads(plan), _ONLY_READS),
            (plan_only, "Nothing was run: only the plan was asked for."),
            (risk.denied, "Nothing was run: an operation of this risk is denied. evaluate_risk tells each factor."),
            (several, _SEVERAL.format(len(plan.steps), _ORCHESTRATE)),
        ):
            if holds:
                return says
        return ""

    def _nothing_left(self, route: JSON, plan: Plan) -> str:
        if route["kind"] == "model" and _MODEL_TOOL not in self._caller.facts:
            return "That needs a language model, and this version has none: no tool runs one yet."
        whys = "; ".join(each.why for each in plan.left_out) or "; ".join(self._notes)
        return f"Nothing of it can be run: {whys}."

    async def _worded(self, rows: list[JSON]) -> tuple[str, bool]:
        """The answer, and whether a language model wrote it."""
        try:
            return await self._way.compose(self._request, rows), True
        except AuraError as error:
            failure = error.failure
            self._notes.append(f"The answer is made from the results alone: {failure.message}. {failure.recovery}")
        return render(rows), False
