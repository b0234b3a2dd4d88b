"""Publish and subscribe at one peer: a retained event per topic, a bounded queue per subscriber."""

from __future__ import annotations

import asyncio

from .bus import Context
from .errors import AuraError
from .messages import JSON, Message, Subscribe


class Topics:
    """What one peer publishes.

    Args:
        limit: how many events a subscriber may fall behind before its stream ends with `overflow`.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._retained: dict[str, JSON] = {}
        self._queues: dict[str, set[asyncio.Queue[JSON | None]]] = {}

    def publish(self, topic: str, event: Message) -> None:
        """Give an event to every subscriber; never blocks."""
        item: JSON = {"kind": event.kind, "payload": event.payload()}
        self._retained[topic] = item
        for queue in tuple(self._queues.get(topic, ())):
            if queue.qsize() < self._limit:
                queue.put_nowait(item)
            else:
                queue.put_nowait(None)
                self._leave(topic, queue)

    async def serve(self, message: Subscribe, context: Context) -> JSON:
        """Stream the topic's events until the subscriber leaves; the retained one comes first.

        Raises:
            AuraError: `overflow`, when the subscriber fell too far behind.
        """
        queue: asyncio.Queue[JSON | None] = asyncio.Queue()
        if message.topic in self._retained:
            queue.put_nowait(self._retained[message.topic])
        self._queues.setdefault(message.topic, set()).add(queue)
        try:
            while (item := await queue.get()) is not None:
                await context.emit(item)
            raise AuraError("overflow", f"fell more than {self._limit} events behind on {message.topic!r}")
        finally:
            self._leave(message.topic, queue)

    def _leave(self, topic: str, queue: asyncio.Queue[JSON | None]) -> None:
        subscribers = self._queues.get(topic, set())
        subscribers.discard(queue)
        if not subscribers:
            self._queues.pop(topic, None)
