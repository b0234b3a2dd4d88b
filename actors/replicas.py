"""The replicas of a role that runs tools for others: which one gets the next call, and which are left alone."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aura_ia_mcp.bus.address import Address
from aura_ia_mcp.bus.bus import Bus
from aura_ia_mcp.bus.envelope import Header
from aura_ia_mcp.bus.errors import AuraError, Outcome
from aura_ia_mcp.bus.messages import JSON, Message
from aura_ia_mcp.configs.settings import Settings
from aura_ia_mcp.judgement.breaker import Breaker

_AWAY = ("not_delivered", "stale_epoch")
_SILENT = (*_AWAY, "outcome_unknown", "deadline_exceeded", "foreign_peer")
_ELSEWHERE = (*_AWAY, "foreign_peer", "mailbox_full", "unavailable", "stopping")


def addresses(settings: Settings, role: str) -> list[Address]:
    """All replicas of a role, by the settings."""
    return [Address(role, replica) for replica in range(settings.cluster.replicas.get(role, 1))]


@dataclass(slots=True, eq=False)
class Replica:
    """One of them: its breaker, its calls in flight, and the number of the last call that it got."""

    address: Address
    breaker: Breaker
    running: int = 0
    turn: int = 0


class Replicas:
    """Spreads calls over the replicas of a role.

    The one with the fewest calls in flight gets the next; among equals the one that waited longest. One that fails
    several times in a row is left alone for a while. A call that a replica did not run, for it is away, busy or not
    ready, goes to the next.

    Args:
        role: theirs.
        settings: for how many there are, and for the breakers.
    """

    def __init__(self, role: str, settings: Settings) -> None:
        self._role = role
        failures, cooldown_s = settings.tools.breaker_failures, settings.tools.breaker_cooldown_s
        self._all = [Replica(address, Breaker(failures, cooldown_s)) for address in addresses(settings, role)]
        self._calls = 0

    def states(self) -> dict[str, str]:
        """Each one's breaker: closed, open or half_open."""
        return {str(replica.address): replica.breaker.state for replica in self._all}

    def order(self) -> list[Replica]:
        """Whom to ask, in this order."""
        return sorted(self._all, key=lambda replica: (replica.running, replica.turn))

    async def request(
        self,
        bus: Bus,
        message: Message,
        header: Header,
        *,
        on_item: Callable[[JSON], None],
        on_ask: Callable[[JSON], Awaitable[JSON]],
        retry: bool,
    ) -> JSON:
        """The reply of the first one that takes it.

        Args:
            bus: of the actor that asks.
            message: the call.
            header: with the token for this audience.
            on_item: hears its progress.
            on_ask: answers its questions.
            retry: whether a repeat after a broken connection does no harm.

        Raises:
            AuraError: `unavailable` when none answers; else what the one that took it said, or the first refusal.
        """
        waits: list[float] = []
        away: AuraError | None = None
        refused: AuraError | None = None
        for replica in self.order():
            wait_s = replica.breaker.permit(time.monotonic())
            if wait_s > 0:
                waits.append(wait_s)
                continue
            try:
                return await self._ask(replica, bus, message, header, retry=retry, on_item=on_item, on_ask=on_ask)
            except AuraError as error:
                if error.code not in _ELSEWHERE or error.failure.outcome != Outcome.NOT_RUN:
                    raise
                if error.code in _AWAY:
                    away = error
                else:
                    refused = refused or error
        if refused is not None:
            raise refused
        if away is not None:
            raise self._unavailable("doesn't answer", away.failure.retry_after_s or 2.0) from away
        raise self._unavailable("failed several times in a row", min(waits))

    async def _ask(self, replica: Replica, bus: Bus, message: Message, header: Header, **more: Any) -> JSON:
        self._calls += 1
        replica.turn = self._calls
        replica.running += 1
        try:
            reply = await bus.request(replica.address, message, header=header, patience_s=0.0, **more)
        except AuraError as error:
            if error.code in _SILENT:
                replica.breaker.failed(time.monotonic())
            else:
                replica.breaker.succeeded()
            raise
        except BaseException:
            replica.breaker.abandoned()
            raise
        finally:
            replica.running -= 1
        replica.breaker.succeeded()
        return reply

    def _unavailable(self, why: str, retry_after_s: float) -> AuraError:
        return AuraError(
            "unavailable",
            f"{self._role}, which runs this tool, {why}",
            recovery="It is restarted by itself; repeat the call after retry_after_s. `aura status` shows its state.",
            retry_after_s=round(max(retry_after_s, 0.1), 2),
        )
