"""One open request of a client, whichever era it speaks: how its handler tells and asks the client."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable

from mcp_types.jsonrpc import INTERNAL_ERROR

from aura_ia_mcp.bus.errors import AuraError

from .graph import Caller
from .jsonrpc import JSON, STATUS_OF_CODE, RequestId, RpcError, encode_error, encode_result

log = logging.getLogger(__name__)

LEVELS = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")
CLIENT = "aura/client"
_MOST_CHARS = 200
CAPABILITY_OF = {"elicitation/create": "elicitation", "sampling/createMessage": "sampling", "roots/list": "roots"}


class Exchange(ABC):
    """What a handler knows of a request and may do along it.

    Args:
        caller: on whose behalf.
        version: the protocol revision spoken.
        client: the client's declared capabilities.
        meta: the request's `_meta`.
        headers_key: the `Idempotency-Key` header, or "".
        client_name: what the client calls itself; see `named`.
    """

    modern = False

    def __init__(
        self,
        caller: Caller,
        version: str,
        client: JSON,
        meta: JSON,
        headers_key: str = "",
        client_name: JSON | None = None,
    ) -> None:
        self.caller = caller
        self.version = version
        self.client = client
        self.meta = meta
        self.headers_key = headers_key
        self.client_name = client_name or {}
        self.missing: str | None = None

    @abstractmethod
    def notify(self, method: str, params: JSON) -> None:
        """Send a notification along this request, in order, ahead of its answer; never blocks."""

    @abstractmethod
    async def ask(self, method: str, params: JSON) -> JSON:
        """Ask the client along this request and wait for its result.

        Raises:
            AuraError: `unavailable` when it can't be asked that, `tool_failed` when it answered with an error.
        """

    def close_stream(self) -> None:  # noqa: B027 - most exchanges have no stream to close
        """End the connection that carries this request's stream, so that the client comes back for the rest."""

    @abstractmethod
    def logs(self, level: str) -> bool:
        """Whether the client wants log messages of this level."""

    def on_item(self, item: JSON) -> None:
        """Relay an item that comes up an open request on the bus; one that isn't JSON is dropped."""
        try:
            self._relay(item)
        except ValueError as error:
            log.warning("dropped an item of %s: %s", self.caller.session or "a call", error)

    def _relay(self, item: JSON) -> None:
        kind = item.get("type")
        if kind == "progress":
            token = self.meta.get("progressToken")
            if token is not None:
                self.notify("notifications/progress", _progress(token, item))
        elif kind == "log":
            level = str(item.get("level", "info"))
            if self.logs(level):
                self.notify("notifications/message", _log_message(level, item))
        elif kind == "notification":
            method = str(item.get("method", ""))
            if method.startswith("notifications/"):
                self.notify(method, item.get("params") or {})
        elif kind == "close_stream":
            self.close_stream()

    async def on_ask(self, question: JSON) -> JSON:
        """Relay a question that a tool asks back."""
        method = str(question.get("method", ""))
        capability = CAPABILITY_OF.get(method)
        if capability is None:
            raise AuraError("unavailable", f"a client can't be asked {method!r}")
        if not isinstance(self.client.get(capability), dict):
            self.missing = capability
            raise AuraError(
                "unavailable",
                f"the client didn't declare the capability {capability!r}, which {method} needs",
                recovery=f"Call from a client that supports {capability}.",
            )
        return await self.ask(method, question.get("params") or {})


async def settled(number: RequestId, work: Awaitable[JSON]) -> tuple[bytes, int]:
    """The response to a request once its work is done, and the HTTP status that 2026-07-28 gives it.

    A result that isn't JSON is an internal error.
    """
    try:
        return encode_result(number, await work), 200
    except RpcError as error:
        return encode_error(number, error), error.status or STATUS_OF_CODE.get(error.code, 200)
    except ValueError as error:
        return encode_error(number, RpcError(INTERNAL_ERROR, f"the result is not JSON: {error}")), 200


def named(info: object, user_agent: str | None) -> JSON:
    """What a client calls itself: `name` and `version` of its clientInfo and its `user_agent`, as far as it says.

    Nothing of it is proven. Each is cut to 200 characters.
    """
    found: JSON = {"user_agent": user_agent[:_MOST_CHARS]} if user_agent else {}
    if isinstance(info, dict):
        for name in ("name", "version"):
            if isinstance(value := info.get(name), str):
                found[name] = value[:_MOST_CHARS]
    return found


def _progress(token: str | int, item: JSON) -> JSON:
    params: JSON = {"progressToken": token, "progress": item.get("progress", 0)}
    for name in ("total", "message"):
        if item.get(name) is not None:
            params[name] = item[name]
    return params


def _log_message(level: str, item: JSON) -> JSON:
    params: JSON = {"level": level, "data": item.get("data")}
    if item.get("logger"):
        params["logger"] = item["logger"]
    return params


def wanted(level: str, least: str) -> bool:
    """Whether a message of `level` passes a threshold; an unknown level never does."""
    return level in LEVELS and LEVELS.index(level) >= LEVELS.index(least)
