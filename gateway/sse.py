"""Server-sent events over aiohttp: follow a source until it ends, the client leaves, or the client stops reading."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Protocol

from aiohttp import web

EVENT_STREAM_HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}
STALL_S = 30.0
_KEEP_ALIVE = b": keep-alive\n\n"


class Source(Protocol):
    """Where events come from."""

    @property
    def ended(self) -> bool:
        """Nothing will come any more."""

    def take(self) -> bytes:
        """The next events; b"" when there is none now."""

    def close(self) -> None:
        """The client is gone, or too slow."""


class Outbox:
    """Events of a stream that can't be resumed.

    Args:
        limit_bytes: how much may wait for the client; beyond that the stream is `overrun` and ends.
        ready: set when there is something new or the end.
    """

    def __init__(self, limit_bytes: int, ready: asyncio.Event) -> None:
        self._limit = limit_bytes
        self._ready = ready
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._finished = False
        self.overrun = False

    @property
    def ended(self) -> bool:
        """Nothing will come any more."""
        return self._finished and not self._waiting

    def put(self, data: bytes) -> None:
        """Add one JSON-RPC message."""
        if self._finished:
            return
        frame = b"event: message\ndata: %b\n\n" % data
        self._waiting.append(frame)
        self._bytes += len(frame)
        if self._bytes > self._limit and len(self._waiting) > 1:
            self.overrun = True
            self.close()
        self._ready.set()

    def finish(self) -> None:
        """Nothing more will be put."""
        self._finished = True
        self._ready.set()

    def take(self) -> bytes:
        """What waits, all of it."""
        data = b"".join(self._waiting)
        self._waiting.clear()
        self._bytes = 0
        return data

    def close(self) -> None:
        """End at once and forget what waits."""
        self._waiting.clear()
        self._bytes = 0
        self.finish()


async def pump(
    http: web.BaseRequest, response: web.StreamResponse, source: Source, ready: asyncio.Event, keepalive_s: float
) -> None:
    """Write a source's events to the client until the source ends or the client is gone.

    A comment goes out every `keepalive_s` of silence. A client that doesn't read for 30 s is dropped. However it ends,
    the source is closed; no exception leaves, except cancellation.
    """
    try:
        await response.prepare(http)
        while True:
            chunk = source.take()
            if not chunk:
                if source.ended:
                    break
                ready.clear()
                chunk = await _next(ready, keepalive_s)
            if chunk:
                async with asyncio.timeout(STALL_S):
                    await response.write(chunk)
        await response.write_eof()
    except TimeoutError:
        if http.transport is not None:
            http.transport.abort()
    except ConnectionError:
        pass  # the client is gone; what it missed is in the log, if the stream has one
    finally:
        source.close()


async def _next(ready: asyncio.Event, keepalive_s: float) -> bytes:
    try:
        async with asyncio.timeout(keepalive_s):
            await ready.wait()
    except TimeoutError:
        return _KEEP_ALIVE
    return b""
