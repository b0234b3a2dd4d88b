"""A stand-in for Ray's actor calls within one event loop: by value, and never at once, as Ray's are."""

from __future__ import annotations

import asyncio
import pickle

from aura_ia_mcp.cluster.ray_link import Doors


class LoopCalls:
    """Calls into doors of the same loop.

    Args:
        doors: whose.
    """

    def __init__(self, doors: Doors) -> None:
        self._doors = doors
        self.broken = False

    async def open(self, uri: str) -> str | None:
        await self._travel()
        return await self._doors.open(uri)

    async def push(self, number: str, frames: list[bytes]) -> bool:
        await self._travel()
        copied: list[bytes] = pickle.loads(pickle.dumps(frames))
        return await self._doors.push(number, copied)

    async def fetch(self, number: str) -> list[bytes] | None:
        await self._travel()
        return await self._doors.fetch(number)

    async def leave(self, number: str) -> None:
        await self._travel()
        await self._doors.leave(number)

    async def _travel(self) -> None:
        await asyncio.sleep(0)
        if self.broken:
            raise ConnectionError("the actor died")
