"""The actors that share one process, on an event loop in a thread of its own.

Knows no Ray: `hosts.py` puts one of these into a Ray actor, tests put it anywhere.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

import uvloop

from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.link import Transport
from aura_ia_mcp.bus.messages import JSON
from aura_ia_mcp.bus.resolver import choose
from aura_ia_mcp.bus.transports.socket import TlsTransport, UnixTransport
from aura_ia_mcp.configs.paths import Paths
from aura_ia_mcp.stores.audit import AuditWriter

from . import collection
from .assignment import Assignment
from .resident import Resident
from .tls import contexts

log = logging.getLogger(__name__)

_T = TypeVar("_T")
_BACKOFF_S = (0.2, 0.5, 1.0, 2.0, 5.0)


class LoopThread:
    """A thread that runs an event loop until it is closed."""

    def __init__(self, name: str) -> None:
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, work: Coroutine[Any, Any, _T]) -> Future[_T]:
        """Run it there; the future is for the caller's own thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def close(self) -> None:
        """End the loop, wait a moment for the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=2.0)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()


class Household:
    """Starts the actors of one assignment in order, tries again while that fails, and stops them in reverse.

    Args:
        assignment: who lives here.
        node: name of this node.
        ip: the address on which other nodes reach this one; used with a certificate only.
        extra: further transports, preferred to the sockets.
        on_superseded: what to do when an address of this process lives on elsewhere.
    """

    def __init__(
        self,
        assignment: Assignment,
        node: str,
        ip: str,
        *,
        extra: Sequence[Transport] = (),
        on_superseded: Callable[[str], None],
    ) -> None:
        self._assignment = assignment
        self._node = node
        self._ip = ip
        self._extra = extra
        self._on_superseded = on_superseded
        self._residents: list[Resident] = []
        self._audit: AuditWriter | None = None
        self._tried = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._began = time.time()
        self._ready = False
        self._error = ""

    async def start(self) -> None:
        """Begin; returns at once. `ready` tells how it went."""
        self._task = asyncio.create_task(self._run(), name=f"start of {self._assignment.name}")

    async def ready(self) -> JSON:
        """Wait for the first attempt: {"ready": bool, "error": text}."""
        await self._tried.wait()
        return {"ready": self._ready, "error": self._error}

    async def status(self) -> JSON:
        """{"name", "pid", "node", "ready", "error", "uptime_s", "addresses": {address: figures}}."""
        return {
            "name": self._assignment.name,
            "pid": os.getpid(),
            "node": self._node,
            "ready": self._ready,
            "error": self._error,
            "uptime_s": round(time.time() - self._began, 1),
            "addresses": {str(resident.address): resident.figures() for resident in self._residents},
        }

    async def stop(self, drain_s: float) -> None:
        """Stop all, the last started first; each may drain for `drain_s`. Leaves no socket behind."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._ready, self._error = False, "stopped"
        await self._stop_residents(drain_s)

    async def _stop_residents(self, drain_s: float) -> None:
        while self._residents:
            resident = self._residents.pop()
            try:
                await resident.stop(drain_s)
            except Exception:
                log.exception("%s did not stop in order", resident.address)
        if self._audit is not None:
            self._audit.close()
            self._audit = None

    async def _run(self) -> None:
        attempt = 0
        while True:
            try:
                await self._start_residents()
            except Exception as error:
                self._error = str(error) if isinstance(error, AuraError) else f"{type(error).__name__}: {error}"
                log.exception("%s did not start", self._assignment.name)
                await self._stop_residents(0.0)
                self._tried.set()
            else:
                self._ready, self._error = True, ""
                collection.settle()
                self._tried.set()
                return
            await asyncio.sleep(_BACKOFF_S[min(attempt, len(_BACKOFF_S) - 1)])
            attempt += 1

    async def _start_residents(self) -> None:
        assignment = self._assignment
        paths, audit_settings = Paths.of(assignment.settings), assignment.settings.audit
        self._audit = AuditWriter(
            paths.audit,
            assignment.writer,
            assignment.audit_key,
            audit_settings.fsync,
            audit_settings.segment_bytes,
            wait_s=5.0,
        )
        transports = self._transports()
        for duty in assignment.duties:
            resident = Resident(duty, assignment, transports, self._node, self._audit, self._on_superseded)
            self._residents.append(resident)
            await resident.start(assignment.patience_s)

    def _tls_port(self) -> int:
        """The Directory's is known beforehand, since all others are found through it; theirs are free ones."""
        if all(duty.address.role != "directory" for duty in self._assignment.duties):
            return 0
        uri = choose(self._assignment.directory.uris, same_node=False, schemes=["tls"])
        return int(uri.rpartition(":")[2]) if uri else 0

    def _transports(self) -> list[Transport]:
        assignment = self._assignment
        most = assignment.settings.bus.max_frame_bytes
        folder = Path(assignment.sockets)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        transports: list[Transport] = [*self._extra, UnixTransport(folder, most)]
        if assignment.certificate is not None:
            client, server = contexts(assignment.certificate)
            transports.append(TlsTransport(self._ip, server, client, most, self._tls_port()))
        return transports
