"""A small client of a running system: over its unix socket or by URL. It speaks the stateless era."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
from mcp.shared.inbound import encode_header_value, find_invalid_x_mcp_header, mcp_param_headers, x_mcp_header_map
from mcp_types import CLIENT_CAPABILITIES_META_KEY, CLIENT_INFO_META_KEY, PROTOCOL_VERSION_META_KEY
from mcp_types.version import LATEST_MODERN_VERSION

from .events import EventParser
from .jsonrpc import JSON
from .sentences import joined

OnProgress = Callable[[float, float | None, str | None], None]
OnAsk = Callable[[JSON], JSON]
"""Answers a question, {"method": "elicitation/create", "params"}, with MCP's result: {"action", "content"?}."""

_CONNECT_S = 5.0
_ASK_S = 10.0
_SPARE_S = 5.0
_LONGEST_CALL_S = 3600.0
_SILENCE_S = 60.0
_ROUNDS = 8
_ACCEPT = "application/json, text/event-stream"


class ClientError(Exception):
    """The system refused or failed.

    Args:
        message: what happened, for a person.
        status: the HTTP status.
        failure: the failure as data, where the system gave it (see `bus.errors.Failure`).
    """

    def __init__(self, message: str, status: int = 0, failure: JSON | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.failure = failure or {}


class NotRunningError(ClientError):
    """Nobody answers there."""


def open_http(target: str | Path, token: str | None = None) -> tuple[aiohttp.ClientSession, str]:
    """An HTTP session with a running system, and the base URL to use in it.

    Args:
        target: the ingress socket's path, or a URL of the system (with or without its MCP path).
        token: a bearer token.
    """
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S)
    connector: aiohttp.BaseConnector
    if isinstance(target, str) and target.startswith(("http://", "https://")):
        connector = aiohttp.TCPConnector(limit=0)
        base = target.rstrip("/").removesuffix("/stream").removesuffix("/mcp")
    else:
        connector = aiohttp.UnixConnector(str(target).removeprefix("unix:"), limit=0)
        base = "http://localhost"
    return aiohttp.ClientSession(connector=connector, headers=headers, timeout=timeout), base


def modern_headers(method: str, params: Mapping[str, Any], schema: JSON | None = None) -> dict[str, str]:
    """The headers that mirror a request of the 2026-07-28 revision.

    Args:
        method: the request's method.
        params: its parameters.
        schema: the called tool's input schema, whose `x-mcp-header` parameters are mirrored too.
    """
    headers = {"MCP-Protocol-Version": LATEST_MODERN_VERSION, "Mcp-Method": method, "Accept": _ACCEPT}
    name = params.get("uri" if method == "resources/read" else "name")
    if isinstance(name, str) and method in {"tools/call", "prompts/get", "resources/read"}:
        headers["Mcp-Name"] = encode_header_value(name)
    if schema is not None and find_invalid_x_mcp_header(schema) is None:
        arguments = params.get("arguments")
        headers |= mcp_param_headers(x_mcp_header_map(schema), arguments if isinstance(arguments, dict) else {})
    return headers


class Client:
    """A caller of one running system; `async with` opens and closes it.

    Args:
        target: the ingress socket's path, or a URL.
        token: a bearer token; None calls as a guest.
        name: how it names itself.
    """

    def __init__(self, target: str | Path, token: str | None = None, *, name: str = "aura") -> None:
        self._target = target
        self._token = token
        self._name = name
        self._numbers = 0

    async def __aenter__(self) -> Self:
        """Open; connects at the first request."""
        self._http, self._base = open_http(self._target, self._token)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close; a call under way is cancelled."""
        await self._http.close()

    async def list_tools(self) -> list[JSON]:
        """The tools that the caller may call, as MCP's Tool JSON.

        Raises:
            ClientError: it refused, no answer came within 10 s, or (`NotRunningError`) nobody answers.
        """
        status, body = await self._get("/mcp/tools/list")
        if status != 200:  # noqa: PLR2004
            raise _refused(status, body)
        tools: list[JSON] = body["tools"]
        return tools

    async def health(self) -> tuple[bool, JSON]:
        """Whether it can serve calls, and its report: {"ready", "status", "parts", "reasons"}.

        Raises:
            ClientError: no answer came within 10 s, or (`NotRunningError`) nobody answers.
        """
        status, body = await self._get("/health")
        return status == 200, body  # noqa: PLR2004

    async def call_tool(
        self,
        name: str,
        arguments: JSON,
        *,
        on_progress: OnProgress | None = None,
        on_ask: OnAsk | None = None,
        timeout_s: float | None = None,
        key: str = "",
    ) -> JSON:
        """Call a tool; MCP's CallToolResult, also for a refusal (`isError`, `_meta["aura/error"]`).

        When it needs an answer from its user, `on_ask` gives it and the call goes on, at most 8 times.

        Args:
            name: the tool.
            arguments: its arguments.
            on_progress: hears (progress, total, message).
            on_ask: answers for the user, in its own time; without it nobody is asked.
            timeout_s: the call's deadline; None leaves it to the system. After an answer it begins anew.
            key: an idempotency key.

        Raises:
            ClientError: it was refused before it was a call, or no answer came 5 s after the deadline (without
                one: nothing at all came for a minute), or (`NotRunningError`) nobody answers; or it asks without end.
        """
        params: JSON = {"name": name, "arguments": arguments}
        for _ in range(_ROUNDS + 1):
            meta = self._meta(on_progress, timeout_s, asks=on_ask is not None)
            result = await self._bounded(params | {"_meta": meta}, on_progress, timeout_s, key)
            if on_ask is None or result.get("resultType") != "input_required":
                return result
            answers = {each: on_ask(question) for each, question in (result.get("inputRequests") or {}).items()}
            params = {"name": name, "arguments": arguments, "inputResponses": answers}
            if "requestState" in result:
                params["requestState"] = result["requestState"]
        raise ClientError(f"{name} asked for input more than {_ROUNDS} times; look into that tool")

    async def _bounded(self, params: JSON, on_progress: OnProgress | None, timeout_s: float | None, key: str) -> JSON:
        within_s = (_LONGEST_CALL_S if timeout_s is None else timeout_s) + _SPARE_S
        try:
            async with asyncio.timeout(within_s):
                return await self._call(params, on_progress, key)
        except TimeoutError:
            raise ClientError(
                f"the system at {self._target} did not answer the call within {within_s:g} s, and it may have been "
                "done; check before you repeat it, and see `aura status`"
            ) from None

    def _meta(self, on_progress: OnProgress | None, timeout_s: float | None, *, asks: bool) -> JSON:
        self._numbers += 1
        meta: JSON = {
            PROTOCOL_VERSION_META_KEY: LATEST_MODERN_VERSION,
            CLIENT_CAPABILITIES_META_KEY: {"elicitation": {"form": {}}} if asks else {},
            CLIENT_INFO_META_KEY: {"name": self._name, "version": "1"},
        }
        if on_progress is not None:
            meta["progressToken"] = self._numbers
        if timeout_s is not None:
            meta["aura/timeout_s"] = timeout_s
        return meta

    async def _call(self, params: JSON, on_progress: OnProgress | None, key: str) -> JSON:
        name = params["name"]
        answer = await self._post("tools/call", params, None, on_progress, key)
        if "error" in answer and answer["error"].get("code") == -32020:  # noqa: PLR2004 - to be mirrored
            schema = next((tool["inputSchema"] for tool in await self.list_tools() if tool["name"] == name), None)
            answer = await self._post("tools/call", params, schema, on_progress, key)
        if "error" in answer:
            data = answer["error"].get("data")
            raise ClientError(answer["error"]["message"], failure=data if isinstance(data, dict) else None)
        result: JSON = answer["result"]
        return result

    async def _post(
        self, method: str, params: JSON, schema: JSON | None, on_progress: OnProgress | None, key: str
    ) -> JSON:
        headers = modern_headers(method, params, schema)
        if key:
            headers["Idempotency-Key"] = key
        message = {"jsonrpc": "2.0", "id": self._numbers, "method": method, "params": params}
        silence_s = None if "aura/timeout_s" in params["_meta"] else _SILENCE_S
        bound = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S, sock_read=silence_s)
        try:
            async with self._http.post(
                f"{self._base}/mcp/stream", json=message, headers=headers, timeout=bound
            ) as response:
                if response.content_type != "text/event-stream":
                    body = await _body(response)
                    if _is_answer(response.status, body):
                        return body
                    raise _refused(response.status, body)
                return await _follow(response, on_progress)
        except aiohttp.SocketTimeoutError:
            raise ClientError(
                f"the system at {self._target} took the call and then said nothing for {_SILENCE_S:g} s; check "
                "before you repeat it, and see `aura status`"
            ) from None
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, OSError) as error:
            raise self._gone(error) from error

    async def _get(self, path: str) -> tuple[int, JSON]:
        try:
            async with asyncio.timeout(_ASK_S), self._http.get(self._base + path) as response:
                return response.status, await _body(response)
        except TimeoutError as error:
            if isinstance(error, aiohttp.ConnectionTimeoutError):
                raise self._gone(error) from error
            raise ClientError(
                f"the system at {self._target} did not answer within {_ASK_S:g} s; it hangs or is overloaded: "
                "see its log, or start it again with `aura serve`"
            ) from None
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, OSError) as error:
            raise self._gone(error) from error

    def _gone(self, error: Exception) -> NotRunningError:
        return NotRunningError(f"nobody answers at {self._target} ({error}); start the system with `aura serve`")


async def _follow(response: aiohttp.ClientResponse, on_progress: OnProgress | None) -> JSON:
    parser = EventParser()
    async for chunk in response.content.iter_any():
        for event in parser.feed(chunk):
            if not event.data:
                continue
            message: JSON = json.loads(event.data)
            if "method" not in message:
                return message
            if message["method"] == "notifications/progress" and on_progress is not None:
                params = message["params"]
                on_progress(params["progress"], params.get("total"), params.get("message"))
    raise ClientError("the system ended the call's stream without an answer; check before you repeat the call")


async def _body(response: aiohttp.ClientResponse) -> JSON:
    try:
        body = await response.json(content_type=None)
    except (json.JSONDecodeError, UnicodeDecodeError, asyncio.IncompleteReadError):
        body = None
    return body if isinstance(body, dict) else {}


def _is_answer(status: int, body: JSON) -> bool:
    """Whether a body answers the request as JSON-RPC, rather than refuses it as HTTP."""
    if isinstance(body.get("result"), dict):
        return True
    error = body.get("error")
    said = isinstance(error, dict) and isinstance(error.get("message"), str)
    return "jsonrpc" in body and said and status != 401  # noqa: PLR2004


def _refused(status: int, body: JSON) -> ClientError:
    error = body.get("error")
    if not isinstance(error, dict):
        return ClientError(error if isinstance(error, str) and error else f"HTTP {status}", status)
    data = error.get("data")
    failure = data if isinstance(data, dict) else error
    message = str(error.get("message") or f"HTTP {status}")
    recovery = failure.get("recovery")
    return ClientError(joined(message, recovery) if isinstance(recovery, str) else message, status, failure)
