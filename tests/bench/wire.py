"""The bytes of requests, prepared: what a client would send, cut where the request's id goes."""

from __future__ import annotations

import http.client
import json
from collections.abc import Sequence
from dataclasses import dataclass

from mcp_types import CLIENT_CAPABILITIES_META_KEY, CLIENT_INFO_META_KEY, PROTOCOL_VERSION_META_KEY

from .outcome import JSON

LEGACY, MODERN = "2025-11-25", "2026-07-28"
ID_DIGITS = 10
_CLIENT = {"name": "bench", "version": "1"}
_ACCEPT = "application/json, text/event-stream"
_HOLE = '"id":@'
_WAIT_S = 30.0

Prepared = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Call:
    """A `tools/call`.

    Args:
        tool: its name.
        arguments: for it.
    """

    tool: str
    arguments: JSON


def open_session(port: int, path: str) -> str:
    """Initialize as a client of the older era does; the session's id.

    Raises:
        RuntimeError: the server refused.
    """
    params = {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": _CLIENT}
    session, _ = post(port, path, {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params})
    headers = {"Mcp-Session-Id": session, "MCP-Protocol-Version": LEGACY}
    post(port, path, {"jsonrpc": "2.0", "method": "notifications/initialized"}, headers)
    return session


def post(port: int, path: str, message: JSON, headers: dict[str, str] | None = None) -> tuple[str, str]:
    """Send one message; the answer's session id (or "") and body.

    Raises:
        RuntimeError: the status isn't one of success.
        OSError: nobody answers.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_WAIT_S)
    try:
        usual = {"Content-Type": "application/json", "Accept": _ACCEPT}
        connection.request("POST", path, json.dumps(message), usual | (headers or {}))
        answer = connection.getresponse()
        body = answer.read().decode()
        if not 200 <= answer.status < 300:
            raise RuntimeError(f"{message['method']} was answered with {answer.status}: {body[:500]}")
        return answer.headers.get("Mcp-Session-Id", ""), body
    finally:
        connection.close()


def legacy(port: int, path: str, session: str, call: Call) -> Prepared:
    """A call in a session of the older era."""
    headers = {"Mcp-Session-Id": session, "MCP-Protocol-Version": LEGACY}
    return _prepare(port, path, headers, {"name": call.tool, "arguments": call.arguments})


def modern(port: int, path: str, call: Call) -> Prepared:
    """A call of the newer era."""
    headers = {"MCP-Protocol-Version": MODERN, "Mcp-Method": "tools/call", "Mcp-Name": call.tool}
    return _prepare(port, path, headers, modern_params(call))


def modern_params(call: Call) -> JSON:
    """The parameters of a call of the newer era, which carry what `initialize` told once."""
    meta = {PROTOCOL_VERSION_META_KEY: MODERN, CLIENT_CAPABILITIES_META_KEY: {}, CLIENT_INFO_META_KEY: _CLIENT}
    return {"name": call.tool, "arguments": call.arguments, "_meta": meta}


def modern_once(port: int, path: str, call: Call) -> JSON:
    """Call once in the newer era and read the answer's result.

    Raises:
        RuntimeError: the answer holds none.
        OSError: nobody answers.
    """
    headers = {"MCP-Protocol-Version": MODERN, "Mcp-Method": "tools/call", "Mcp-Name": call.tool}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": modern_params(call)}
    _, body = post(port, path, message, headers)
    answer = json.loads(body)
    if "result" not in answer:
        raise RuntimeError(f"{call.tool} was answered with {body[:500]}")
    result: JSON = answer["result"]
    return result


def _prepare(port: int, path: str, headers: dict[str, str], params: JSON) -> Prepared:
    message = {"jsonrpc": "2.0", "id": "@", "method": "tools/call", "params": params}
    body = json.dumps(message, separators=(",", ":")).replace('"id":"@"', _HOLE, 1)
    before, after = body.split("@", 1)
    usual = {
        "Host": f"127.0.0.1:{port}",
        "Content-Type": "application/json",
        "Accept": _ACCEPT,
        "Content-Length": str(len(before.encode()) + ID_DIGITS + len(after.encode())),
    }
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in (usual | headers).items()), "", ""]
    return "\r\n".join(lines) + before, after


def shares(requests: Sequence[Prepared], clients: int) -> list[list[Prepared]]:
    """Deal requests out to clients in turn."""
    return [list(requests[number::clients]) for number in range(clients)]
