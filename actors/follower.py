"""Keeps Safety's copy of the catalogue current, and tells the gateway of changes once the copy has them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from aura_ia_mcp.bus.bus import Bus
from aura_ia_mcp.bus.envelope import Header
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import CatalogueChanged, ListCatalogue, ResourceUpdated
from aura_ia_mcp.bus.tokens import digest
from aura_ia_mcp.configs.settings import Settings

from .catalogue import KINDS, Servers
from .listening import Listening, events
from .snapshot import Listing, Snapshot

TOPIC = "catalogue"


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
        self._listening = Listening("the catalogue", self._listen, sleep=sleep)
        self._servers = Servers.of(settings)
        self._patience_s = settings.bus.patience_s
        self._listings: dict[str, Listing] = {}
        self._snapshot: Snapshot | None = None
        self._there = asyncio.Event()
        self._rules = ""

    def start(self) -> None:
        """Begin."""
        self._listening.start()

    async def stop(self) -> None:
        """End."""
        await self._listening.stop()

    def rules_changed(self, version: str) -> None:
        """Other rules are in force: callers may see another catalogue now, though it is the same."""
        self._rules = version
        for kind, listing in self._listings.items():
            self._tell(kind, listing)

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

    async def _listen(self) -> None:
        """Read the lists, and again what an event names, until the events end."""
        await self._refresh(KINDS)
        first = True
        async for event in events(self._bus, "tools", TOPIC):
            if first:  # the retained event: what changed before the subscription is read now
                await self._refresh(KINDS)
                first = False
            else:
                await self._heard(event["kind"], event["payload"])

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
                changed.append(kind)
            self._listings[kind] = listing
        if not changed or len(self._listings) < len(KINDS):
            return
        self._snapshot = Snapshot.of(self._listings, self._servers)
        self._there.set()
        for kind in changed:
            self._tell(kind, self._listings[kind])

    def _tell(self, kind: str, listing: Listing) -> None:
        """The version names the rules, too: who compares it hears of a list that only they made another."""
        self._bus.publish(TOPIC, CatalogueChanged(kind, digest([listing.version, self._rules])[:16]))
