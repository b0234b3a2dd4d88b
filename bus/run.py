"""One message being handled, and the ways back to whoever waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from .bus import Bus
from .envelope import Envelope, Header
from .errors import AuraError, Failure, Outcome
from .messages import JSON


class Replier(Protocol):
    """The way back to whoever sent a message."""

    def reply(self, payload: JSON) -> int:
        """Answer; the result is the answer's size in bytes, 0 when nobody waits any more."""

    def fail(self, failure: Failure) -> int:
        """Answer with an error; the result as for `reply`."""

    async def item(self, item: JSON) -> None:
        """Send an item ahead of the answer."""

    async def ask(self, question: JSON) -> JSON:
        """Ask back."""


class Nobody:
    """The replier of a one-way message: its answer goes nowhere."""

    def __init__(self, on_failure: Callable[[Failure], None]) -> None:
        self._on_failure = on_failure

    def reply(self, payload: JSON) -> int:
        """Nobody waits."""
        del payload
        return 0

    def fail(self, failure: Failure) -> int:
        """Tell the log."""
        self._on_failure(failure)
        return 0

    async def item(self, item: JSON) -> None:
        """Nobody waits."""

    async def ask(self, question: JSON) -> JSON:
        """Nobody can answer."""
        raise AuraError(
            "unavailable",
            f"a one-way message has nobody to ask {question.get('method', '')}",
            recovery="Send it as a request.",
        )


class Run:
    """One message being handled; the handler sees it as its `Context`."""

    __slots__ = ("_header", "bus", "cancelled", "envelope", "expired", "repliers", "task")

    def __init__(self, envelope: Envelope, bus: Bus, replier: Replier) -> None:
        self.envelope = envelope
        self.bus = bus
        self.repliers = [replier]
        self.cancelled = False
        self.expired = False
        self.task: asyncio.Task[None] | None = None
        self._header: Header | None = None

    @property
    def header(self) -> Header:
        """What this message's own requests inherit."""
        if self._header is None:
            self._header = self.envelope.header.after(self.envelope.id)
        return self._header

    def why_cancelled(self) -> AuraError:
        """What those who wait are told when its task was cancelled."""
        kind, target = self.envelope.kind, self.envelope.target
        if self.expired:
            return AuraError("deadline_exceeded", f"{target} had no time left for {kind}")
        if self.cancelled:
            return AuraError("cancelled", f"{kind}: its caller cancelled")
        return stopped(self.envelope)

    def answer(self, result: JSON | Failure) -> int:
        """Tell all who wait; the answer's size in bytes, 0 when nobody does any more."""
        return max([answer(replier, result) for replier in self.repliers])

    def cancel(self) -> None:
        """Nobody waits any more."""
        self.cancelled = True
        if self.task is not None:
            self.task.cancel()

    def expire(self) -> None:
        """The deadline is here."""
        self.expired = True
        if self.task is not None:
            self.task.cancel()

    async def emit(self, item: JSON) -> None:
        """Send an item to the caller, the one that asked last if the message came again."""
        await self.repliers[-1].item(item)

    async def ask(self, question: JSON) -> JSON:
        """Ask the caller back."""
        return await self.repliers[-1].ask(question)


def answer(replier: Replier, result: JSON | Failure) -> int:
    """Give one who waits the reply or the failure; its size in bytes, 0 when nobody waits any more."""
    return replier.fail(result) if isinstance(result, Failure) else replier.reply(result)


def stopped(envelope: Envelope) -> AuraError:
    """The error of a message whose actor ended while it was being handled."""
    return AuraError(
        "stopping", f"{envelope.kind}: {envelope.target} stopped", retry_after_s=1.0, outcome=Outcome.UNKNOWN
    )


def takes_no_threads(error: Exception) -> bool:
    """Whether work in a thread was refused since this process ends; Python says that in words alone.

    The words are those of `concurrent.futures.thread` and of `BaseEventLoop.run_in_executor`.
    """
    said = str(error)
    return isinstance(error, RuntimeError) and (
        said.startswith("cannot schedule new futures after ") or said == "Executor shutdown has been called"
    )
