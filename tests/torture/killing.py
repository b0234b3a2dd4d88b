"""Which processes are killed, and when the system counts as whole again."""

from __future__ import annotations

import asyncio
import signal
import time
import urllib.error
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import psutil

from tests.support.system import System

from .source import READ

HEALED_S = 90.0
_LOOK_S = 0.1
PROBER = "prober"


@dataclass(frozen=True, slots=True)
class Victim:
    """A process to be killed.

    Attributes:
        name: for people.
        find: its pid, or None while there is none.
        returns: whether another one comes by itself (the supervisor is started again, and the process that inspects
            comes when it is needed).
    """

    name: str
    find: Callable[[System], int | None]
    returns: bool = True


def _actor(host: str) -> Victim:
    def find(system: System) -> int | None:
        for each in system.processes():
            if " ".join(each.info["cmdline"] or [""]).startswith(f"ray::{host}"):
                return int(each.pid)
        return None

    return Victim(host, find)


def _module(name: str, module: str, *, returns: bool = True) -> Victim:
    return Victim(name, lambda system: system.pid(module), returns)


def _named(name: str) -> Victim:
    def find(system: System) -> int | None:
        return next((int(each.pid) for each in system.processes() if each.name() == name), None)

    return Victim(name, find)


def _supervisor(system: System) -> int | None:
    return None if system._process is None else system._process.pid


SUPERVISOR = Victim("supervisor", _supervisor, returns=False)
VICTIMS: tuple[Victim, ...] = (
    _actor("Safety"),
    _actor("Records"),
    _actor("Tools"),
    _module("gateway", "aura_ia_mcp.cluster.gateway_process"),
    _module("inspection worker", "aura_ia_mcp.actors.inspection_worker", returns=False),
    _actor("RoleEngine"),
    SUPERVISOR,
    _actor("Directory"),
    _module("graph", "aura_ia_mcp.cluster.graph"),
    _actor("MLWorker"),
    _actor("Router"),
    _actor("Workflow"),
    _actor("Reasoning"),
    _actor("Language"),
    _named("raylet"),
    _named("gcs_server"),
)


class NotHealedError(Exception):
    """The system didn't serve again in time."""


async def kill(system: System, victim: Victim) -> int | None:
    """Kill it, and wait until the system serves again; its pid, or None when there was none to kill.

    Raises:
        NotHealedError: it doesn't.
    """
    pid = await asyncio.to_thread(victim.find, system)
    if pid is None:
        return None
    with suppress(psutil.NoSuchProcess):
        psutil.Process(pid).send_signal(signal.SIGKILL)
    if victim is SUPERVISOR:
        await asyncio.to_thread(_reap, system)
        await asyncio.to_thread(system.start)
    end = time.monotonic() + HEALED_S
    while not await asyncio.to_thread(_whole, system, victim, pid):
        if time.monotonic() > end:
            raise NotHealedError(f"{HEALED_S:g} s after {victim.name} (pid {pid}) was killed it doesn't serve")
        await asyncio.sleep(_LOOK_S)
    return pid


def _reap(system: System) -> None:
    if system._process is not None:
        system._process.wait(HEALED_S)


def _whole(system: System, victim: Victim, killed: int) -> bool:
    """Whether another process took its place, and calls, records and approvals are served."""
    if victim.returns and victim.find(system) in (None, killed):
        return False
    health = system.health()
    if not (health and health.get("ready")):
        return False
    try:
        read = system.call(READ, {"label": PROBER}, principal=PROBER)
        listed = system.call("list_approvals", {"limit": 1}, principal=PROBER)
    except (urllib.error.URLError, OSError, ValueError):
        return False
    return not read.get("isError") and not listed.get("isError")
