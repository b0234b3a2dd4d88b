"""Every HTTP request comes in here: its host and origin are checked, its sender authenticated, its path chosen."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial

from aiohttp import web
from mcp.shared.inbound import MCP_PROTOCOL_VERSION_HEADER
from mcp_types.jsonrpc import INTERNAL_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS

from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.configs.settings import Gateway as GatewaySettings

from . import approvals
from .arrival import JSON_HEADERS, Arrival, Entrance
from .authentication import Chain, Credential, Identity, OnSecurityEvent
from .body import read_body
from .graph import refusal
from .handshake import HandshakeEra
from .headers import accepts, bearer, host_allowed, is_json, is_loopback, origin_allowed, traceparent, unserved_version
from .health import Health
from .jsonrpc import (
    SERVER_BUSY,
    STATUS_OF_CODE,
    Incoming,
    Request,
    RequestId,
    RpcError,
    encode,
    encode_error,
    encode_result,
    has_envelope,
    parse,
)
from .metrics import Metrics
from .refusals import busy, challenge, status_of, visible
from .rest import Rest, failed
from .stateless import StatelessEra

log = logging.getLogger(__name__)

_MCP_PATHS = frozenset({"/mcp", "/mcp/stream"})
_KNOWN_HOSTS = 64
_OPEN_PER_CONNECTION = 2  # more are open than connected when clients leave: the older era's requests go on
_ALLOWED = {"/health": "GET, HEAD", "/live": "GET, HEAD", "/metrics": "GET"}
_ALLOWED |= {"/mcp/tools/list": "GET", "/mcp/tools/call": "POST"}
_LOCAL = Credential(None, True, "this machine")


class Door:
    """Routes requests. Whatever is refused here gets a JSON body that says why, and is counted."""

    def __init__(
        self,
        settings: GatewaySettings,
        chain: Chain,
        handshake: HandshakeEra,
        stateless: StatelessEra,
        rest: Rest,
        health: Health,
        metrics: Metrics,
        refresh: Callable[[], None],
        on_security_event: OnSecurityEvent,
    ) -> None:
        self._settings = settings
        self._chain = chain
        self._handshake = handshake
        self._stateless = stateless
        self._rest = rest
        self._approvals = approvals.Approvals(rest, settings.max_nesting)
        self._health = health
        self._metrics = metrics
        self._refresh = refresh
        self._on_security_event = on_security_event
        self._hosts: set[str] = set()
        self.stopping = False
        self.in_flight = 0
        self._quiet = asyncio.Event()
        self._quiet.set()

    def entrance(self, entrance: Entrance) -> Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]:
        """The handler for one listening socket."""
        return partial(self._handle, entrance)

    async def drained(self, within_s: float) -> bool:
        """Wait until no POST is being served; False if `within_s` was too short."""
        try:
            async with asyncio.timeout(within_s):
                await self._quiet.wait()
        except TimeoutError:
            return False
        return True

    async def _handle(self, entrance: Entrance, http: web.BaseRequest) -> web.StreamResponse:
        try:
            self._check_source(entrance, http)
            if http.method != "POST":
                return await self._serve(entrance, http)
            self.in_flight += 1
            self._quiet.clear()
            try:
                return await self._serve(entrance, http)
            finally:
                self.in_flight -= 1
                if not self.in_flight:
                    self._quiet.set()
        except RpcError as error:
            return self._reject(error, None)
        except AuraError as error:
            if http.raw_path.startswith(("/mcp/tools/", approvals.PATH)):
                return failed(error.failure.as_dict(), status_of(error), challenge(error))
            return self._unauthenticated(error)
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception:
            log.exception("a request failed in the gateway")
            return self._reject(
                RpcError(INTERNAL_ERROR, "a fault in the gateway; its log has the trace", status=500), None
            )

    async def _serve(self, entrance: Entrance, http: web.BaseRequest) -> web.StreamResponse:
        path = http.raw_path.partition("?")[0]
        if path in _MCP_PATHS:
            return await self._mcp(entrance, http)
        return await self._other(entrance, http, path)

    # --- who and whence ----------------------------------------------------------------------------------------------

    def _check_source(self, entrance: Entrance, http: web.BaseRequest) -> None:
        if entrance.unix:
            return
        host = http.headers.get("Host")
        if host not in self._hosts:
            if not host_allowed(host, (*self._settings.allowed_hosts, self._settings.host)):
                raise self._foreign(http, "Host", "allowed_hosts")
            if len(self._hosts) < _KNOWN_HOSTS and host is not None:
                self._hosts.add(host)
        origin = http.headers.get("Origin")
        if origin is not None and not origin_allowed(origin, self._settings.allowed_origins):
            raise self._foreign(http, "Origin", "allowed_origins")

    def _foreign(self, http: web.BaseRequest, header: str, setting: str) -> RpcError:
        named = visible(http.headers.get(header, ""))
        self._on_security_event("foreign_request", {"peer": http.remote or "", "header": header, "value": named})
        return RpcError(INVALID_REQUEST, f"this {header} is not served; see gateway.{setting}", status=403)

    async def _identify(self, entrance: Entrance, http: web.BaseRequest) -> Identity:
        return await self._chain.authenticate(self._credential(entrance, http))

    def _credential(self, entrance: Entrance, http: web.BaseRequest) -> Credential:
        token = bearer(http.headers.get("Authorization"))
        if entrance.local and token is None:
            return _LOCAL
        if entrance.unix:
            return Credential(token, True, "unix socket")
        return Credential(token, entrance.local or is_loopback(http.remote or ""), http.remote or "")

    def _arrival(self, entrance: Entrance, http: web.BaseRequest, identity: Identity) -> Arrival:
        takes_json, takes_stream = accepts(http.headers.get("Accept"))
        if not takes_json and not takes_stream:
            raise RpcError(INVALID_REQUEST, "accept application/json and text/event-stream", status=406)
        return Arrival(http, identity, entrance.server, traceparent(http.headers.get("traceparent")), takes_stream)

    # --- MCP ---------------------------------------------------------------------------------------------------------

    async def _mcp(self, entrance: Entrance, http: web.BaseRequest) -> web.StreamResponse:
        if http.method == "POST":
            return await self._post(entrance, http)
        version = http.headers.get(MCP_PROTOCOL_VERSION_HEADER)
        if http.method not in {"GET", "DELETE"} or (version is not None and version in MODERN_PROTOCOL_VERSIONS):
            allow = "POST" if version in MODERN_PROTOCOL_VERSIONS else "GET, POST, DELETE"
            raise RpcError(INVALID_REQUEST, f"{http.method} is not served here", status=405, headers={"Allow": allow})
        _check_version(version)
        arrival = self._arrival(entrance, http, await self._identify(entrance, http))
        if http.method == "DELETE":
            return await self._handshake.delete(arrival)
        if self.stopping:
            raise busy(_stopping())
        return await self._handshake.get(arrival)

    async def _post(self, entrance: Entrance, http: web.BaseRequest) -> web.StreamResponse:
        if not is_json(http.headers.get("Content-Type")):
            raise RpcError(INVALID_REQUEST, "the Content-Type must be application/json", status=415)
        try:
            identity = await self._identify(entrance, http)
        except AuraError as error:
            if error.code == "unauthenticated":
                raise
            return self._can_not_tell(error, await self._message(http))
        message = await self._message(http)
        number = message.id if isinstance(message, Request) else None
        try:
            arrival = self._arrival(entrance, http, identity)
            if self.stopping:
                return self._can_not_tell(_stopping(), message)
            most = (_OPEN_PER_CONNECTION + entrance.unix) * self._settings.max_connections
            if self.in_flight > most:
                return self._can_not_tell(AuraError("mailbox_full", "too many requests are open"), message)
            if _is_modern(http, message):
                return await self._stateless.post(arrival, message)
            return await self._handshake.post(arrival, message)
        except RpcError as error:
            return self._reject(error, number)

    async def _message(self, http: web.BaseRequest) -> Incoming:
        body = await read_body(http, self._settings.max_body_bytes, self._settings.body_timeout_s)
        return parse(body, self._settings.max_nesting)

    # --- the rest ----------------------------------------------------------------------------------------------------

    async def _other(self, entrance: Entrance, http: web.BaseRequest, path: str) -> web.StreamResponse:
        route = (http.method, path)
        if route in {("GET", "/health"), ("HEAD", "/health")}:
            report = await self._health.check()
            return _json(report, 200 if report["ready"] and not self.stopping else 503)
        if route in {("GET", "/live"), ("HEAD", "/live")}:
            return _json({"status": "live"})
        if route == ("GET", "/metrics"):
            if not self._credential(entrance, http).local:
                await self._identify(entrance, http)
            self._refresh()
            page, content_type = self._metrics.page()
            return web.Response(body=page, headers={"Content-Type": content_type})
        methods = _ALLOWED.get(path) or approvals.serves(path)
        if methods is None:
            raise RpcError(METHOD_NOT_FOUND, "nothing is served at this path; MCP is at /mcp/stream", status=404)
        if http.method not in methods.split(", "):
            raise RpcError(INVALID_REQUEST, f"{http.method} is not served here", status=405, headers={"Allow": methods})
        return await self._helper(entrance, http, path)

    async def _helper(self, entrance: Entrance, http: web.BaseRequest, path: str) -> web.StreamResponse:
        """What stands for a tool's call, or for the list of tools."""
        if self.stopping:
            raise _stopping()
        identity = await self._identify(entrance, http)
        arrival = Arrival(http, identity, entrance.server, traceparent(http.headers.get("traceparent")), False)
        if http.method == "GET":
            return await (self._approvals.read(arrival) if approvals.serves(path) else self._rest.list_tools(arrival))
        if not is_json(http.headers.get("Content-Type")):
            raise RpcError(INVALID_REQUEST, "the Content-Type must be application/json", status=415)
        body = await read_body(http, self._settings.max_body_bytes, self._settings.body_timeout_s)
        return await (
            self._approvals.decide(arrival, body) if approvals.serves(path) else self._rest.call_tool(arrival, body)
        )

    # --- refusals ----------------------------------------------------------------------------------------------------

    def _reject(self, error: RpcError, number: RequestId | None) -> web.Response:
        status = error.status or STATUS_OF_CODE.get(error.code, 400)
        self._metrics.rejected(status)
        return web.Response(body=encode_error(number, error), status=status, headers={**JSON_HEADERS, **error.headers})

    def _unauthenticated(self, error: AuraError) -> web.Response:
        failure = error.failure
        if failure.code != "unauthenticated":
            return self._reject(busy(error), None)
        data, headers = failure.as_dict(), challenge(error)
        return self._reject(RpcError(SERVER_BUSY, failure.message, data=data, status=401, headers=headers), None)

    def _can_not_tell(self, error: AuraError, message: Incoming) -> web.Response:
        """A tools/call is never answered 503: a client is known to give up its whole channel on one."""
        if isinstance(message, Request) and message.method == "tools/call":
            result = {"resultType": "complete", **refusal(error.failure)}
            return web.Response(body=encode_result(message.id, result), headers=JSON_HEADERS)
        return self._reject(busy(error), message.id if isinstance(message, Request) else None)


def _is_modern(http: web.BaseRequest, message: Incoming) -> bool:
    """Whether a POST speaks the newer era: by its version header, else by the envelope in its `_meta`."""
    version = http.headers.get(MCP_PROTOCOL_VERSION_HEADER)
    if version is not None:
        return version not in HANDSHAKE_PROTOCOL_VERSIONS
    if not isinstance(message, Request) or message.method == "initialize":
        return False
    return has_envelope(message)


def _check_version(version: str | None) -> None:
    if version is not None and version not in HANDSHAKE_PROTOCOL_VERSIONS:
        raise unserved_version(version)


def _stopping() -> AuraError:
    return AuraError("stopping", "the gateway is shutting down")


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(body=encode(value), status=status, headers=JSON_HEADERS)
