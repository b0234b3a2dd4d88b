"""Asks the gateway, over its unix socket, whether calls can be served."""

from __future__ import annotations

import asyncio
from pathlib import Path

_ASK_S = 3.0
_OK = b" 200 "
_PAUSE_S = 0.05


async def is_healthy(ingress: Path) -> bool:
    """Whether `GET /health` is answered with 200 within 3 s."""
    try:
        async with asyncio.timeout(_ASK_S):
            reader, writer = await asyncio.open_unix_connection(str(ingress))
            try:
                writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                return _OK in await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False


async def until_healthy(ingress: Path) -> None:
    """Wait until calls can be served."""
    while not await is_healthy(ingress):  # noqa: ASYNC110 - another process's state has no event
        await asyncio.sleep(_PAUSE_S)
