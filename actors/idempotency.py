"""One key, one run: a call that comes again with its idempotency key gets the first one's answer."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass

import msgpack

from aura_ia_mcp.bus.errors import AuraError, Failure, Outcome
from aura_ia_mcp.bus.messages import JSON

Key = tuple[str, str, str]
_ERRORS = "surrogatepass"  # as on the bus: text that it carried can be kept


@dataclass(slots=True)
class _Running:
    arguments: str
    ended: asyncio.Event


@dataclass(frozen=True, slots=True)
class _Ended:
    arguments: str
    until: float
    answer: bytes = b""
    failure: Failure | None = None

    @property
    def size(self) -> int:
        return len(self.answer) + 256


class Idempotency:
    """Answers by key: (tenant, principal, key of the client).

    A run that is known not to have happened is forgotten, so that its key may be used again. Answers are kept for
    `keep_s`, at most `entries` of them in at most `bytes_` in all; the oldest make room. They end with this process:
    `Once` has State keep those of calls that change something.

    Args:
        keep_s: how long.
        entries: how many.
        bytes_: how much.
    """

    def __init__(self, keep_s: float, entries: int, bytes_: int) -> None:
        self._keep_s = keep_s
        self._entries = entries
        self._bytes = bytes_
        self._held = 0
        self._running: dict[Key, _Running] = {}  # bounded by the mailbox
        self._ended: OrderedDict[Key, _Ended] = OrderedDict()

    def __len__(self) -> int:
        return len(self._ended)

    async def first(self, key: Key, arguments: str, now: float) -> JSON | None:
        """Whether this call is the first with its key: None when it is, and must be run and then ended.

        Otherwise the first one's answer, waited for when it still runs.

        Raises:
            AuraError: `idempotency_conflict` for other arguments; or the first one's error.
        """
        while True:
            running = self._running.get(key)
            if running is not None:
                self._same(running.arguments, arguments)
                await running.ended.wait()
                continue
            ended = self._ended.get(key)
            if ended is None or ended.until <= now:
                self._running[key] = _Running(arguments, asyncio.Event())
                return None
            self._same(ended.arguments, arguments)
            if ended.failure is not None:
                raise AuraError.from_failure(ended.failure)
            answer: JSON = msgpack.unpackb(ended.answer, unicode_errors=_ERRORS, strict_map_key=False)
            return answer

    def answered(self, key: Key, answer: JSON, now: float) -> None:
        """The first call with this key ended with an answer; one that asks the client for more isn't the end."""
        running = self._leave(key)
        if answer.get("resultType") != "input_required":
            packed = msgpack.packb(answer, unicode_errors=_ERRORS)
            self._keep(key, _Ended(running.arguments, now + self._keep_s, packed), now)

    def failed(self, key: Key, failure: Failure, now: float, *, repeatable: bool) -> None:
        """The first call with this key failed; it may be run again if it didn't run, or if a repeat does no harm."""
        running = self._leave(key)
        if not repeatable and failure.outcome != Outcome.NOT_RUN:
            self._keep(key, _Ended(running.arguments, now + self._keep_s, failure=failure), now)

    @staticmethod
    def _same(before: str, now: str) -> None:
        if before != now:
            raise AuraError("idempotency_conflict", "this idempotency key was used for a call with other arguments")

    def _leave(self, key: Key) -> _Running:
        running = self._running.pop(key)
        running.ended.set()
        return running

    def _keep(self, key: Key, ended: _Ended, now: float) -> None:
        if key in self._ended:
            self._held -= self._ended.pop(key).size
        self._ended[key] = ended
        self._held += ended.size
        while self._ended:
            oldest = next(iter(self._ended.values()))
            if oldest.until > now and len(self._ended) <= self._entries and self._held <= self._bytes:
                return
            self._ended.popitem(last=False)
            self._held -= oldest.size
