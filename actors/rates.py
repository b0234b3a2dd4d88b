"""How many calls a principal may make: the default class, and those that the policy names."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from aura_ia_mcp.bus.bus import Bus
from aura_ia_mcp.bus.envelope import Header, Principal
from aura_ia_mcp.bus.messages import JSON, TakeToken
from aura_ia_mcp.judgement.bucket import Buckets, Take
from aura_ia_mcp.judgement.policy import DEFAULT_RATE, Policy

clock = time.monotonic


@dataclass(frozen=True, slots=True)
class Taken:
    """A token that was asked for.

    Args:
        rate: the class.
        per_minute: its rate.
        take: what was given.
        clock: seconds of the clock that it was counted by.
        scope: principal, principal_tool or tool.
    """

    rate: str
    per_minute: int
    take: Take
    clock: float
    scope: str = "principal"

    def as_dict(self) -> JSON:
        """For records: exact, so that it can be computed again."""
        return {
            "class": self.rate,
            "before": self.take.before,
            "after": self.take.after,
            "rate": self.per_minute,
            "clock": self.clock,
        }


class Rates:
    """The buckets of one Safety.

    A principal's calls all come to the same replica, so what counts per principal is exact here; what counts per tool
    over all principals is held by State as soon as there are several replicas.

    Args:
        default: calls a minute and principal, unless the policy says otherwise.
        replicas: how many replicas Safety has.
    """

    def __init__(self, default: int, replicas: int) -> None:
        self._default = default
        self._alone = replicas == 1
        self._buckets: dict[tuple[str, int], Buckets] = {}

    def take_default(self, principal: Principal, policy: Policy) -> Taken:
        """Take what each call takes."""
        rate = policy.rates.get(DEFAULT_RATE)
        per_minute = rate.per_minute if rate is not None else self._default
        return self._take(DEFAULT_RATE, per_minute, principal.name)

    async def take(
        self, names: Iterable[str], principal: Principal, tool: str, policy: Policy, bus: Bus, header: Header
    ) -> list[Taken]:
        """Take from the other classes that a call counts in; the last one is refused, or none is.

        Raises:
            AuraError: `not_delivered`: a class counts for all replicas together, and State is away.
        """
        found: list[Taken] = []
        for name in names:
            if name == DEFAULT_RATE:
                continue
            rate = policy.rates[name]
            keys = {
                "principal": principal.name,
                "principal_tool": f"{principal.name} {tool}",
                "tool": f"tool {tool}",
            }
            key = keys[rate.scope]
            if rate.scope == "tool" and not self._alone:
                reply = await bus.request("state", TakeToken(f"{name} {key}", rate.per_minute), header=header)
                taken = Taken(name, rate.per_minute, Take(**reply), 0.0, rate.scope)
            else:
                taken = self._take(name, rate.per_minute, key, rate.scope)
            found.append(taken)
            if not taken.take.allowed:
                break
        return found

    def _take(self, name: str, per_minute: int, key: str, scope: str = "principal") -> Taken:
        buckets = self._buckets.get((name, per_minute))
        if buckets is None:  # at most as many as policies in force named
            buckets = self._buckets[name, per_minute] = Buckets(per_minute)
        now = clock()
        return Taken(name, per_minute, buckets.take(key, now), now, scope)
