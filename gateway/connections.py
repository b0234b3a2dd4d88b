"""The connections of one listening socket: how many there may be, and who hears when one is lost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestHandler

from .sse import Source

_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\n"
    b"Connection: close\r\nContent-Length: 70\r\n\r\n"
    b'{"error":"too many connections; close some, or come back in a second"}'
)
Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Connections:
    """Counts connections over all sockets of a gateway and tells who asked when one is lost.

    Args:
        most: how many there may be; one more is answered 503 and closed.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._watchers: dict[RequestHandler, set[Callable[[], object]]] = {}
        self.count = 0
        self.refused = 0

    def admit(self, protocol: RequestHandler, transport: asyncio.Transport) -> bool:
        """Take note of a new connection; False when there are too many, and it was closed."""
        if self.count >= self._most:
            self.refused += 1
            transport.write(_BUSY)
            transport.close()
            return False
        self.count += 1
        self._watchers[protocol] = set()
        return True

    def lost(self, protocol: RequestHandler) -> None:
        """A connection is gone: tell those who watch it."""
        watchers = self._watchers.pop(protocol, None)
        if watchers is None:
            return
        self.count -= 1
        for call in list(watchers):
            call()

    def watch(self, http: web.BaseRequest, call: Callable[[], object]) -> Callable[[], None]:
        """Call `call` when the request's connection is lost; the result undoes that.

        If it is lost already, `call` runs soon.
        """
        watchers = self._watchers.get(http.protocol)
        if watchers is None:
            asyncio.get_running_loop().call_soon(call)
            return lambda: None
        watchers.add(call)
        return lambda: watchers.discard(call)

    def closing(self, http: web.BaseRequest, source: Source) -> Source:
        """The same source, which is closed when the request's connection is lost."""
        return _Watched(source, self.watch(http, source.close))


class _Watched:
    def __init__(self, source: Source, unwatch: Callable[[], None]) -> None:
        self._source = source
        self._unwatch = unwatch

    @property
    def ended(self) -> bool:
        return self._source.ended

    def take(self) -> bytes:
        return self._source.take()

    def close(self) -> None:
        self._unwatch()
        self._source.close()


class _NotOurs(logging.Filter):
    """Drops what aiohttp logs, with a traceback, of bytes that are no HTTP: anybody may send those."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


_log = logging.getLogger("aura_ia_mcp.gateway.http")
_log.addFilter(_NotOurs())


class Front(web.Server):
    """aiohttp's low-level server, which counts its connections."""

    def __init__(self, handler: Handler, connections: Connections, **options: Any) -> None:
        super().__init__(handler, logger=_log, **options)
        self._counted = connections

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        """See `web.Server`."""
        super().connection_made(handler, transport)
        self._counted.admit(handler, transport)

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        """See `web.Server`."""
        super().connection_lost(handler, exc)
        self._counted.lost(handler)
