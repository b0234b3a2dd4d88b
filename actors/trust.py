"""How far principals are trusted: moved by what Safety saw, kept by State, told to whoever decides."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import asdict

from aura_ia_mcp.bus.bus import Bus
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON, ReadRecords, TrustChanged, WriteRecord
from aura_ia_mcp.judgement.roles.trust import Trust

log = logging.getLogger(__name__)

TOPIC = "trust"
RECORDS = "trust"
MOST = 10_000
_PAUSE_S = 0.5
_STATE = "state"


class TrustLedger:
    """The trust that moved away from its base, by `tenant/id`; at most 10,000, those that moved last.

    What moved is told on the topic `trust` and written to State at most every half second; what State doesn't take is
    written with the next change. What it kept is read before anything is told; until then changes are held in memory.

    Args:
        bus: the actor's.
        clock: Unix seconds.
        pause_s: between two tellings, and between two attempts to reach State.
    """

    def __init__(self, bus: Bus, clock: Callable[[], float] = time.time, pause_s: float = _PAUSE_S) -> None:
        self._bus = bus
        self._clock = clock
        self._pause_s = pause_s
        self._known: OrderedDict[str, Trust] = OrderedDict()
        self._unwritten: set[str] = set()
        self._moved = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._known)

    def start(self) -> None:
        """Begin to read, tell and write."""
        self._task = asyncio.create_task(self._run(), name="keep trust")

    async def stop(self) -> None:
        """End, and write what wasn't, if State is there."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            await self._write()

    def observe(self, who: str, base: float, what: str) -> Trust:
        """Move a principal's trust by an event.

        Args:
            who: `tenant/id`.
            base: the trust of its roles.
            what: one of `judgement.roles.trust.MOVES`.

        Raises:
            KeyError: there is no such event.
        """
        now = self._clock()
        before = self._known.get(who, Trust(base, base, now)).rebased(base)
        moved = self._known[who] = before.after(what, now)
        self._known.move_to_end(who)
        self._unwritten.add(who)
        while len(self._known) > MOST:
            oldest, _ = self._known.popitem(last=False)
            self._unwritten.add(oldest)
        self._moved.set()
        return moved

    async def _run(self) -> None:
        await self._read()
        self._tell()
        while True:
            await self._moved.wait()
            self._moved.clear()
            self._tell()
            await self._write()
            await asyncio.sleep(self._pause_s)

    async def _read(self) -> None:
        while True:
            try:
                kept: dict[str, JSON] = (await self._bus.request(_STATE, ReadRecords(RECORDS)))["records"]
                break
            except AuraError as error:
                log.debug("State hasn't told what trust was: %s", error)
                await asyncio.sleep(self._pause_s)
        for who, value in sorted(kept.items(), key=lambda item: -float(item[1]["at"])):
            if who not in self._known and len(self._known) < MOST:
                self._known[who] = Trust(float(value["value"]), float(value["base"]), float(value["at"]))
                self._known.move_to_end(who, last=False)

    def _tell(self) -> None:
        self._bus.publish(TOPIC, TrustChanged({who: asdict(trust) for who, trust in self._known.items()}))

    async def _write(self) -> None:
        for who in sorted(self._unwritten):
            trust = self._known.get(who)
            try:
                await self._bus.request(_STATE, WriteRecord(RECORDS, who, asdict(trust) if trust else None))
            except AuraError as error:
                log.warning("State doesn't keep trust now, it is tried again with the next change: %s", error)
                return
            self._unwritten.discard(who)
