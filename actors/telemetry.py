"""The newest report of every part, and which messages went nowhere."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from aura_ia_mcp.bus.bus import Bus, Context, handles
from aura_ia_mcp.bus.errors import AuraError, RefusedError
from aura_ia_mcp.bus.messages import JSON, ReadStatus, Report, TellDeadLetters
from aura_ia_mcp.stores.database import Database, RecordError
from aura_ia_mcp.stores.records import RecordStore

from .boot import Boot
from .reporting import Reporter

_MOST_SOURCES = 1000
_FORGET_S = 600.0
_TOGETHER_S = 10.0
DEAD_LETTER = "dead_letter"
MOST_DEAD_LETTERS = 1000
MOST_PER_WINDOW = 100
WINDOW_S = 10.0
_MEMBERS = ("id", "source", "target", "kind", "reason")
_MOST_CHARS = 128


@dataclass
class Board:
    """The newest report of each source, without IO; sources that are silent for ten minutes are forgotten.

    A source may tell its figures in several reports: those that come within ten seconds of each other are merged.
    """

    most: int = _MOST_SOURCES
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
        if before is not None and now - before[0] < _TOGETHER_S:
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
        for source in [source for source, (at, _) in self._newest.items() if now - at > _FORGET_S]:
            del self._newest[source]


class Burial:
    """Keeps the newest thousand labels of messages that went nowhere. Blocks while the database works; for one thread.

    Of a flood it keeps a hundred in ten seconds, so that whoever can cause one can't keep the disk busy.

    Args:
        records: where they lie, for a week; their kind is `dead_letter`.
    """

    def __init__(self, records: RecordStore) -> None:
        self._records = records
        self._window, self._count = float("-inf"), 0

    def keep(self, teller: str, letters: list[JSON], now: float) -> int:
        """Keep what `teller` could not deliver, or would not take; how many were kept.

        Args:
            teller: an address.
            letters: labels; other members than a label's are left out.
            now: monotonic seconds.
        """
        if now - self._window >= WINDOW_S:
            self._window, self._count = now, 0
        kept = letters[: max(0, MOST_PER_WINDOW - self._count)]
        self._count += len(kept)
        for letter in kept:
            label: JSON = {name: str(letter[name])[:_MOST_CHARS] for name in _MEMBERS}
            label |= {"at": float(letter["at"]), "teller": teller}
            key = f"{label['id']} {teller}"
            self._records.put(DEAD_LETTER, key, label, status=label["reason"], expires_at=time.time())
        if kept:
            self._records.trim(DEAD_LETTER, MOST_DEAD_LETTERS)
        return len(kept)


class Telemetry:
    """Takes reports and shows the newest ones; keeps the labels of messages that went nowhere.

    Reports don't last: a restart fills up again within two seconds. Labels do, and hold nothing of a message's content.
    """

    def __init__(self, boot: Boot) -> None:
        self._boot = boot
        self._board = Board()
        self._burying = asyncio.Lock()

    async def start(self, bus: Bus) -> None:
        """Report of itself, to itself, without the bus."""
        self._own = Reporter(bus, dict)
        self._bus = bus
        self._database = await asyncio.to_thread(Database.of, self._boot.settings, self._boot.paths)
        self._burial = Burial(RecordStore(self._database))

    async def stop(self) -> None:
        """Close the database."""
        await asyncio.to_thread(self._database.close)

    @handles(TellDeadLetters)
    async def bury(self, message: TellDeadLetters, context: Context) -> JSON:
        """Keep the labels of what went nowhere."""
        teller = str(context.envelope.source)
        try:
            async with self._burying:
                await asyncio.to_thread(self._burial.keep, teller, message.letters, time.monotonic())
        except RecordError as error:
            raise AuraError("unavailable", str(error)) from error
        except (KeyError, TypeError, ValueError) as error:
            raise AuraError("malformed", f"not the label of a message: {type(error).__name__}") from error
        return {}

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
