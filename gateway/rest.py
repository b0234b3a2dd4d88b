"""REST helpers for scripts: the same way through the graph as MCP, with plain HTTP answers.

`GET /mcp/tools/list` answers MCP's ListToolsResult. `POST /mcp/tools/call` with {"name", "arguments"} answers MCP's
CallToolResult; a refusal has the HTTP status of its type and the failure as {"error": ...}. A tool that ran and failed
is 200 with `isError`, as is everything whose outcome the tool itself decided.
"""

from __future__ import annotations

import asyncio

from aiohttp import web
from mcp_types.jsonrpc import INVALID_PARAMS
from mcp_types.version import LATEST_HANDSHAKE_VERSION

from aura_ia_mcp.bus.errors import AuraError

from .arrival import JSON_HEADERS, Arrival
from .connections import Connections
from .exchange import Exchange, named
from .graph import Caller
from .jsonrpc import JSON, RpcError, decode, encode
from .methods import Methods, check_params

STATUS_OF_TYPE = {
    "validation": 400,
    "forbidden": 403,
    "approval_required": 403,
    "rate_limited": 429,
    "unavailable": 503,
    "timeout": 504,
}
"""HTTP status by failure type; `execution` is 200, for the call was made."""


class RestExchange(Exchange):
    """A call that nobody listens to while it runs."""

    def notify(self, method: str, params: JSON) -> None:
        """See `Exchange.notify`: there is nowhere to send it."""

    async def ask(self, method: str, params: JSON) -> JSON:
        """See `Exchange.ask`."""
        del params
        raise AuraError("unavailable", f"{method} can't be asked over REST", recovery="Call the tool over MCP.")

    def logs(self, level: str) -> bool:
        """See `Exchange.logs`."""
        del level
        return False


class Rest:
    """The two helpers."""

    def __init__(self, methods: Methods, connections: Connections, max_nesting: int) -> None:
        self._methods = methods
        self._connections = connections
        self._max_nesting = max_nesting

    async def list_tools(self, arrival: Arrival) -> web.StreamResponse:
        """What the caller may call."""
        try:
            result = await self._methods.serve(_exchange(arrival, {}), "tools/list", {})
        except RpcError as error:
            return failed(error.data) if isinstance(error.data, dict) else malformed(error)
        return web.Response(body=encode(result), headers=JSON_HEADERS)

    async def call_tool(self, arrival: Arrival, body: bytes) -> web.StreamResponse:
        """Call one; a connection that breaks cancels it."""
        try:
            params = decode(body, self._max_nesting)
            if not isinstance(params, dict):
                raise RpcError(INVALID_PARAMS, 'send {"name": ..., "arguments": {...}}')  # noqa: TRY301
            result = await self.run(arrival, params)
            failure = (result.get("_meta") or {}).get("aura/error")
            if failure is not None and failure.get("type") in STATUS_OF_TYPE:
                return failed(failure)
            return web.Response(body=encode(result), headers=JSON_HEADERS)
        except RpcError as error:
            return malformed(error)
        except ValueError as error:
            return failed(AuraError("tool_failed", f"the result is not JSON: {error}").failure.as_dict(), 500)

    async def run(self, arrival: Arrival, params: JSON) -> JSON:
        """Call a tool with these `tools/call` parameters; a connection that breaks cancels it.

        Raises:
            RpcError: they are malformed, or the tool answered with one.
        """
        check_params("tools/call", LATEST_HANDSHAKE_VERSION, params)
        task = asyncio.current_task()
        assert task is not None
        unwatch = self._connections.watch(arrival.http, task.cancel)
        try:
            return await self._methods.call_tool(_exchange(arrival, params), params)
        finally:
            unwatch()


def _exchange(arrival: Arrival, params: JSON) -> RestExchange:
    meta = params.get("_meta")
    return RestExchange(
        Caller(arrival.identity.principal, "", arrival.server, arrival.trace),
        LATEST_HANDSHAKE_VERSION,
        {},
        meta if isinstance(meta, dict) else {},
        arrival.http.headers.get("Idempotency-Key", ""),
        named(None, arrival.http.headers.get("User-Agent")),
    )


def malformed(error: RpcError) -> web.Response:
    """What isn't a request, as an HTTP answer."""
    failure = AuraError("malformed", error.message).failure.as_dict()
    return failed(failure, error.status or 400)


def failed(failure: JSON, status: int | None = None, more_headers: dict[str, str] | None = None) -> web.Response:
    """A failure as an HTTP answer: {"error": {...}}, with the status of its type unless one is given."""
    headers = JSON_HEADERS | (more_headers or {})
    if failure.get("retry_after_s") is not None:
        headers["Retry-After"] = str(max(1, round(failure["retry_after_s"] + 0.5)))
    status = status or STATUS_OF_TYPE.get(str(failure.get("type")), 500)
    return web.Response(body=encode({"error": failure}), status=status, headers=headers)
