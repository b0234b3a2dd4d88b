"""Callers of both protocol eras that outlive the server: what breaks is an answer like any other."""

from __future__ import annotations

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import aiohttp

from aura_ia_mcp.gateway.client import Client, ClientError
from aura_ia_mcp.gateway.events import EventParser

from .answers import FORGOTTEN, GONE

JSON = dict[str, Any]
LIMIT_S = 90.0
_OLD = "2025-11-25"
_ACCEPT = "application/json, text/event-stream"
_NO_SESSION = 404


class Caller(ABC):
    """Somebody who calls tools.

    Args:
        url: the MCP endpoint.
        token: the caller's.
    """

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._token = token

    async def call(self, tool: str, arguments: JSON, *, key: str = "", agrees: bool | None = None) -> JSON:
        """MCP's CallToolResult, or {"code", "message"} when it didn't come to one.

        Args:
            tool: which.
            arguments: with what.
            key: an idempotency key.
            agrees: what its user says when asked; None: it can't be asked.
        """
        try:
            return await self._call(tool, arguments, key, agrees)
        except (aiohttp.ClientError, OSError, ValueError, KeyError) as error:
            self._broken()
            return {"code": GONE, "message": repr(error)}

    @abstractmethod
    async def _call(self, tool: str, arguments: JSON, key: str, agrees: bool | None) -> JSON:
        """As `call`; may raise whatever a connection that breaks leads to."""

    def _broken(self) -> None:  # noqa: B027 - most have nothing to forget
        """The connection broke."""

    async def close(self) -> None:  # noqa: B027 - most have nothing open
        """End it."""


class NewEra(Caller):
    """Calls as of the 2026-07-28 revision: each POST for itself; a question comes as an answer."""

    async def _call(self, tool: str, arguments: JSON, key: str, agrees: bool | None) -> JSON:
        on_ask = None if agrees is None else (lambda _question: _said(agrees))
        try:
            async with Client(self._url, self._token) as client:
                return await client.call_tool(tool, arguments, key=key, on_ask=on_ask, timeout_s=LIMIT_S - 30)
        except ClientError as error:
            return {"code": str(error.failure.get("code") or GONE), "message": str(error)}


class OldEra(Caller):
    """Calls as of the 2025-11-25 revision, in a session that is opened anew when the server has forgotten it."""

    def __init__(self, url: str, token: str) -> None:
        super().__init__(url, token)
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=LIMIT_S - 10, sock_connect=5))
        self._session = ""
        self._number = 0

    async def _call(self, tool: str, arguments: JSON, key: str, agrees: bool | None) -> JSON:
        if not self._session:
            await self._open()
        params = {"name": tool, "arguments": arguments}
        headers = {"Idempotency-Key": key} if key else {}
        return await self._ask("tools/call", params, headers, lambda: _said(bool(agrees)))

    def _broken(self) -> None:
        self._session = ""

    async def close(self) -> None:
        """Close its connections."""
        await self._http.close()

    async def _open(self) -> None:
        said = {
            "protocolVersion": _OLD,
            "capabilities": {"elicitation": {}},
            "clientInfo": {"name": "torture", "version": "1"},
        }
        async with self._post(self._message("initialize", said), {}) as response:
            if not response.ok:
                raise ValueError(f"no session: {response.status} {await response.text()}")
            await response.read()
            self._session = response.headers["Mcp-Session-Id"]
        async with self._post({"jsonrpc": "2.0", "method": "notifications/initialized"}, {}) as response:
            await response.read()

    async def _ask(self, method: str, params: JSON, headers: dict[str, str], answer: Callable[[], JSON]) -> JSON:
        async with self._post(self._message(method, params), headers) as response:
            if response.status == _NO_SESSION:
                self._session = ""
                return {"code": FORGOTTEN, "message": await response.text()}
            if response.content_type != "text/event-stream":
                return _answered(json.loads(await response.read()))
            parser = EventParser()
            async for chunk in response.content.iter_any():
                for event in parser.feed(chunk):
                    if not event.data:
                        continue
                    message = json.loads(event.data)
                    if "method" not in message:
                        return _answered(message)
                    if "id" in message:
                        await self._reply(message["id"], answer())
        return {"code": GONE, "message": "the stream ended without an answer"}

    async def _reply(self, number: Any, said: JSON) -> None:
        async with self._post({"jsonrpc": "2.0", "id": number, "result": said}, {}) as response:
            await response.read()

    def _message(self, method: str, params: JSON) -> JSON:
        self._number += 1
        return {"jsonrpc": "2.0", "id": self._number, "method": method, "params": params}

    def _post(self, message: JSON, headers: dict[str, str]) -> Any:
        own = {"Accept": _ACCEPT, "Authorization": f"Bearer {self._token}"}
        if self._session:
            own |= {"Mcp-Session-Id": self._session, "MCP-Protocol-Version": _OLD}
        return self._http.post(self._url, json=message, headers=own | headers)


async def within_limit(work: Any) -> JSON | None:
    """What it gives, or None when it took longer than any call may."""
    try:
        async with asyncio.timeout(LIMIT_S):
            found: JSON = await work
            return found
    except TimeoutError:
        return None


def _said(agrees: bool | None) -> JSON:
    return {"action": "accept", "content": {}} if agrees else {"action": "decline"}


def _answered(message: JSON) -> JSON:
    if "result" in message:
        result: JSON = message["result"]
        return result
    error = message.get("error") or {}
    data = error.get("data")
    code = data.get("code") if isinstance(data, dict) else None
    return {"code": str(code or error.get("code") or GONE), "message": str(error.get("message"))}
