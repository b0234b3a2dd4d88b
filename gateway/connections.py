"""The connections of one listening socket: how many there may be, and who hears when one is lost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestHandler

from aura_ia_mcp.bus.errors import AuraError

from .jsonrpc import encode
from .sse import Source

_LOCAL_RESERVE = 256
Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


def _busy() -> bytes:
    recovery = "Close some, or come back in a second."
    error = AuraError("mailbox_full", "too many connections are open", recovery=recovery, retry_after_s=1.0)
    body = encode({"error": error.failure.as_dict()})
    return (
        b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\n"
        b"Connection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    )


_BUSY = _busy()


class Connections:
    """Counts connections over all sockets of a gateway and tells who asked when one is lost.

    The unix socket has a count of its own, so that no crowd on the network locks the operator out.

    Args:
        most: how many there may be by TCP; one more is answered 503 and closed.
        most_local: the same for the unix socket.
    """

    def __init__(self, most: int, most_local: int = _LOCAL_RESERVE) -> None:
        self._most = {False: most, True: most_local}
        self._open = {False: 0, True: 0}
        self._watchers: dict[RequestHandler, set[Callable[[], object]]] = {}
        self._local: set[RequestHandler] = set()
        self.refused = 0

    @property
    def count(self) -> int:
        """How many are open, of both kinds."""
        return sum(self._open.values())

    def admit(self, protocol: RequestHandler, transport: asyncio.Transport, *, local: bool = False) -> bool:
        """Take note of a new connection (`local`: by the unix socket); False when it was one too many, and closed."""
        if self._open[local] >= self._most[local]:
            self.refused += 1
            transport.write(_BUSY)
            transport.close()
            return False
        self._open[local] += 1
        self._watchers[protocol] = set()
        if local:
            self._local.add(protocol)
        return True

    def lost(self, protocol: RequestHandler) -> None:
        """A connection is gone: tell those who watch it."""
        watchers = self._watchers.pop(protocol, None)
        if watchers is None:
            return
        self._open[protocol in self._local] -= 1
        self._local.discard(protocol)
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
    """aiohttp's low-level server, which counts its connections and closes those that ask for nothing.

    Args:
        handler: answers requests.
        connections: where they are counted.
        head_s: seconds within which a new connection must have sent its first whole request head.
        local: whether it serves the unix socket.
    """

    def __init__(
        self, handler: Handler, connections: Connections, *, head_s: float, local: bool = False, **options: Any
    ) -> None:
        super().__init__(self._heard, logger=_log, **options)
        self._handler = handler
        self._counted = connections
        self._head_s = head_s
        self._at_socket = local
        self._silent: dict[RequestHandler, asyncio.TimerHandle] = {}

    async def _heard(self, http: web.BaseRequest) -> web.StreamResponse:
        self._is_silent_no_more(http.protocol)
        return await self._handler(http)

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        """See `web.Server`."""
        super().connection_made(handler, transport)
        if self._counted.admit(handler, transport, local=self._at_socket):
            loop = asyncio.get_running_loop()
            self._silent[handler] = loop.call_later(self._head_s, transport.close)

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        """See `web.Server`."""
        super().connection_lost(handler, exc)
        self._is_silent_no_more(handler)
        self._counted.lost(handler)

    def _is_silent_no_more(self, handler: RequestHandler) -> None:
        timer = self._silent.pop(handler, None)
        if timer is not None:
            timer.cancel()
