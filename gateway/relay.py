"""What the system answers to the stdio bridge, in a body or on a stream, passed on to its client."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

from .events import EventParser
from .jsonrpc import JSON, SERVER_BUSY, RequestId, RpcError

log = logging.getLogger(__name__)

Say = Callable[[bytes], Awaitable[None]]

BROKEN = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, ConnectionError, OSError)


async def follow(say: Say, response: aiohttp.ClientResponse, number: RequestId | None) -> tuple[bool, str | None]:
    """Pass a stream's messages on; whether the answer to `number` was among them, and the last event's id."""
    parser, last = EventParser(), None
    try:
        async for chunk in response.content.iter_any():
            for event in parser.feed(chunk):
                last = event.id or last
                if not event.data:
                    continue
                await say(event.data.encode())
                if number is not None and _answers(event.data, number):
                    return True, last
    except BROKEN as error:
        log.debug("a stream broke: %s", error)
    return False, last


async def answer_of(number: RequestId, response: aiohttp.ClientResponse) -> JSON:
    """The response in a JSON body, always as the answer to `number`: a refusal at the door may not know the id."""
    try:
        body: Any = json.loads(await response.read())
    except ValueError:
        body = None
    if not isinstance(body, dict) or not ("result" in body or "error" in body):
        body = {"error": {"code": SERVER_BUSY, "message": f"the system answered HTTP {response.status}"}}
    return {**body, "jsonrpc": "2.0", "id": number}


def _answers(data: str, number: RequestId) -> bool:
    if '"method"' in data[:64]:
        return False
    try:
        message = json.loads(data)
    except ValueError:
        return False
    return isinstance(message, dict) and "method" not in message and message.get("id") == number


def unavailable(why: str) -> RpcError:
    """Nothing was delivered."""
    return RpcError(SERVER_BUSY, why)


def unknown(error: object) -> RpcError:
    """What became of a request can't be told."""
    return RpcError(
        SERVER_BUSY, f"the connection to the system broke while the request was open ({error}); check before you repeat"
    )
