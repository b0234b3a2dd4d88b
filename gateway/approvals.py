"""Approvals over plain HTTP: the very same tools as over MCP, with an answer that is theirs alone.

`GET /approvals?status=&limit=` lists, `GET /approvals/{id}` shows one, and `POST /approvals/{id}` decides: it takes
{"decision", "reason"}. The body of an answer is the tool's structured result; a refusal is {"error": failure}.
"""

from __future__ import annotations

from aiohttp import web

from aura_ia_mcp.bus.errors import AuraError

from .arrival import JSON_HEADERS, Arrival
from .jsonrpc import JSON, RpcError, decode, encode
from .rest import Rest, failed, malformed

PATH = "/approvals"
_STATUS_OF_CODE = {"approval_conflict": 409, "unknown_approval": 404, "unknown_tool": 403}
"""Where the failure's type says less: who may not decide is told that there is no such tool."""


def serves(path: str) -> str | None:
    """The methods that a path takes, or None when it isn't one of these."""
    if path == PATH:
        return "GET"
    below = path.removeprefix(f"{PATH}/")
    return "GET, POST" if below != path and below and "/" not in below else None


class Approvals:
    """The three helpers.

    Args:
        rest: calls the tools.
        max_nesting: of a body.
    """

    def __init__(self, rest: Rest, max_nesting: int) -> None:
        self._rest = rest
        self._max_nesting = max_nesting

    async def read(self, arrival: Arrival) -> web.StreamResponse:
        """The list, or one."""
        approval_id = _id(arrival)
        if approval_id:
            return await self._answer(arrival, "get_approval", {"approval_id": approval_id})
        query = arrival.http.query
        arguments: JSON = {"status": query["status"]} if query.get("status") else {}
        if limit := query.get("limit"):
            arguments["limit"] = int(limit) if limit.isdecimal() else limit  # the schema says what is wrong with it
        return await self._answer(arrival, "list_approvals", arguments)

    async def decide(self, arrival: Arrival, body: bytes) -> web.StreamResponse:
        """Say yes or no to one."""
        try:
            given = decode(body, self._max_nesting)
        except RpcError as error:
            return malformed(error)
        if not isinstance(given, dict):
            return failed(AuraError("malformed", 'send {"decision": "approve" or "deny", "reason"}').failure.as_dict())
        return await self._answer(arrival, "decide_approval", given | {"approval_id": _id(arrival)})

    async def _answer(self, arrival: Arrival, tool: str, arguments: JSON) -> web.StreamResponse:
        try:
            result = await self._rest.run(arrival, {"name": tool, "arguments": arguments})
        except RpcError as error:
            return malformed(error)
        failure = (result.get("_meta") or {}).get("aura/error")
        if failure is not None:
            return failed(failure, _STATUS_OF_CODE.get(str(failure.get("code"))))
        return web.Response(body=encode(result["structuredContent"]), headers=JSON_HEADERS)


def _id(arrival: Arrival) -> str:
    return arrival.http.raw_path.partition("?")[0].removeprefix(PATH).removeprefix("/")
