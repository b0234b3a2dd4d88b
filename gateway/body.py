"""Reading a request's body within a size and a time."""

from __future__ import annotations

import asyncio

from aiohttp import web
from mcp_types.jsonrpc import INVALID_REQUEST, PARSE_ERROR

from .jsonrpc import RpcError


async def read_body(http: web.BaseRequest, most_bytes: int, within_s: float) -> bytes:
    """The whole body.

    Raises:
        RpcError: HTTP 413 beyond `most_bytes`, 408 if it takes longer than `within_s`, 400 if it breaks off,
            415 if it is compressed.
    """
    headers = http.headers
    if "Content-Encoding" in headers:
        raise RpcError(INVALID_REQUEST, "send the body uncompressed", status=415)
    length = http.content_length
    if length is not None and length > most_bytes:
        raise _too_large(most_bytes)
    content = http.content
    if content.is_eof():
        body = content.read_nowait()
        if len(body) > most_bytes:
            raise _too_large(most_bytes)
        return body
    if headers.get("Expect", "").lower() == "100-continue" and http.transport is not None:
        http.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    try:
        async with asyncio.timeout(within_s):
            return await _read_all(content, most_bytes)
    except TimeoutError:
        raise RpcError(
            INVALID_REQUEST,
            f"the body did not arrive within {within_s:g} s",
            status=408,
            headers={"Connection": "close"},
        ) from None
    except (ConnectionError, web.RequestPayloadError):
        raise RpcError(PARSE_ERROR, "the body broke off", status=400) from None


async def _read_all(content: asyncio.StreamReader | object, most_bytes: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        chunk = await content.readany()  # type: ignore[union-attr]
        if not chunk:
            return b"".join(parts)
        size += len(chunk)
        if size > most_bytes:
            raise _too_large(most_bytes)
        parts.append(chunk)


def _too_large(most_bytes: int) -> RpcError:
    return RpcError(
        INVALID_REQUEST,
        f"the body is larger than {most_bytes} bytes; send less at once",
        status=413,
        headers={"Connection": "close"},
    )
