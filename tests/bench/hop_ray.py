"""The chain over the ray transport: each peer in a Ray actor of its own, asked from the driver.

Answers {"hops", "seconds"} with figures until the input ends. The actors are built as `cluster.hosts.Host` is: the
peer's event loop in a thread of its own, and async methods that wait for it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Coroutine, Sequence
from typing import Any, TypeVar

from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.keys import new_root
from aura_ia_mcp.cluster.household import LoopThread
from aura_ia_mcp.cluster.ray_runtime import prepare_environment

prepare_environment(own=True)

import ray  # noqa: E402 - after its environment

from aura_ia_mcp.cluster.ray_link import Calls, Doors, RayCalls, RayTransport  # noqa: E402

from .chain import HOPS, answerer, asker, measure  # noqa: E402
from .processes import tell  # noqa: E402

_NAMESPACE = "bench"
_START_S = 60.0
_T = TypeVar("_T")


def _uri(number: int) -> str:
    return f"ray:r{number}#r{number}/0"


def _reach(name: str) -> Calls:
    return RayCalls(name, _NAMESPACE)


class Hop:
    """One peer of the chain."""

    def __init__(self, number: int, root: bytes, uris: Sequence[str]) -> None:
        self._loop = LoopThread(f"r{number}")
        self._doors = Doors()
        transport = RayTransport(self._doors, f"r{number}", _reach)
        self._peer = self._loop.submit(answerer(number, root, transport, uris)).result()

    async def listen(self) -> str:
        """Begin to answer."""
        return await self._there(self._peer.listen())

    async def link_open(self, uri: str) -> str | None:
        """See `Doors.open`."""
        return await self._there(self._doors.open(uri))

    async def link_push(self, number: str, frames: list[bytes]) -> bool:
        """See `Doors.push`."""
        return await self._there(self._doors.push(number, frames))

    async def link_fetch(self, number: str) -> list[bytes] | None:
        """See `Doors.fetch`."""
        return await self._there(self._doors.fetch(number))

    async def link_leave(self, number: str) -> None:
        """See `Doors.leave`."""
        await self._there(self._doors.leave(number))

    def _there(self, work: Coroutine[Any, Any, _T]) -> Awaitable[_T]:
        return asyncio.wrap_future(self._loop.submit(work))


async def main() -> None:
    """Build the chain, then answer."""
    loop = asyncio.get_running_loop()
    root = new_root()
    uris = [_uri(number) for number in range(1, HOPS + 1)]
    actor: Any = ray.remote(Hop)
    hops = [
        actor.options(name=f"r{number}", num_cpus=0, max_concurrency=1000).remote(number, root, uris)
        for number in range(1, HOPS + 1)
    ]
    ray.get([hop.listen.remote() for hop in hops], timeout=_START_S)
    peer = asker(root, RayTransport(None, "r0", _reach), uris)
    tell({"ready": True})
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        order = json.loads(line)
        try:
            tell(await measure(peer, order["hops"], seconds=order["seconds"]))
        except AuraError as error:
            tell({"error": str(error)})
    await peer.stop()


if __name__ == "__main__":
    folder = tempfile.mkdtemp(prefix="aura-ray-")
    try:
        ray.init(
            address="local",
            namespace=_NAMESPACE,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.WARNING,
            object_store_memory=100 * 2**20,
            _temp_dir=folder,
        )
        asyncio.run(main())
    finally:
        ray.shutdown()
        shutil.rmtree(folder, ignore_errors=True)
