"""L1: puts results into words, once there is a language engine."""

from __future__ import annotations

from aura_ia_mcp.bus.bus import Bus, Context, handles
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON, Compose

from .boot import Boot
from .reporting import Reporter


class Language:
    """Answers `unavailable`: this version has no language engine, and nothing here makes up words.

    Args:
        boot: settings and identity.
    """

    def __init__(self, boot: Boot) -> None:
        del boot

    async def start(self, bus: Bus) -> None:
        """Ready at once."""
        self._reporter = Reporter(bus, lambda: {"engine": None})
        self._reporter.start()

    async def stop(self) -> None:
        """Nothing to close but the reports."""
        await self._reporter.stop()

    @handles(Compose)
    async def compose(self, message: Compose, context: Context) -> JSON:
        """Refuse, saying what is missing and what stands without it."""
        del message, context
        raise AuraError(
            "unavailable",
            "no language engine is there: this version has none to configure",
            recovery="Read the steps' own results; they are complete without it.",
        )
