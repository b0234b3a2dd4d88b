"""Reads what all writers record: derives the readable views, counts activity, and runs the tools that tell of it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import Any

from aura_ia_mcp.bus.bus import Bus, Context, handles
from aura_ia_mcp.bus.messages import JSON, CallTool, ReadActivity
from aura_ia_mcp.stores import position
from aura_ia_mcp.stores.read import Tail, earlier
from aura_ia_mcp.stores.timeline import by_time
from aura_ia_mcp.stores.views import SECURITY, SPANS, View

from .activity import DAY_S, Activity
from .audience import Audience
from .audit_tools import AuditTools
from .boot import Boot
from .derivation import security_event, span
from .explaining import Explaining
from .reporting import Reporter
from .sealing import Sealing

log = logging.getLogger(__name__)

PERIOD_S = 0.5
_SAVED = "audit_views.json"
_DERIVE = {SECURITY: security_event, SPANS: span}


class Audit:
    """Follows `logs/audit` and keeps `security_audit.jsonl` and `codex_tool_spans.jsonl` beside it.

    Each record appears in a view at most once and, while the disk has room, at least once, whatever ends this process
    and when. Views lag by up to half a second; the records themselves never do. At the start a day's records are
    counted again for `ReadActivity`. The records are sealed into signed epochs beside (`sealing.py`).

    Args:
        boot: for the paths; `audit` and `audience_key` among it.
        view_bytes: size at which a view is rotated.
    """

    def __init__(self, boot: Boot, view_bytes: int | None = None) -> None:
        self._paths = boot.paths
        self._saved = boot.paths.state / _SAVED
        saved = position.load(self._saved) or {}
        self._tail = Tail(self._paths.audit, {w: (str(n), int(o)) for w, (n, o) in saved.get("places", {}).items()})
        sizes = saved.get("sizes", {})
        more: dict[str, Any] = {} if view_bytes is None else {"max_bytes": view_bytes}
        self._views = {name: View(self._paths.logs / name, int(sizes.get(name, 0)), **more) for name in _DERIVE}
        self._activity = Activity()
        own = AuditTools(boot.audit, boot.paths, self.catch_up)
        explaining = Explaining(self._paths.audit)
        self._audience = Audience(boot, own.runs | explaining.runs)
        self._lock = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._read = 0
        self._sealing = Sealing(boot, lambda: self._read)
        self._kept: JSON = {}
        self._kept_at = float("-inf")

    async def start(self, bus: Bus) -> None:
        """Count what the last day's records say, and begin to follow."""
        self._reporter = Reporter(bus, lambda: {"records_read": self._read} | self._sealing.figures())
        self._reporter.start()
        self._sealing.start()
        self._task = asyncio.create_task(self._follow(), name="follow the audit records")

    async def stop(self) -> None:
        """Derive what is there, then close the views."""
        await self._reporter.stop()
        await self._sealing.stop()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        with contextlib.suppress(OSError):
            await self.catch_up()
            self._keep_place()
        for view in self._views.values():
            view.close()

    @handles(ReadActivity)
    async def read_activity(self, message: ReadActivity, context: Context) -> JSON:
        """Requests, errors and denials of the last `window_s` seconds (at most a day), up to this moment."""
        del context
        try:
            await self.catch_up()
        except OSError as error:
            log.warning("activity is counted up to the last view that could be written: %s", error)
        return self._activity.read(max(1, min(message.window_s, DAY_S)), time.time())

    @handles(CallTool)
    async def call_tool(self, message: CallTool, context: Context) -> JSON:
        """Run one of the tools of this audience."""
        return await self._audience.run(message, context)

    async def catch_up(self) -> None:
        """Read the records that came since, and derive from them."""
        async with self._lock:
            while await asyncio.to_thread(self._step):
                pass

    async def _follow(self) -> None:
        async with self._lock:
            await asyncio.to_thread(self._recount)
        while True:
            try:
                await self.catch_up()
            except OSError as error:
                log.error("the views could not be written: %s", error)  # noqa: TRY400 - told every time, short
            await asyncio.sleep(PERIOD_S)

    # --- in a thread, one at a time -----------------------------------------------------------------------------------

    def _recount(self) -> None:
        """Count the records of the last day that were derived before this start."""
        now = time.time()
        for record in earlier(self._paths.audit, self._tail.places, now - DAY_S):
            if record.get("kind") == "call":
                self._activity.add(record, now)

    def _step(self) -> bool:
        """Read once; whether more can be read at once."""
        places, sizes = dict(self._tail.places), self._sizes()
        found = by_time(self._tail.poll())
        if found:
            self._derive(found, places, sizes)
        if time.monotonic() - self._kept_at >= PERIOD_S:
            self._keep_place()
        return self._tail.more

    def _derive(self, found: list[JSON], places: dict[str, tuple[str, int]], sizes: dict[str, int]) -> None:
        try:
            for name, derive in _DERIVE.items():
                self._views[name].append(line for record in found if (line := derive(record)) is not None)
        except OSError:
            self._tail.places = places  # they come again
            for name, view in self._views.items():
                view.cut(sizes[name])
            raise
        now = time.time()
        for record in found:
            if record["kind"] == "call":
                self._activity.add(record, now)
        self._read += len(found)
        full = [view for view in self._views.values() if view.full()]
        if full:
            self._keep_place()
            for view in full:
                view.rotate()
            self._keep_place()

    def _sizes(self) -> dict[str, int]:
        return {name: view.size for name, view in self._views.items()}

    def _keep_place(self) -> None:
        """Write down how far records were derived, if that moved; until then a restart derives them again."""
        place = {"places": dict(self._tail.places), "sizes": self._sizes()}
        if place != self._kept:
            position.save(self._saved, place)
            self._kept, self._kept_at = place, time.monotonic()
