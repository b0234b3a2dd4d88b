"""Asks the gateway, over its unix socket, whether calls can be served, and if not, why."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable
from pathlib import Path

_ASK_S = 3.0
_OK = b" 200 "
_PAUSE_S = 0.05
_QUIET_S = 2.0
_MOST_BYTES = 65_536


async def reasons(ingress: Path) -> list[str] | None:
    """Why calls can't be served, in the words of `GET /health`; None if they can. Takes 3 s at most."""
    try:
        async with asyncio.timeout(_ASK_S):
            reader, writer = await asyncio.open_unix_connection(str(ingress), limit=_MOST_BYTES)
            try:
                writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                if _OK in await reader.readline():
                    return None
                await reader.readuntil(b"\r\n\r\n")
                said = json.loads(await reader.read(_MOST_BYTES))
            finally:
                writer.close()
    except TimeoutError:
        return [f"the gateway did not answer within {_ASK_S:g} s"]
    except (OSError, EOFError, ValueError, asyncio.LimitOverrunError):
        return []
    return [str(reason) for reason in said.get("reasons", ())] if isinstance(said, dict) else []


async def until_healthy(ingress: Path, on_reason: Callable[[str], None]) -> None:
    """Wait until calls can be served.

    Args:
        ingress: the gateway's socket.
        on_reason: told once of each reason why they can't, from 2 s on: a start passes through some quickly.
    """
    quiet_until = time.monotonic() + _QUIET_S
    told: set[str] = set()
    while (found := await reasons(ingress)) is not None:
        for reason in found if time.monotonic() > quiet_until else ():
            kind = re.sub(r"\d+", "#", reason)  # the number of free bytes changes, the reason doesn't
            if kind not in told:
                told.add(kind)
                on_reason(reason)
        await asyncio.sleep(_PAUSE_S)
