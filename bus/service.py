"""The receiving half of a peer: a bounded mailbox that runs handlers and answers for each message.

The fate of every message: handled (a reply or the handler's error), refused (mailbox full, stopping, unknown kind, too
many hops), cancelled, or past its deadline. Whoever waits always hears which.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from .bus import Bus, Handler
from .deadletters import DeadLetters
from .deadlines import Deadlines
from .dedupe import Dedupe
from .envelope import MAX_DEPTH, MAX_HOPS, Envelope
from .errors import AuraError, Failure, Outcome, RefusedError
from .frames import pack
from .limits import Limits
from .messages import JSON, Message, decode
from .run import Replier, Run, answer, stopped, takes_no_threads

log = logging.getLogger(__name__)

Key = tuple[str, ...]
OnRefused = Callable[[str, dict[str, Any]], None]
"""Called with an event name and its details when a peer or a message is refused for what it claims."""


class Statistics:
    """How a mailbox does: counts, and the times of the newest 512 messages."""

    def __init__(self) -> None:
        self.handled = 0
        self.failed = 0
        self.refused = 0
        self._times_s: deque[float] = deque(maxlen=512)

    def add(self, seconds: float, *, failed: bool) -> None:
        """Count a message that was handled."""
        self.handled += 1
        self.failed += failed
        self._times_s.append(seconds)

    def figures(self) -> JSON:
        """Plain data; times in milliseconds, None before the first message."""
        times = sorted(self._times_s)
        return {
            "handled": self.handled,
            "failed": self.failed,
            "refused": self.refused,
            "p50_ms": round(times[len(times) // 2] * 1000, 3) if times else None,
            "p99_ms": round(times[len(times) * 99 // 100] * 1000, 3) if times else None,
        }


class Service:
    """Takes envelopes for one actor.

    Args:
        bus: what handlers ask others through.
        handlers: by message kind.
        limits: the mailbox's bound and what is kept for duplicates.
        dead: where refused one-way messages go.
        on_refused: hears of what a handler refused for what its sender claims, for the audit.
    """

    def __init__(
        self, bus: Bus, handlers: Mapping[str, Handler], limits: Limits, dead: DeadLetters, on_refused: OnRefused
    ) -> None:
        self._bus = bus
        self._on_refused = on_refused
        self._handlers = handlers
        self._limits = limits
        self._dead = dead
        self._runs: set[Run] = set()
        self._keyed: dict[Key, Run] = {}
        self._done: Dedupe[JSON | Failure] = Dedupe(limits.remembered, limits.remembered_bytes, limits.remembered_s)
        self._deadlines = Deadlines()
        self._stopping = False
        self._idle = asyncio.Event()
        self._idle.set()
        self.statistics = Statistics()

    @property
    def mailbox(self) -> int:
        """Messages being handled now."""
        return len(self._runs)

    def accept(self, envelope: Envelope, replier: Replier) -> Run | None:
        """Begin to handle a message, join the run of its first arrival, or refuse it at once through `replier`."""
        key = _key(envelope)
        if key is not None:
            known = self._done.get(key, time.monotonic())
            if known is not None:
                answer(replier, known)
                return None
            first = self._keyed.get(key)
            if first is not None:
                first.repliers.append(replier)
                return first
        refusal = self._refusal(envelope)
        if refusal is not None:
            self.refuse(envelope, replier, refusal)
            return None
        run = Run(envelope, self._bus, replier)
        self._runs.add(run)
        self._idle.clear()
        if key is not None:
            self._keyed[key] = run
        run.task = asyncio.get_running_loop().create_task(self._handle(run, key))
        return run

    def refuse(self, envelope: Envelope, replier: Replier, error: AuraError) -> None:
        """Answer without handling; the label goes to the dead letters."""
        self.statistics.refused += 1
        self._dead.add(envelope, error.code)
        replier.fail(error.failure)

    def leave(self, run: Run, replier: Replier, *, lost: bool) -> None:
        """Somebody waits no more: it cancelled, or (`lost`) its connection broke.

        The work ends with its last waiter, except that a run with a key goes on after a lost connection, since its
        caller may come again.
        """
        if replier in run.repliers and len(run.repliers) > 1:
            run.repliers.remove(replier)
        elif not (lost and run.envelope.key):
            run.cancel()

    async def stop(self, drain_s: float) -> None:
        """Refuse what comes from now on, give what is being handled `drain_s` seconds, then cancel it."""
        self._stopping = True
        try:
            async with asyncio.timeout(drain_s):
                await self._idle.wait()
        except TimeoutError:
            for run in list(self._runs):
                if run.task is not None:
                    run.task.cancel()
            await asyncio.gather(*(run.task for run in self._runs if run.task), return_exceptions=True)
        self._deadlines.close()

    def _refusal(self, envelope: Envelope) -> AuraError | None:
        if self._stopping:
            return AuraError("stopping", f"{envelope.target} is shutting down", retry_after_s=1.0)
        if len(self._runs) >= self._limits.mailbox:
            return AuraError("mailbox_full", f"{envelope.target} handles {len(self._runs)} messages", retry_after_s=0.5)
        if envelope.kind not in self._handlers:
            return AuraError("unknown_message", f"{envelope.target} doesn't answer {envelope.kind}")
        if envelope.header.hops > MAX_HOPS or envelope.header.depth > MAX_DEPTH:
            return AuraError(
                "malformed",
                f"{envelope.kind} went through more than {MAX_HOPS} actors, or lies more than {MAX_DEPTH} causes deep",
            )
        if envelope.header.remaining_s <= 0:
            return AuraError("deadline_exceeded", f"{envelope.kind} came after its deadline", outcome=Outcome.NOT_RUN)
        return None

    async def _handle(self, run: Run, key: Key | None) -> None:
        began = time.monotonic()
        deadline = self._deadlines.add(run.envelope.header.deadline, run.expire)
        try:
            result: JSON | Failure = await self._outcome(run)
        except asyncio.CancelledError:
            result = run.why_cancelled().failure
        finally:
            self._deadlines.remove(deadline)
            self._runs.discard(run)
            if key is not None:
                self._keyed.pop(key, None)
            if not self._runs:
                self._idle.set()
        failed = isinstance(result, Failure)
        self.statistics.add(time.monotonic() - began, failed=failed)
        size = run.answer(result)
        if key is not None and not (isinstance(result, Failure) and result.retryable):
            self._done.put(key, result, size or _size(result), time.monotonic())

    async def _outcome(self, run: Run) -> JSON | Failure:
        envelope = run.envelope
        try:
            message: Message = decode(envelope.kind, envelope.payload)
            return await self._handlers[envelope.kind](message, run)
        except RefusedError as error:
            self._on_refused(error.code, _told(envelope, error))
            return error.failure
        except AuraError as error:
            return error.failure
        except Exception as error:
            if takes_no_threads(error):
                return stopped(envelope).failure
            log.exception("%s: the handler of %s failed", envelope.target, envelope.kind)
            return AuraError("handler_failed", f"{envelope.target} failed: {type(error).__name__}").failure


def _key(envelope: Envelope) -> Key | None:
    if not envelope.key:
        return None
    principal = envelope.header.principal
    who = (principal.tenant, principal.id) if principal else ("", "")
    return (envelope.source.role, *who, envelope.kind, envelope.key)


def _told(envelope: Envelope, error: AuraError) -> dict[str, Any]:
    """What the audit holds of a refusal; whom the message names as principal is as little proven as the rest."""
    principal = envelope.header.principal
    return {
        "at": str(envelope.target),
        "claimed": str(envelope.source),
        "message": str(error),
        "asked": envelope.kind,
        "on_behalf_of": principal.name if principal else None,
        "call": envelope.id,
    }


def _size(result: JSON | Failure) -> int:
    """Bytes of an answer that found nobody to go to."""
    try:
        return len(pack(result.as_dict() if isinstance(result, Failure) else result))
    except AuraError:
        return 0
