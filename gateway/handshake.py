"""The older era over HTTP: revisions 2024-11-05 to 2025-11-25, opened by `initialize` and held in a session.

A broken connection doesn't cancel a request: its answer waits in the session's log until the client resumes the
stream. `notifications/cancelled` does, and travels into the graph. The answer is plain JSON until something has to be
streamed. Source: MCP 2025-11-25, Transports, Streamable HTTP.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from aiohttp import web
from mcp_types.jsonrpc import INVALID_REQUEST
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, LATEST_HANDSHAKE_VERSION, is_version_at_least

from aura_ia_mcp.bus.errors import AuraError

from .arrival import JSON_HEADERS, Arrival
from .connections import Connections
from .exchange import Exchange, named, settled, wanted
from .graph import Caller
from .headers import traceparent
from .info import ServerInfo
from .jsonrpc import (
    JSON,
    REQUEST_CANCELLED,
    Answer,
    Incoming,
    Request,
    RpcError,
    encode_error,
    encode_notification,
    encode_request,
    encode_result,
)
from .methods import Methods, check_params
from .replay import GET_STREAM, ExpiredError
from .sessions import Session, Sessions
from .sse import EVENT_STREAM_HEADERS, pump

SESSION_HEADER = "Mcp-Session-Id"
_RETRY_MS = 1000
_PRIMED_SINCE = "2025-11-25"


class HandshakeExchange(Exchange):
    """An open request of a session."""

    def __init__(self, era: HandshakeEra, session: Session, arrival: Arrival, message: Request) -> None:
        meta = message.params.get("_meta")
        meta = meta if isinstance(meta, dict) else {}
        trace = arrival.trace or traceparent(meta.get("traceparent"))
        caller = Caller(arrival.identity.principal, session.name, session.server, trace)
        key = arrival.http.headers.get("Idempotency-Key", "")
        super().__init__(caller, session.version, session.client, meta, key, session.client_name)
        self.session = session
        self._response: web.StreamResponse | None = None
        self._streams = arrival.streams
        self._era = era
        self._http = arrival.http
        self._stream: int | None = None
        self._pump: asyncio.Task[None] | None = None
        self._task = asyncio.current_task()
        self._cancelled = False

    def cancel(self) -> None:
        """See `sessions.Open`."""
        if self._task is not None and not self._cancelled:
            self._cancelled = True
            self._task.cancel()

    def was_cancelled(self) -> bool:
        """Whether a CancelledError that is being handled came from `cancel`; it is then taken back."""
        return self._cancelled and self._task is not None and self._task.uncancel() == 0

    def notify(self, method: str, params: JSON) -> None:
        """See `Exchange.notify`."""
        self._send(encode_notification(method, params))

    async def ask(self, method: str, params: JSON) -> JSON:
        """See `Exchange.ask`."""
        if not self._streams:
            raise AuraError("unavailable", "the client takes no event stream, so it can't be asked")
        number, future = self.session.question()
        self._send(encode_request(number, method, params))
        try:
            return await future
        except asyncio.CancelledError:
            if not self.session.closed:
                self.notify("notifications/cancelled", {"requestId": number, "reason": "no longer needed"})
            raise
        finally:
            future.cancel()

    def logs(self, level: str) -> bool:
        """See `Exchange.logs`."""
        return wanted(level, self.session.log_level)

    def close_stream(self) -> None:
        """See `Exchange.close_stream`."""
        if is_version_at_least(self.version, _PRIMED_SINCE):
            self.open_stream()
            if self._stream is not None:
                self.session.events.retire_reader(self._stream)

    def open_stream(self) -> None:
        """Answer with an event stream from here on."""
        if not self._streams or self._stream is not None or self.session.closed:
            return
        self._response = web.StreamResponse(headers=EVENT_STREAM_HEADERS)
        events = self.session.events
        self._stream = events.open()
        ready = asyncio.Event()
        reader = events.attach(self._stream, ready.set)
        if is_version_at_least(self.version, _PRIMED_SINCE):
            events.append(self._stream, None, retry_ms=_RETRY_MS)
        source = self._era.connections.closing(self._http, reader)
        self._pump = asyncio.create_task(pump(self._http, self._response, source, ready, self._era.keepalive_s))

    async def answer(self, body: bytes) -> web.StreamResponse:
        """Send the response on the stream, if there is one, or as JSON."""
        if self._stream is None or self._response is None or self._pump is None:
            return web.Response(body=body, headers=JSON_HEADERS)
        if not self.session.closed:
            self.session.events.append(self._stream, body)
            self.session.events.finish(self._stream)
        await self._pump
        return self._response

    async def abandon(self) -> None:
        """Stop writing; the gateway is going down."""
        if self._pump is not None:
            self._pump.cancel()
            with suppress(asyncio.CancelledError):
                await self._pump

    def _send(self, data: bytes) -> None:
        self.open_stream()
        if self._stream is not None and not self.session.closed:
            self.session.events.append(self._stream, data)


class HandshakeEra:
    """Answers POST, GET and DELETE of the older era."""

    def __init__(
        self,
        methods: Methods,
        sessions: Sessions,
        connections: Connections,
        info: ServerInfo,
        keepalive_s: float,
    ) -> None:
        self.connections = connections
        self.keepalive_s = keepalive_s
        self._methods = methods
        self._sessions = sessions
        self._info = info

    async def post(self, arrival: Arrival, message: Incoming) -> web.StreamResponse:
        """Serve one message.

        Raises:
            RpcError: the message or its session is refused.
        """
        if isinstance(message, Request) and message.method == "initialize":
            return self._initialize(arrival, message)
        session = self._session(arrival)
        if isinstance(message, Request):
            return await self._request(arrival, session, message)
        if isinstance(message, Answer):
            session.answered(message)
        elif message.method == "notifications/cancelled":
            number = message.params.get("requestId")
            if isinstance(number, str | int):
                session.cancel(number)
        return web.Response(status=202)

    async def get(self, arrival: Arrival) -> web.StreamResponse:
        """Stream what the session has to say, or resume a stream after `Last-Event-ID`.

        Raises:
            RpcError: HTTP 410 when the events after that id are no longer kept.
        """
        if not arrival.streams:
            raise RpcError(INVALID_REQUEST, "a GET is answered with text/event-stream; accept it", status=406)
        session = self._session(arrival)
        ready = asyncio.Event()
        last = arrival.http.headers.get("Last-Event-ID")
        try:
            if last is None:
                reader = session.events.attach(GET_STREAM, ready.set)
                if is_version_at_least(session.version, _PRIMED_SINCE):
                    session.events.append(GET_STREAM, None, retry_ms=_RETRY_MS)
            else:
                reader = session.events.resume(last, ready.set)
        except ExpiredError:
            raise RpcError(
                INVALID_REQUEST,
                "the events after this Last-Event-ID are no longer kept; open the stream without it",
                status=410,
            ) from None
        response = web.StreamResponse(headers=EVENT_STREAM_HEADERS)
        source = self.connections.closing(arrival.http, reader)
        await pump(arrival.http, response, source, ready, self.keepalive_s)
        return response

    async def delete(self, arrival: Arrival) -> web.StreamResponse:
        """End the session."""
        self._sessions.end(self._session(arrival))
        return web.Response(status=200)

    def _session(self, arrival: Arrival) -> Session:
        session_id = arrival.http.headers.get(SESSION_HEADER)
        if session_id is None:
            raise RpcError(
                INVALID_REQUEST,
                f"the {SESSION_HEADER} header is missing; send initialize to open a session",
                status=400,
            )
        return self._sessions.find(session_id, arrival.identity, arrival.server)

    def _initialize(self, arrival: Arrival, message: Request) -> web.StreamResponse:
        asked = message.params.get("protocolVersion")
        version = asked if asked in HANDSHAKE_PROTOCOL_VERSIONS else LATEST_HANDSHAKE_VERSION
        check_params("initialize", version, message.params)
        params = message.params
        client_name = named(params["clientInfo"], arrival.http.headers.get("User-Agent"))
        session = self._sessions.open(arrival.identity, arrival.server, version, params["capabilities"], client_name)
        self._methods.catalogue.warm(Caller(session.principal, session.name, session.server))
        result = self._info.initialize_result(version)
        headers = {**JSON_HEADERS, SESSION_HEADER: session.id}
        return web.Response(body=encode_result(message.id, result), headers=headers)

    async def _request(self, arrival: Arrival, session: Session, message: Request) -> web.StreamResponse:
        if message.id in session.open:
            raise RpcError(INVALID_REQUEST, "a request with this id is still open in the session", status=400)
        if session.unwanted(message.id):
            return web.Response(body=encode_error(message.id, _cancelled()), headers=JSON_HEADERS)
        exchange = HandshakeExchange(self, session, arrival, message)
        session.open[message.id] = exchange
        silence = asyncio.get_running_loop().call_later(self.keepalive_s, exchange.open_stream)
        try:
            body, _ = await settled(message.id, self._result(exchange, message))
        except asyncio.CancelledError:
            if not exchange.was_cancelled():
                await exchange.abandon()
                raise
            body = encode_error(message.id, _cancelled())
        finally:
            silence.cancel()
            session.open.pop(message.id, None)
        return await exchange.answer(body)

    async def _result(self, exchange: HandshakeExchange, message: Request) -> JSON:
        method, params, session = message.method, message.params, exchange.session
        check_params(method, exchange.version, params)
        if method == "tools/call":
            return await self._methods.call_tool(exchange, params)
        if method == "ping":
            return {}
        if method == "logging/setLevel":
            session.log_level = params["level"]
            return {}
        if method == "resources/subscribe":
            await self._methods.check_readable(exchange, (params["uri"],))
            session.subscribe(params["uri"])
            return {}
        if method == "resources/unsubscribe":
            session.subscriptions.discard(params["uri"])
            return {}
        return await self._methods.serve(exchange, method, params)


def _cancelled() -> RpcError:
    return RpcError(REQUEST_CANCELLED, "the request was cancelled")
