"""What a verdict rests on, put together: findings in the arguments, risk, trust, safe mode, and the policy's word."""

from __future__ import annotations

import contextlib
import time

from aura_ia_mcp.bus.bus import Bus
from aura_ia_mcp.bus.envelope import Header, Principal
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON, Observed
from aura_ia_mcp.judgement import risk
from aura_ia_mcp.judgement.finding import Severity
from aura_ia_mcp.judgement.history import Recent
from aura_ia_mcp.judgement.inspection import Found, walk
from aura_ia_mcp.judgement.policy import DEFAULT, Effect, Facts, Inputs, Verdict

from .case import Case, Standing
from .inspector import Inspector
from .meaning import Meaning
from .rules import Rules, RulesFollower
from .safemode import SafeMode
from .snapshot import Caller, Subject

_ROLES = "roles"
_TOLD = 20.0  # stopped calls of late after which more of them aren't told one by one
_SAFE_MODE = "safe_mode.on"
_NOBODYS_FAULT = ("capability.missing", "capability.denied", _SAFE_MODE, DEFAULT)  # these move no trust
UNKNOWN = Verdict(Effect.DENY, "exposure.unknown", "there is nothing of this name", hidden=True)


class Judging:
    """Decides on cases.

    Promises: the verdict is the policy's, computed from the case's `inputs` alone, which the record holds. Arguments
    are inspected only for a caller that could use the tool; if they can't be inspected, the call is refused.

    Args:
        bus: Safety's; on it the Role engine is told what was stopped.
        rules: policy and roles in force.
        safe_mode: the switch.
        inspector: looks at arguments.
        meaning: reads them, where the policy says so.
    """

    def __init__(
        self, bus: Bus, rules: RulesFollower, safe_mode: SafeMode, inspector: Inspector, meaning: Meaning
    ) -> None:
        self._bus = bus
        self._rules = rules
        self._safe_mode = safe_mode
        self._inspector = inspector
        self._meaning = meaning
        self._stopped = Recent()

    async def prepare(self, case: Case) -> None:
        """Note which rules are in force, and what the caller has: one state of the rules for the whole case.

        Raises:
            AuraError: `not_delivered`: the rules or the switch aren't known yet.
        """
        rules = await self._rules.rules(case.header)
        switch = await self._safe_mode.switch(case.header)
        now, principal = time.time(), case.principal
        held = rules.held(principal, now)
        case.known = Standing(rules, switch, held, self._rules.trust(principal, rules, now), now)

    async def caller(self, principal: Principal, server: str, header: Header) -> Caller:
        """Who looks at the catalogue, and what that caller could use now.

        Raises:
            AuraError: `not_delivered`: the rules aren't known yet.
        """
        rules = await self._rules.rules(header)
        held = rules.held(principal, time.time())
        return Caller((principal, held, rules.version), lambda facts: rules.visible(facts, principal, held, server))

    async def judge(self, case: Case, arguments: JSON) -> Verdict:
        """Decide.

        Raises:
            AuraError: `inspection_failed`, `too_large`, `mailbox_full`, `unavailable`: it can't be inspected.
        """
        subject = case.subject
        if subject is None:
            case.verdict = UNKNOWN
            return UNKNOWN
        rules, facts = case.standing.rules, subject.facts_of(arguments)
        inputs = self._inputs(case, facts, arguments)
        if rules.policy.visible(inputs):
            await self._inspect(case, [_as_told(found, subject, rules) for found in walk(arguments, subject.reading)])
            inputs = self._inputs(case, facts, arguments)
        case.inputs = inputs
        case.verdict = rules.policy.decide(inputs)
        if case.verdict.effect is Effect.DENY and not case.verdict.hidden:
            if case.verdict.rule != _SAFE_MODE:  # what waits for its end did nothing wrong
                self._stopped.add(case.principal.name, time.monotonic())
            if case.verdict.rule not in _NOBODYS_FAULT:
                await self._tell(case)
        return case.verdict

    async def observed(self, principal: JSON, what: str) -> None:
        """Tell the Role engine what moves a principal's trust. It may be away: that is no part of any decision."""
        with contextlib.suppress(AuraError):
            await self._bus.send(_ROLES, Observed(principal, what))

    async def _tell(self, case: Case) -> None:
        if self._stopped.count(case.principal.name, time.monotonic()) < _TOLD:
            await self.observed(case.principal.as_dict(), "call_stopped")

    async def _inspect(self, case: Case, items: list[Found]) -> None:
        began = time.perf_counter()
        case.findings = [
            (pointer, finding)
            for pointer, report in await self._inspector.inspect_many(items)
            for finding in report.findings
        ]
        case.findings += await self._meaning.findings(case, items, "arguments")
        case.inspect_ms = (time.perf_counter() - began) * 1000

    def _inputs(self, case: Case, facts: Facts, arguments: JSON) -> Inputs:
        principal, standing = case.principal, case.standing
        # without trust: what moves a level could else turn a denial into less
        worst = max((finding.severity for _, finding in case.findings), default=Severity.INFO)
        assessed = risk.of_call(
            facts,
            severity=worst,
            recent_refusals=self._stopped.count(principal.name, time.monotonic()),
            depth=case.header.depth,
            # what calms is made for safe mode, and must be able to end it
            safe_mode=standing.safe_mode.enabled and not facts.calms,
        )
        case.risk = assessed
        return Inputs(
            tool=facts,
            principal_id=principal.id,
            kind=principal.kind,
            tenant=principal.tenant,
            roles=principal.roles,
            trust=standing.trust,
            held=standing.held,
            denied=standing.rules.denied(facts.capability, principal, standing.held, standing.now),
            server=case.server,
            depth=case.header.depth,
            arguments=arguments,
            findings=tuple(finding for _, finding in case.findings),
            risk_level=assessed.level,
            risk_score=assessed.score,
            safe_mode=standing.safe_mode.enabled,
            now=standing.now,
        )


def _as_told(found: Found, subject: Subject, rules: Rules) -> Found:
    """A text with the kind that the policy says it has, if it does."""
    pointer, text, _ = found
    kind = rules.policy.reading(subject.facts.name, pointer.split("/", 2)[1] if pointer else "")
    return found if kind is None else (pointer, text, kind)
