"""The newer era over HTTP: revision 2026-07-28, in which every POST stands for itself.

There is no session. A broken connection cancels its request, down into the graph. A tool that needs the user answers
`input_required`, and the client calls again. Source: MCP 2026-07-28, Transports, Streamable HTTP; SEP-2322, SEP-2575.
"""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web
from mcp.shared.inbound import (
    MCP_PARAM_HEADER_PREFIX,
    MCP_PROTOCOL_VERSION_HEADER,
    InboundLadderRejection,
    InboundModernRoute,
    classify_inbound_request,
    find_duplicated_routing_header,
    unsupported_protocol_version_rejection,
    validate_mcp_param_headers,
)
from mcp_types import LOG_LEVEL_META_KEY, SERVER_INFO_META_KEY
from mcp_types.jsonrpc import HEADER_MISMATCH, INVALID_REQUEST
from mcp_types.methods import CACHEABLE_METHODS
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from aura_ia_mcp.bus.errors import AuraError

from .arrival import JSON_HEADERS, Arrival
from .connections import Connections
from .exchange import LEVELS, Exchange, named, settled, wanted
from .graph import Caller
from .headers import traceparent, unserved_version
from .info import ServerInfo
from .jsonrpc import (
    JSON,
    Incoming,
    Notification,
    Request,
    RpcError,
    encode_notification,
    has_envelope,
)
from .methods import Methods, check_params
from .replay import PENDING_BYTES
from .sse import EVENT_STREAM_HEADERS, Outbox, pump
from .subscriptions import Listeners, resources_of

_LIST_TTL_MS = 5000
_MIRRORED = MCP_PARAM_HEADER_PREFIX.lower()


class StatelessExchange(Exchange):
    """One POST."""

    modern = True

    def __init__(self, era: StatelessEra, arrival: Arrival, route: InboundModernRoute, message: Request) -> None:
        meta = message.params["_meta"]
        trace = arrival.trace or traceparent(meta.get("traceparent"))
        caller = Caller(arrival.identity.principal, "", arrival.server, trace)
        client = route.client_capabilities if isinstance(route.client_capabilities, dict) else {}
        key = arrival.http.headers.get("Idempotency-Key", "")
        client_name = named(route.client_info, arrival.http.headers.get("User-Agent"))
        super().__init__(caller, route.protocol_version, client, meta, key, client_name)
        self._response: web.StreamResponse | None = None
        self._era = era
        self._arrival = arrival
        self._outbox: Outbox | None = None
        self._pump: asyncio.Task[None] | None = None
        least = self.meta.get(LOG_LEVEL_META_KEY)
        self._least = least if least in LEVELS else None

    def notify(self, method: str, params: JSON) -> None:
        """See `Exchange.notify`."""
        self.open_stream()
        if self._outbox is not None:
            self._outbox.put(encode_notification(method, params))
            if self._outbox.overrun and self._arrival.http.transport is not None:
                self._arrival.http.transport.abort()

    async def ask(self, method: str, params: JSON) -> JSON:
        """See `Exchange.ask`: this era has no requests to the client."""
        del params
        raise AuraError(
            "unavailable",
            f"{method} can't be sent in revision {self.version}",
            recovery="The tool must answer input_required instead.",
        )

    def logs(self, level: str) -> bool:
        """See `Exchange.logs`: only what the request's `_meta` asked for."""
        return self._least is not None and wanted(level, self._least)

    def open_stream(self) -> None:
        """Answer with an event stream from here on."""
        if self._outbox is None and self._arrival.streams:
            ready = asyncio.Event()
            self._outbox = Outbox(PENDING_BYTES, ready)
            self._response = web.StreamResponse(headers=EVENT_STREAM_HEADERS)
            self._pump = asyncio.create_task(
                pump(self._arrival.http, self._response, self._outbox, ready, self._era.keepalive_s)
            )

    async def answer(self, body: bytes, status: int) -> web.StreamResponse:
        """Send the response on the stream, if there is one, or as JSON."""
        if self._outbox is None or self._pump is None or self._response is None:
            return web.Response(body=body, status=status, headers=JSON_HEADERS)
        self._outbox.put(body)
        self._outbox.finish()
        await self._pump
        return self._response

    def abandon(self) -> None:
        """Stop writing: nobody reads."""
        if self._pump is not None:
            self._pump.cancel()


class StatelessEra:
    """Answers POSTs of the newer era."""

    def __init__(
        self,
        methods: Methods,
        listeners: Listeners,
        connections: Connections,
        info: ServerInfo,
        keepalive_s: float,
    ) -> None:
        self.connections = connections
        self.keepalive_s = keepalive_s
        self._methods = methods
        self._listeners = listeners
        self._stamp = {SERVER_INFO_META_KEY: info.implementation}
        self._info = info

    async def post(self, arrival: Arrival, message: Incoming) -> web.StreamResponse:
        """Serve one message.

        Raises:
            RpcError: the message is refused before it is served.
        """
        if isinstance(message, Notification):
            version = arrival.http.headers.get(MCP_PROTOCOL_VERSION_HEADER, "")
            _refuse(unsupported_protocol_version_rejection(version))
            return web.Response(status=202)
        if not isinstance(message, Request):
            raise RpcError(INVALID_REQUEST, "this revision has no requests to the client, so no answers either")
        route = _route(arrival, message)
        check_params(message.method, route.protocol_version, message.params)
        if message.method == "subscriptions/listen" and not arrival.streams:
            raise RpcError(INVALID_REQUEST, "the answer is a text/event-stream; accept it", status=406)
        if message.method == "tools/call":
            await self._check_mirrored(arrival, message.params)
        return await self._request(arrival, route, message)

    async def _request(self, arrival: Arrival, route: InboundModernRoute, message: Request) -> web.StreamResponse:
        exchange = StatelessExchange(self, arrival, route, message)
        task = asyncio.current_task()
        assert task is not None
        unwatch = self.connections.watch(arrival.http, task.cancel)
        silence = asyncio.get_running_loop().call_later(self.keepalive_s, exchange.open_stream)
        try:
            body, status = await settled(message.id, self._result(exchange, message))
            silence.cancel()
            return await exchange.answer(body, status)
        except asyncio.CancelledError:
            exchange.abandon()
            raise
        finally:
            silence.cancel()
            unwatch()

    async def _result(self, exchange: StatelessExchange, message: Request) -> JSON:
        method = message.method
        if method == "server/discover":
            result = self._info.discover_result()
        elif method == "subscriptions/listen":
            await self._methods.check_readable(exchange, resources_of(message))
            result = await self._listeners.listen(exchange, message)
        else:
            result = await self._methods.serve(exchange, method, message.params)
        return self._shape(method, result)

    def _shape(self, method: str, result: JSON) -> JSON:
        shaped: JSON = {"resultType": "complete", **result}
        if method in CACHEABLE_METHODS and shaped["resultType"] == "complete":
            shaped.setdefault("ttlMs", 0 if method == "resources/read" else _LIST_TTL_MS)
            shaped.setdefault("cacheScope", "public" if method == "server/discover" else "private")
        shaped["_meta"] = {**self._stamp, **(shaped.get("_meta") or {})}
        return shaped

    async def _check_mirrored(self, arrival: Arrival, params: JSON) -> None:
        """Compare the parameters that headers repeat; without either there is nothing to compare."""
        arguments, headers = params.get("arguments") or {}, arrival.http.headers
        if not arguments and not any(name.lower().startswith(_MIRRORED) for name in headers):
            return
        caller = Caller(arrival.identity.principal, "", arrival.server, arrival.trace)
        try:
            listing = await self._methods.catalogue.listing(caller, "tools")
        except AuraError:
            return  # the call itself will say what is wrong
        schema = listing.header_schemas.get(params["name"])
        if schema is not None:
            _refuse(validate_mcp_param_headers(schema, arguments, headers))


def _route(arrival: Arrival, message: Request) -> InboundModernRoute:
    duplicated = find_duplicated_routing_header(arrival.http.headers.items())
    if duplicated is not None:
        raise RpcError(HEADER_MISMATCH, f"{duplicated} header appears more than once")
    version = arrival.http.headers.get(MCP_PROTOCOL_VERSION_HEADER)
    if version is not None and version not in MODERN_PROTOCOL_VERSIONS and not has_envelope(message):
        raise unserved_version(version)
    body: dict[str, Any] = {"method": message.method, "params": message.params}
    route = classify_inbound_request(body, headers=arrival.http.headers)
    if isinstance(route, InboundLadderRejection):
        raise RpcError(route.code, route.message, data=route.data)
    return route


def _refuse(rejection: InboundLadderRejection | None) -> None:
    if rejection is not None:
        raise RpcError(rejection.code, rejection.message, data=rejection.data)
