"""Keeps Safety's copy of the catalogue current, and tells the gateway of changes once the copy has them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable

from aura_ia_mcp.bus.bus import Bus
from aura_ia_mcp.bus.envelope import Header
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import CatalogueChanged, ListCatalogue, ResourceUpdated, Subscribe
from aura_ia_mcp.configs.settings import Settings

from .catalogue import KINDS, Servers
from .snapshot import Listing, Snapshot

log = logging.getLogger(__name__)

TOPIC = "catalogue"
_LISTEN_S = 3600.0
_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 5.0
_STEADY_S = 10.0


class Follower:
    """Subscribes to the topic `catalogue` of Tools, reads the lists anew on each event, and republishes it here.

    While Tools is away the last copy stands: calls then fail on the way, not here.

    Args:
        bus: Safety's.
        settings: for the virtual servers, and how long a call waits for the first copy.
        sleep: how it waits between two attempts.
    """

    def __init__(
        self, bus: Bus, settings: Settings, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._bus = bus
        self._sleep = sleep
        self._told = ""
        self._servers = Servers.of(settings)
        self._patience_s = settings.bus.patience_s
        self._listings: dict[str, Listing] = {}
        self._snapshot: Snapshot | None = None
        self._there = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._follow(), name="follow the catalogue")

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def snapshot(self, header: Header) -> Snapshot:
        """The newest copy; the first one is waited for a while.

        Raises:
            AuraError: `not_delivered`: Tools hasn't answered since this actor started.
        """
        if self._snapshot is None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, min(header.remaining_s - 0.1, self._patience_s))):
                    await self._there.wait()
            if self._snapshot is None:
                raise AuraError("not_delivered", "tools/0 hasn't told its catalogue yet", retry_after_s=2.0)
        return self._snapshot

    async def _follow(self) -> None:
        failures = 0
        while True:
            began = time.monotonic()
            try:
                await self._listen()
            except AuraError as error:
                log.debug("the catalogue's events ended: %s", error)
            except Exception as error:
                self._tell(error)
            if time.monotonic() - began > _STEADY_S:
                failures, self._told = 0, ""
            await self._sleep(min(_PAUSE_S * 2.0 ** min(failures, 16), _LONGEST_PAUSE_S))
            failures += 1

    async def _listen(self) -> None:
        """Read the lists, and again what an event names, until the events end."""
        await self._refresh(KINDS)
        header = Header(deadline=time.monotonic() + _LISTEN_S)
        first = True
        async for event in self._bus.stream("tools", Subscribe(TOPIC), header=header):
            if first:  # the retained event: what changed before the subscription is read now
                await self._refresh(KINDS)
                first = False
            else:
                await self._heard(event["kind"], event["payload"])

    def _tell(self, error: Exception) -> None:
        """Log a fault: its trace once, until it is another one or all went well for a while."""
        what = f"{type(error).__name__}: {error}"
        if what == self._told:
            log.debug("the catalogue still can't be followed: %s", what)
            return
        self._told = what
        log.error("the catalogue can't be followed; it is tried again, at least every 5 s", exc_info=error)

    async def _heard(self, kind: str, payload: dict[str, str]) -> None:
        if kind == CatalogueChanged.kind:
            await self._refresh((payload["what"],))
        elif kind == ResourceUpdated.kind:
            self._bus.publish(TOPIC, ResourceUpdated(payload["uri"]))

    async def _refresh(self, kinds: tuple[str, ...]) -> None:
        """Read these lists; whoever listens here hears of those that are another now."""
        changed = []
        for kind in kinds:
            reply = await self._bus.request("tools", ListCatalogue(kind, server=""))
            listing = Listing(reply["entries"], reply["version"], reply["absent"])
            before = self._listings.get(kind)
            if before is None or before.version != listing.version:
                changed.append((kind, listing.version))
            self._listings[kind] = listing
        if not changed or len(self._listings) < len(KINDS):
            return
        self._snapshot = Snapshot.of(self._listings, self._servers)
        self._there.set()
        for kind, version in changed:
            self._bus.publish(TOPIC, CatalogueChanged(kind, version))
