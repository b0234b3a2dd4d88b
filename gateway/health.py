"""Whether a call can be served now: a real probe on the way that calls take."""

from __future__ import annotations

import asyncio
import time

from .graph import Graph
from .jsonrpc import JSON

DEADLINE_S = 1.0
_BELIEVED_S = 0.5


class Health:
    """Probes every Safety, Tools, and State with its database, at most twice a second however often it is asked."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._checked_at = float("-inf")
        self._report: JSON = {}
        self._checking: asyncio.Task[JSON] | None = None

    async def check(self) -> JSON:
        """{"ready", "status", "parts", "reasons"}; takes at most a second and a bit, and never raises."""
        if time.monotonic() - self._checked_at < _BELIEVED_S:
            return self._report
        if self._checking is None:
            self._checking = asyncio.create_task(self._probe())
            self._checking.add_done_callback(self._checked)
        return await asyncio.shield(self._checking)

    def _checked(self, task: asyncio.Task[JSON]) -> None:
        self._checking = None
        if not task.cancelled() and task.exception() is None:
            self._report = task.result()
            self._checked_at = time.monotonic()

    async def _probe(self) -> JSON:
        try:
            async with asyncio.timeout(DEADLINE_S + 0.2):
                reply = await self._graph.probe(DEADLINE_S)
        except TimeoutError:
            return _unready({}, [f"safety or state did not answer within {DEADLINE_S:g} s"])
        parts = reply.get("parts") or {}
        if reply.get("ready"):
            return {"ready": True, "status": "ok", "parts": parts, "reasons": []}
        reasons = [
            f"{name}: {part.get('status')} {part.get('detail') or ''}".strip()
            for name, part in parts.items()
            if part.get("status") not in {"ok", "ready"}
        ]
        return _unready(parts, reasons or ["the probe says not ready"])


def _unready(parts: JSON, reasons: list[str]) -> JSON:
    return {"ready": False, "status": "unavailable", "parts": parts, "reasons": reasons}
