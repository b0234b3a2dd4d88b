"""The newest report of every part."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from aura_ia_mcp.bus.bus import Bus, Context, handles
from aura_ia_mcp.bus.errors import AuraError, RefusedError
from aura_ia_mcp.bus.messages import JSON, ReadStatus, Report

from .boot import Boot
from .reporting import Reporter, ignore

MOST_SOURCES = 1000
FORGET_S = 600.0
TOGETHER_S = 10.0


@dataclass
class Board:
    """The newest report of each source, without IO; sources that are silent for ten minutes are forgotten.

    A source may tell its figures in several reports: those that come within ten seconds of each other are merged.
    """

    most: int = MOST_SOURCES
    _newest: dict[str, tuple[float, JSON]] = field(default_factory=dict)

    def put(self, source: str, figures: JSON, now: float) -> None:
        """Note a report.

        Raises:
            AuraError: `too_large`: that many sources report already.
        """
        if source not in self._newest and len(self._newest) >= self.most:
            self._forget(now)
            if len(self._newest) >= self.most:
                raise AuraError("too_large", f"{self.most} sources report already")
        before = self._newest.get(source)
        if before is not None and now - before[0] < TOGETHER_S:
            figures = before[1] | figures
        self._newest[source] = (now, figures)

    def read(self, now: float) -> JSON:
        """All newest reports, each with its age in seconds."""
        self._forget(now)
        return {
            source: {"age_s": round(max(0.0, now - at), 3)} | figures
            for source, (at, figures) in sorted(self._newest.items())
        }

    def _forget(self, now: float) -> None:
        for source in [source for source, (at, _) in self._newest.items() if now - at > FORGET_S]:
            del self._newest[source]


class Telemetry:
    """Takes reports and shows the newest ones. Nothing lasts: a restart fills up again within two seconds."""

    def __init__(self, boot: Boot) -> None:
        self._boot = boot
        self._board = Board()

    async def start(self, bus: Bus) -> None:
        """Report of itself, to itself, without the bus."""
        self._own = Reporter(bus, ignore)
        self._bus = bus

    async def stop(self) -> None:
        """Nothing to end."""

    @handles(Report)
    async def report(self, message: Report, context: Context) -> JSON:
        """Note a report; each part reports for itself alone."""
        if message.source != str(context.envelope.source):
            raise RefusedError("spoofed_source", f"{context.envelope.source} may not report for {message.source}")
        self._board.put(message.source, message.figures, time.monotonic())
        return {}

    @handles(ReadStatus)
    async def read_status(self, message: ReadStatus, context: Context) -> JSON:
        """The newest report of every part."""
        del message, context
        now = time.monotonic()
        self._board.put(str(self._bus.address), self._own.report().figures, now)
        return {"parts": self._board.read(now)}
