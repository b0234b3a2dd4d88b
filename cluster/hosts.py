"""The Ray actors of the tree, named for what they are, so that each layer is found by name in the dashboard.

All are one `Host`, which keeps the actors of its assignment in a thread with an event loop of its own: messages never
pass through Ray's own task queue. Ray starts, places, watches and restarts it, and calls only the methods here.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import ray

from aura_ia_mcp.bus.messages import JSON
from aura_ia_mcp.configs.paths import Paths

from . import logs
from .assignment import Assignment
from .household import Household, LoopThread
from .ray_link import Calls, Doors, RayCalls, RayTransport
from .ray_runtime import own_ip

_T = TypeVar("_T")
_SUPERSEDED = 75

log = logging.getLogger(__name__)


class Host:
    """One Ray actor of the tree. Its constructor never fails for want of something that may come later.

    Args:
        assignment: who lives here.
    """

    def __init__(self, assignment: Assignment) -> None:
        settings = assignment.settings
        logs.configure(assignment.writer, settings.system.log_level, Paths.of(settings).logs)
        context = ray.get_runtime_context()
        self._name = assignment.name
        self._loop = LoopThread(assignment.name)
        self._doors: Doors | None = None
        namespace, node = context.namespace, node_name(assignment.head, context.get_node_id())
        self._household: Household = self._loop.submit(self._settle(assignment, node, namespace)).result()

    def __repr__(self) -> str:
        return self._name

    async def ready(self) -> JSON:
        """Wait until its actors have started, or the first attempt failed: {"ready", "error"}."""
        return await self._there(self._household.ready())

    async def status(self) -> JSON:
        """How it and each of its addresses do; see `Household.status`."""
        return await self._there(self._household.status())

    async def stop(self, drain_s: float) -> None:
        """Let what is being handled end within `drain_s`, then stop; leaves no socket behind."""
        await self._there(self._household.stop(drain_s))

    async def link_open(self, uri: str) -> str | None:
        """See `Doors.open`."""
        return await self._there(self._door().open(uri))

    async def link_push(self, number: str, frames: list[bytes]) -> bool:
        """See `Doors.push`."""
        return await self._there(self._door().push(number, frames))

    async def link_fetch(self, number: str) -> list[bytes] | None:
        """See `Doors.fetch`."""
        return await self._there(self._door().fetch(number))

    async def link_leave(self, number: str) -> None:
        """See `Doors.leave`."""
        await self._there(self._door().leave(number))

    async def _settle(self, assignment: Assignment, node: str, namespace: str) -> Household:
        extra = []
        if assignment.settings.bus.transport == "ray":
            log.warning("the bus runs over Ray actor calls (bus.transport = ray): the reference, and slower")
            self._doors = Doors()

            def reach(name: str) -> Calls:
                return RayCalls(name, namespace)

            asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(4, thread_name_prefix="reach"))
            extra = [RayTransport(self._doors, assignment.name, reach)]
        ip = own_ip()
        household = Household(assignment, node, ip, extra=extra, on_superseded=_leave)
        await household.start()
        return household

    def _door(self) -> Doors:
        if self._doors is None:
            raise OSError("bus.transport isn't ray")
        return self._doors

    async def _there(self, work: Coroutine[Any, Any, _T]) -> _T:
        return await asyncio.wrap_future(self._loop.submit(work))


class Directory(Host):
    """Who answers where."""


class Records(Host):
    """L0: State, Approvals, Audit and Telemetry, in one process."""


class MLWorker(Host):
    """L1: the embedded models."""


class Language(Host):
    """L1: puts results into words."""


class RoleEngine(Host):
    """L2: the rules in force, roles and trust."""


class Router(Host):
    """L2: what a request in plain words asks for."""


class Workflow(Host):
    """L3: runs the steps of plans."""


class Reasoning(Host):
    """L4: risk, plans, diagnosis."""


class Tools(Host):
    """L5: the catalogue, and running tools."""


class Safety(Host):
    """L6: decides whether a call may run, and records it."""


HOSTS: dict[str, type[Host]] = {
    cls.__name__: cls
    for cls in (Directory, Records, MLWorker, Language, RoleEngine, Router, Workflow, Reasoning, Tools, Safety)
}


def node_name(head: tuple[str, str], node_id: str) -> str:
    """A node's name on the bus: stable for the node on which the system was started, over restarts of Ray too."""
    head_id, head_name = head
    return head_name if node_id == head_id else f"{socket.gethostname()}-{node_id[:8]}"


def _leave(why: str) -> None:
    """End this process at once: its address lives on elsewhere, and two lives of one address must not answer."""
    log.critical("superseded: %s", why)
    os._exit(_SUPERSEDED)
