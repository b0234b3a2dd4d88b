"""Safe mode as Safety sees it: State holds the switch, this follows it."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field

from aura_ia_mcp.bus.bus import Bus
from aura_ia_mcp.bus.envelope import Header
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import SafeModeChanged

from .listening import Listening, events

TOPIC = "switches"
_TARGET = "state"


@dataclass
class SafeMode:
    """Keeps the switch current; while State is away its last position stands.

    Args:
        bus: the actor's.
        patience_s: how long `switch` waits for the first word of it.
    """

    bus: Bus
    patience_s: float
    _known: SafeModeChanged | None = None
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    def start(self) -> None:
        """Begin."""
        self._listening = Listening("safe mode", self._listen)
        self._listening.start()

    async def stop(self) -> None:
        """End."""
        await self._listening.stop()

    @property
    def known(self) -> SafeModeChanged | None:
        """The switch's newest position, if it is known."""
        return self._known

    async def switch(self, header: Header) -> SafeModeChanged:
        """The switch's position; the first word of it is waited for a while.

        Raises:
            AuraError: `not_delivered`: State hasn't told it, and nothing may run that it could forbid.
        """
        if self._known is None and not await self.reached(0, header):
            raise AuraError("not_delivered", "state/0 hasn't told whether safe mode is on yet", retry_after_s=2.0)
        assert self._known is not None
        return self._known

    async def reached(self, version: int, header: Header) -> bool:
        """Wait, for a while, until the switch is known in this version or a later one; whether it is."""
        if self._known is not None and self._known.version >= version:
            return True
        within_s = max(0.0, min(header.remaining_s - 0.1, self.patience_s))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s), self._changed:
                await self._changed.wait_for(lambda: self._known is not None and self._known.version >= version)
                return True
        return False

    async def _listen(self) -> None:
        async for event in events(self.bus, _TARGET, TOPIC):
            if event["kind"] == SafeModeChanged.kind:
                async with self._changed:
                    self._known = SafeModeChanged(**event["payload"])
                    self._changed.notify_all()
