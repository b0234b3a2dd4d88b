"""How a part tells the rest how it is: a Report to telemetry every two seconds."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable

from aura_ia_mcp.bus.bus import Bus
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON, Report

from .layers import layer_of

PERIOD_S = 2.0


class Reporter:
    """Sends the bus' figures and the actor's own to telemetry until stopped.

    A report that can't be delivered is dropped: the next one says the same, newer.

    Args:
        bus: the actor's.
        figures: the actor's own, asked before each report.
        period_s: between reports.
    """

    def __init__(self, bus: Bus, figures: Callable[[], JSON], period_s: float = PERIOD_S) -> None:
        self._bus = bus
        self._figures = figures
        self._period_s = period_s
        self._started = time.time()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._loop(), name=f"report {self._bus.address}")

    async def stop(self) -> None:
        """End; idempotent."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def report(self) -> Report:
        """What would be sent now."""
        fixed: JSON = {
            "layer": layer_of(self._bus.address.role),
            "pid": os.getpid(),
            "started_at": self._started,
            "uptime_s": round(time.time() - self._started, 3),
        }
        return Report(str(self._bus.address), fixed | self._bus.stats() | self._figures())

    async def _loop(self) -> None:
        while True:
            with contextlib.suppress(AuraError, OSError):
                await self._bus.send("telemetry", self.report())
            await asyncio.sleep(self._period_s)
