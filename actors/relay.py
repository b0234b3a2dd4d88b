"""Passing items of a call on towards its client, in order, without a queue that grows."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from aura_ia_mcp.bus.messages import JSON

_MOST_WAITING = 256


class Relay:
    """Hands on items (progress, log) as fast as the client takes them; each is cleaned first.

    When the client is more than 256 items behind, the oldest waiting one is dropped: such news is superseded.

    Args:
        emit: sends one item on; waits while the way is full.
        clean: makes an item fit to leave; None hands it on as it is.
    """

    def __init__(
        self, emit: Callable[[JSON], Awaitable[None]], clean: Callable[[JSON], Awaitable[JSON]] | None = None
    ) -> None:
        self._emit = emit
        self._clean = clean
        self._waiting: deque[JSON] = deque(maxlen=_MOST_WAITING)
        self._task: asyncio.Task[None] | None = None

    def put(self, item: JSON) -> None:
        """Take an item; never blocks."""
        self._waiting.append(item)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._send())

    async def finish(self) -> None:
        """Wait until everything was handed on: called before the answer goes out."""
        if self._task is not None:
            await self._task

    def cancel(self) -> None:
        """Drop what waits."""
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()

    async def _send(self) -> None:
        while self._waiting:
            item = self._waiting.popleft()
            await self._emit(item if self._clean is None else await self._clean(item))
