"""The rules in force, as an actor that decides by them sees them: followed, never asked for."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from aura_ia_mcp.bus.bus import Bus
from aura_ia_mcp.bus.envelope import Header, Principal
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON, RulesChanged, TrustChanged
from aura_ia_mcp.judgement import policy, roles
from aura_ia_mcp.judgement.policy import Facts, Inputs, Policy
from aura_ia_mcp.judgement.roles import Roles
from aura_ia_mcp.judgement.roles.trust import Trust

from .listening import Listening, events

log = logging.getLogger(__name__)

TOPIC = "rules"
TRUST = "trust"
_TARGET = "roles"


@dataclass(frozen=True)
class Rules:
    """One consistent state of both rule files.

    Args:
        policy: what is allowed.
        roles: who has which capabilities.
        fault: why a newer file isn't in force, or "".
    """

    policy: Policy
    roles: Roles
    fault: str = ""

    @property
    def version(self) -> str:
        """Names both, for records and tokens."""
        return f"{self.policy.version}/{self.roles.version}"

    def held(self, caller: Principal, now: float) -> frozenset[str]:
        """What a caller's roles, exceptions and delegations give it at `now` (Unix seconds)."""
        return self.roles.capabilities(caller.roles, caller.kind, caller.name, now)

    def visible(self, facts: Facts, caller: Principal, held: frozenset[str], server: str) -> bool:
        """Whether a caller that has these capabilities could possibly use what has these facts, through this server."""
        return self.policy.visible(
            Inputs(facts, caller.id, caller.kind, caller.tenant, caller.roles, held=held, server=server)
        )

    def denied(self, capability: str, caller: Principal, held: frozenset[str], now: float) -> dict[str, str]:
        """The reason of the denial that keeps a capability from a caller, by the capability; empty when none does.

        Args:
            capability: of tools.
            caller: whose.
            held: what the caller has.
            now: Unix seconds.
        """
        if capability in held:
            return {}
        reason = self.roles.denial(capability, caller.roles, caller.kind, caller.name, now)
        return {capability: reason} if reason else {}


@dataclass
class RulesFollower:
    """Keeps the Role engine's rules current; while that is away the last ones stand.

    A new state is parsed in a thread and taken over at once as a whole: a decision is made by the old rules or by the
    new ones, never by some of each.

    Args:
        bus: the actor's.
        patience_s: how long `rules` waits for the first state.
        on_changed: called after each change, with the version of the rules that are in force then.
    """

    bus: Bus
    patience_s: float
    on_changed: Callable[[str], None] = lambda _version: None
    _rules: Rules | None = None
    _trust: dict[str, Trust] = field(default_factory=dict)
    _there: asyncio.Event = field(default_factory=asyncio.Event)

    def start(self) -> None:
        """Begin."""
        self._listening = [
            Listening("the rules", self._listen_rules),
            Listening("trust", self._listen_trust),
        ]
        for listening in self._listening:
            listening.start()

    async def stop(self) -> None:
        """End."""
        for listening in self._listening:
            await listening.stop()

    async def rules(self, header: Header) -> Rules:
        """The rules in force; the first ones are waited for a while.

        Raises:
            AuraError: `not_delivered`: the Role engine hasn't told any, since it starts or its files are faulty.
        """
        if self._rules is None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, min(header.remaining_s - 0.1, self.patience_s))):
                    await self._there.wait()
            if self._rules is None:
                raise AuraError(
                    "not_delivered",
                    "roles/0 hasn't told which rules are in force yet",
                    recovery="Repeat the call; if that lasts, `aura status` shows the Role engine and what it says.",
                    retry_after_s=2.0,
                )
        return self._rules

    @property
    def now(self) -> Rules | None:
        """The rules in force, if any are known."""
        return self._rules

    def trust(self, principal: Principal, rules: Rules, now: float) -> float:
        """How far a principal is trusted at `now` (Unix seconds), 0 to 5."""
        base = rules.roles.trust_of(principal.roles)
        moved = self._trust.get(principal.name)
        return base if moved is None else moved.rebased(base).current(now)

    async def _listen_rules(self) -> None:
        async for event in events(self.bus, _TARGET, TOPIC):
            if event["kind"] == RulesChanged.kind:
                rules = await asyncio.to_thread(_parse, RulesChanged(**event["payload"]))
                changed = self._rules is None or self._rules.version != rules.version
                self._rules = rules
                self._there.set()
                if changed:
                    log.info("rules %s are in force", rules.version)
                    self.on_changed(rules.version)

    async def _listen_trust(self) -> None:
        async for event in events(self.bus, _TARGET, TRUST):
            if event["kind"] == TrustChanged.kind:
                self._trust = {key: _trust(value) for key, value in event["payload"]["trust"].items()}


def _parse(event: RulesChanged) -> Rules:
    return Rules(policy.parse(event.policy), roles.parse(event.roles), event.fault)


def _trust(value: JSON) -> Trust:
    return Trust(float(value["value"]), float(value["base"]), float(value["at"]))
