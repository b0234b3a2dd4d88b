"""`subscriptions/listen`: one long answer that carries the changes a client asked to hear of (SEP-2575)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from mcp.shared.subscriptions import SUBSCRIPTION_ID_META_KEY
from mcp_types.jsonrpc import INVALID_REQUEST

from .exchange import Exchange
from .jsonrpc import JSON, SERVER_BUSY, Request, RequestId, RpcError

_FLAGS = {"tools": "toolsListChanged", "prompts": "promptsListChanged", "resources": "resourcesListChanged"}
_MAX_URIS = 1000


@dataclass(eq=False)
class _Listener:
    exchange: Exchange
    number: RequestId
    wanted: JSON
    uris: frozenset[str]
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, method: str, params: JSON) -> None:
        self.exchange.notify(method, {**params, "_meta": {SUBSCRIPTION_ID_META_KEY: self.number}})


def resources_of(message: Request) -> list[str]:
    """The URIs that a `subscriptions/listen` names.

    Raises:
        RpcError: more than 1000 of them.
    """
    uris = list((message.params.get("notifications") or {}).get("resourceSubscriptions") or [])
    if len(uris) > _MAX_URIS:
        raise RpcError(INVALID_REQUEST, f"a stream takes at most {_MAX_URIS} resources")
    return uris


class Listeners:
    """The open listen streams, at most `most`."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: set[_Listener] = set()

    def __len__(self) -> int:
        return len(self._open)

    async def listen(self, exchange: Exchange, message: Request) -> JSON:
        """Acknowledge, then tell of changes until the client leaves (cancellation) or `close` ends it in order.

        Raises:
            RpcError: too many streams, or too many resources in one.
        """
        if len(self._open) >= self._most:
            raise RpcError(SERVER_BUSY, f"{self._most} subscription streams are open; close one first")
        asked = message.params.get("notifications") or {}
        uris = resources_of(message)
        wanted: JSON = {flag: True for flag in _FLAGS.values() if asked.get(flag) is True}
        if uris:
            wanted["resourceSubscriptions"] = uris
        listener = _Listener(exchange, message.id, wanted, frozenset(uris))
        self._open.add(listener)
        try:
            listener.tell("notifications/subscriptions/acknowledged", {"notifications": wanted})
            await listener.done.wait()
        finally:
            self._open.discard(listener)
        return {"_meta": {SUBSCRIPTION_ID_META_KEY: message.id}}

    def list_changed(self, what: str) -> None:
        """Tell those who asked that a list is another."""
        for listener in list(self._open):
            if listener.wanted.get(_FLAGS.get(what, "")):
                listener.tell(f"notifications/{what}/list_changed", {})

    def resource_updated(self, uri: str) -> None:
        """Tell those who asked that a resource has new content."""
        for listener in list(self._open):
            if uri in listener.uris:
                listener.tell("notifications/resources/updated", {"uri": uri})

    def close(self) -> None:
        """End every stream in order: its final answer follows."""
        for listener in list(self._open):
            listener.done.set()
