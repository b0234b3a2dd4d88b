"""`python -m tests.contract.over_ray`: the bus's promises, kept over a real Ray; prints one JSON line per promise.

Every peer of a test lives in one Ray actor, on an event loop of its own, and every frame between them is a Ray actor
call. In a process of its own, since Ray reads its environment once, at the first import: see `ENVIRONMENT`.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import shutil
import tempfile
import traceback
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import ray

from aura_ia_mcp.cluster.household import LoopThread
from aura_ia_mcp.cluster.ray_link import Doors, RayCalls, RayTransport

from . import test_bus_delivery, test_bus_endings, test_bus_proof, test_bus_requests, test_bus_streams
from .conftest import Wire

ENVIRONMENT = {"RAY_AUTH_MODE": "token", "RAY_USAGE_STATS_ENABLED": "0", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
NAMESPACE = "contract"
STAGE = "stage"
_ENOUGH_S = 30.0
_MODULES = (test_bus_requests, test_bus_streams, test_bus_endings, test_bus_delivery, test_bus_proof)
_T = TypeVar("_T")


class Stage:
    """A Ray actor in which the tests of the bus's promises run; answers link calls as the system's own actors do."""

    def __init__(self) -> None:
        self._loop = LoopThread(STAGE)
        self._doors = Doors()

    async def link_open(self, uri: str) -> str | None:
        return await self._there(self._doors.open(uri))

    async def link_push(self, number: str, frames: list[bytes]) -> bool:
        return await self._there(self._doors.push(number, frames))

    async def link_fetch(self, number: str) -> list[bytes] | None:
        return await self._there(self._doors.fetch(number))

    async def link_leave(self, number: str) -> None:
        await self._there(self._doors.leave(number))

    async def run(self, promise: str, arguments: dict[str, Any]) -> str:
        """The traceback of a broken promise, or ""."""
        return await self._there(self._run(promise, arguments))

    async def _run(self, promise: str, arguments: dict[str, Any]) -> str:
        wire = Wire(lambda: RayTransport(self._doors, STAGE, lambda name: RayCalls(name, NAMESPACE)))
        try:
            async with asyncio.timeout(_ENOUGH_S):
                await _tests()[promise](wire, **arguments)
        except BaseException:
            return traceback.format_exc()
        finally:
            await wire.close()
        return ""

    async def _there(self, work: Coroutine[Any, Any, _T]) -> _T:
        return await asyncio.wrap_future(self._loop.submit(work))


def _tests() -> dict[str, Callable[..., Coroutine[Any, Any, None]]]:
    """Each test of the contract that takes a wire."""
    return {
        name: test
        for module in _MODULES
        for name, test in inspect.getmembers(module, inspect.iscoroutinefunction)
        if name.startswith("test_") and "wire" in inspect.signature(test).parameters
    }


def promises() -> list[tuple[str, dict[str, Any]]]:
    """Each of them, with its arguments."""
    found: list[tuple[str, dict[str, Any]]] = []
    for name, test in _tests().items():
        marks = [mark for mark in getattr(test, "pytestmark", []) if mark.name == "parametrize"]
        found += [(name, {mark.args[0]: value}) for mark in marks for value in mark.args[1]] or [(name, {})]
    return found


def main() -> None:
    folder = tempfile.mkdtemp(prefix="ray-")
    try:
        ray.init(
            address="local",
            namespace=NAMESPACE,
            num_cpus=1,
            include_dashboard=False,
            object_store_memory=100_000_000,
            log_to_driver=False,
            _temp_dir=folder,
        )
        stage: Any = ray.remote(Stage).options(name=STAGE, num_cpus=0, max_concurrency=1000).remote()
        for promise, arguments in promises():
            broken = ray.get(stage.run.remote(promise, arguments), timeout=2 * _ENOUGH_S)
            print(json.dumps({"promise": promise, "arguments": repr(arguments), "broken": broken}), flush=True)
    finally:
        ray.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
