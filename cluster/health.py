"""Asks the gateway, over its unix socket, whether it answers at all, and whether calls can be served or why not."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from .child import Child

_ASK_S = 3.0
_LIVE_S = 5.0
_LOOK_S = 5.0
_MOST_MISSES = 4
_OK = b" 200 "
_PAUSE_S = 0.05
_QUIET_S = 2.0
_MOST_BYTES = 65_536


async def reasons(ingress: Path) -> list[str] | None:
    """Why calls can't be served, in the words of `GET /health`; None if they can. Takes 3 s at most."""
    try:
        async with asyncio.timeout(_ASK_S), _asked(ingress, "/health") as reader:
            if _OK in await reader.readline():
                return None
            await reader.readuntil(b"\r\n\r\n")
            said = json.loads(await reader.read(_MOST_BYTES))
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


async def answers(ingress: Path) -> bool:
    """Whether the gateway answers, be it by a refusal; asks nobody behind it. Takes 5 s at most."""
    try:
        async with asyncio.timeout(_LIVE_S), _asked(ingress, "/live") as reader:
            return (await reader.readline()).startswith(b"HTTP/")
    except (OSError, ValueError):  # a TimeoutError is an OSError
        return False


async def restart_when_hung(gateway: Child, ingress: Path, on_notice: Callable[[str], None]) -> None:
    """End the gateway whenever it runs and doesn't answer for long, so that it is started again; until cancelled.

    Args:
        gateway: its process; one that isn't ready yet is left alone.
        ingress: its socket.
        on_notice: told, in a sentence, before it is ended.
    """
    pid, misses = gateway.pid, 0
    while True:
        await asyncio.sleep(_LOOK_S)
        answered = not gateway.ready.is_set() or await answers(ingress)
        misses = 0 if answered or gateway.pid != pid else misses + 1
        pid = gateway.pid
        if misses == _MOST_MISSES:
            on_notice(f"the gateway (pid {pid}) lives and didn't answer {misses} times in a row; ending it")
            gateway.end()


@asynccontextmanager
async def _asked(ingress: Path, path: str) -> AsyncIterator[asyncio.StreamReader]:
    reader, writer = await asyncio.open_unix_connection(str(ingress), limit=_MOST_BYTES)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        yield reader
    finally:
        writer.close()
