"""Listening to a topic of another actor for as long as this one lives."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable

from aura_ia_mcp.bus.bus import Bus
from aura_ia_mcp.bus.envelope import Header
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON, Subscribe

log = logging.getLogger(__name__)

_LISTEN_S = 3600.0
_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 5.0
_STEADY_S = 10.0


def events(bus: Bus, target: str, topic: str) -> AsyncIterator[JSON]:
    """A topic's events, the retained one first, each {"kind", "payload"}; ends when the other side goes away."""
    return bus.stream(target, Subscribe(topic), header=Header(deadline=time.monotonic() + _LISTEN_S))


class Listening:
    """Runs `listen` until stopped, again and again: it ends when the other side restarts.

    Args:
        what: is followed, for the log.
        listen: subscribes, and returns or raises when the events end.
        sleep: how it waits between two attempts.
    """

    def __init__(
        self,
        what: str,
        listen: Callable[[], Awaitable[None]],
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._what = what
        self._listen = listen
        self._sleep = sleep
        self._told = ""
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._follow(), name=f"follow {self._what}")

    async def stop(self) -> None:
        """End; idempotent."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _follow(self) -> None:
        failures = 0
        while True:
            began = time.monotonic()
            try:
                await self._listen()
            except AuraError as error:
                log.debug("the events of %s ended: %s", self._what, error)
            except Exception as error:
                self._tell(error)
            if time.monotonic() - began > _STEADY_S:
                failures, self._told = 0, ""
            await self._sleep(min(_PAUSE_S * 2.0 ** min(failures, 16), _LONGEST_PAUSE_S))
            failures += 1

    def _tell(self, error: Exception) -> None:
        """Log a fault: its trace once, until it is another one or all went well for a while."""
        what = f"{type(error).__name__}: {error}"
        if what == self._told:
            log.debug("%s still can't be followed: %s", self._what, what)
            return
        self._told = what
        log.error("%s can't be followed; it is tried again, at least every 5 s", self._what, exc_info=error)
