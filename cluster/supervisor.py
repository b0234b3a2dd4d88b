"""The system's supervisor: one per state folder; owns the graph's process and the gateway's, and every process below.

It starts both, restarts what dies, tells the user what happens, and on its way out leaves no process and no socket.
Ray is not imported here.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from filelock import FileLock, Timeout

from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON
from aura_ia_mcp.configs.paths import Paths
from aura_ia_mcp.configs.settings import Settings
from aura_ia_mcp.stores.keys import KeyFileError
from aura_ia_mcp.stores.logs import line

from . import folders, processes, remains, rulefiles
from .bounded_log import BoundedLog
from .child import Child, GaveUpError
from .database import check_database
from .faults import OperatorError
from .health import restart_when_hung, until_healthy
from .leases import Leases
from .provisioning import provision
from .spec import absolute
from .telling import OnProgress, Progress, Teller, to_stderr

IDLE_S = 4.0
_FIRST_LEASE_S = 20.0
_GATEWAY_GRACE_S = 5.0
_GRAPH_GRACE_S = 20.0
_INTERRUPTED = 130


def serve(
    settings: Settings,
    *,
    sources: Sequence[str] = (),
    origins: Mapping[str, str] | None = None,
    on_progress: OnProgress = to_stderr,
    until_idle: bool = False,
) -> int:
    """Run the system until it is told to stop (SIGINT, SIGTERM, SIGHUP), or until its last client closes.

    A first signal stops in order: the gateway takes no more calls and ends those under way within `system.drain_s`,
    then the graph, then Ray. A second one stops at once. Either way no process and no socket is left.

    Args:
        settings: all settings.
        sources: further tool sources, each `module:callable`.
        origins: for each key of the settings (`safety.rate_limit`) where its value comes from, as `get_config` tells.
        on_progress: told of each step.
        until_idle: end a few seconds after the last lease; and wait for a system that is just ending.

    Returns:
        0 after an orderly stop, 1 when it could not start or go on, 130 after a second signal.
    """
    settings = absolute(settings)
    paths = Paths.of(settings)
    try:
        rulefiles.check(settings)
        folders.make(paths)
        lock = FileLock(paths.lock, timeout=settings.cluster.start_timeout_s if until_idle else 0, mode=0o600)
        with lock:
            folders.check_restored(paths)
            check_database(settings)
            processes.become_subreaper()
            _end_remains(paths, on_progress)
            folders.remove_empty_short(paths)
            supervisor = Supervisor(
                settings, paths, tuple(sources), dict(origins or {}), on_progress, until_idle=until_idle
            )
            return asyncio.run(supervisor.run())
    except Timeout:
        on_progress(Progress("fault", 1.0, f"{folders.holder(paths)}; stop that one first, or use another state_dir"))
    except (OSError, KeyFileError, AuraError, OperatorError, ValueError) as error:
        on_progress(Progress("fault", 1.0, f"the system can't start: {error}"))
    return 1


def _end_remains(paths: Paths, on_progress: OnProgress) -> None:
    """End what a killed supervisor left here; for the holder of the lock."""
    if left := remains.find(paths):
        count = f"{len(left)} process{'es' if len(left) > 1 else ''}"
        on_progress(Progress("notice", 1.0, f"ending what an earlier system left: {count}"))
        if stuck := remains.end(paths, left):
            pids = ", ".join(map(str, stuck))
            on_progress(Progress("notice", 1.0, f"these processes of an earlier system can't be ended: {pids}"))


class Supervisor:
    """One life of a system; see `serve`."""

    def __init__(
        self,
        settings: Settings,
        paths: Paths,
        sources: tuple[str, ...],
        origins: dict[str, str],
        on_progress: OnProgress,
        *,
        until_idle: bool,
    ) -> None:
        self._settings = settings
        self._paths = paths
        self._until_idle = until_idle
        started_at = time.time()
        graph, gateway = provision(settings, paths, sources, origins, started_at)
        self._began = time.monotonic()
        self._others = processes.children()  # of whoever called `serve`: not ours to end
        self._signals = 0
        self._stop = asyncio.Event()
        self._stop_now = asyncio.Event()
        self._last_change = time.monotonic()
        self._leases = Leases(paths.leases, self._lease_changed)
        self._logs = [BoundedLog(paths.logs / name) for name in ("graph.log", "gateway.log")]
        self._tell = Teller(paths, self._leases, on_progress, started_at, until_idle=until_idle)
        self._graph = self._child("graph", graph.to_json(), self._tell.graph_said, self._sweep_graph, self._logs[0])
        self._gateway = self._child(
            "gateway_process", gateway.to_json(), self._tell.gateway_said, _nothing, self._logs[1]
        )

    async def run(self) -> int:
        """The whole of it."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._signalled)
        folders.clean(self._paths)
        try:
            await self._leases.start()
            self._describe("starting")
            self._tell.say("start", 0.0, f"starting in {self._paths.state}")
            status = await self._live()
        finally:
            await self._leases.stop()
            left = await asyncio.to_thread(processes.sweep, self._others)
            folders.clean(self._paths)
            for log in self._logs:
                log.close()
        if status == 0:
            folders.remove_short(self._paths)
        if left:
            self._tell.notice(f"these processes can't be ended: {', '.join(map(str, left))}")
        return status

    # --- children ----------------------------------------------------------------------------------------------------

    def _child(self, module: str, spec: str, on_line: Any, on_died: Any, log: BoundedLog) -> Child:
        return Child(
            module.removesuffix("_process"),
            f"aura_ia_mcp.cluster.{module}",
            spec,
            self._paths.state,
            log,
            on_line=on_line,
            on_died=on_died,
            on_notice=self._tell.notice,
        )

    async def _sweep_graph(self) -> None:
        """The graph died: nothing of its Ray may live on, or it would answer for addresses of the next one."""
        spare = self._others | ({self._gateway.pid} if self._gateway.pid else set())
        await asyncio.to_thread(processes.sweep, spare)

    # --- life --------------------------------------------------------------------------------------------------------

    async def _live(self) -> int:
        keeping = [asyncio.create_task(child.keep(), name=child.name) for child in (self._graph, self._gateway)]
        watching = [
            asyncio.create_task(self._stop.wait()),
            asyncio.create_task(self._until_ready(), name="start"),
            asyncio.create_task(self._idle(), name="idle"),
            asyncio.create_task(restart_when_hung(self._gateway, self._paths.ingress, self._tell.notice)),
        ]
        status = 0
        pending: set[asyncio.Task[Any]] = {*keeping, *watching}
        while not self._stop.is_set():
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            errors = [error for task in done if (error := task.exception()) is not None]
            if errors:
                status = 1
                self._tell.fail(errors[0])
                break
        for task in watching:
            task.cancel()
        status = await self._take_down() or status
        await asyncio.gather(*keeping, *watching, return_exceptions=True)
        return status

    async def _until_ready(self) -> None:
        """Wait until a call can be served, then say where; afterwards keep the description true."""
        limit = self._settings.cluster.start_timeout_s
        why: list[str] = []

        def hear(reason: str) -> None:
            why.append(reason)
            self._tell.notice(f"not ready yet: {reason}")

        try:
            async with asyncio.timeout(limit):
                await self._graph.ready.wait()
                await self._gateway.ready.wait()
                self._tell.say("gateway", 0.5, "waiting for the first answer")
                await until_healthy(self._paths.ingress, hear)
        except TimeoutError:
            late = f"the system wasn't ready within {limit:g} s (cluster.start_timeout_s)"
            raise GaveUpError(": ".join([late, "; ".join(why)] if why else [late])) from None
        self._tell.is_ready = True
        system = self._describe("ready")
        took = time.monotonic() - self._began
        self._tell.say("ready", 1.0, f"ready after {took:.1f} s: {', '.join(self._tell.urls.values())}", **system)
        while True:
            await asyncio.sleep(1.0)
            whole = self._graph.ready.is_set() and self._gateway.ready.is_set()
            self._describe("ready" if whole else "healing")

    async def _idle(self) -> None:
        """With `until_idle`: stop when nobody has held a lease for a while."""
        while self._until_idle:
            await asyncio.sleep(0.25)
            patience = IDLE_S if self._tell.is_ready or self._leases.served > 1 else _FIRST_LEASE_S
            if self._leases.count == 0 and time.monotonic() - self._last_change > patience:
                self._tell.say("stopping", 0.0, "the last client closed")
                self._stop.set()
        await asyncio.Event().wait()

    async def _take_down(self) -> int:
        """Stop the gateway, then the graph; at once after a second signal."""
        self._describe("stopping")
        self._tell.say("stopping", 0.0, "stopping; a second Ctrl-C stops at once")
        await self._leases.stop()
        orderly = asyncio.create_task(self._stop_children())
        at_once = asyncio.create_task(self._stop_now.wait())
        await asyncio.wait({orderly, at_once}, return_when=asyncio.FIRST_COMPLETED)
        at_once.cancel()
        if orderly.done():
            return 0
        self._tell.say("stopping", 1.0, "stopping at once")
        for child in (self._gateway, self._graph):
            child.kill()
        orderly.cancel()
        return _INTERRUPTED

    async def _stop_children(self) -> None:
        drain = self._settings.system.drain_s
        await self._gateway.stop(drain + _GATEWAY_GRACE_S)
        await self._graph.stop(drain + _GRAPH_GRACE_S)

    # --- what it hears and tells --------------------------------------------------------------------------------------

    def _signalled(self) -> None:
        self._signals += 1
        (self._stop if self._signals == 1 else self._stop_now).set()

    def _lease_changed(self) -> None:
        self._last_change = time.monotonic()

    def _describe(self, state: str) -> JSON:
        return self._tell.describe(state, self._graph.pid, self._gateway.pid)


async def _nothing() -> None:
    """Nothing to clean up."""


def main() -> int:
    """A detached supervisor: told by one line of JSON on standard input, tells in logs/serve.log."""
    data = json.loads(sys.stdin.readline())
    settings = Settings.model_validate(data["settings"])
    paths = Paths.of(settings)
    folders.make(paths)
    log = BoundedLog(paths.logs / "serve.log")

    def record(progress: Progress) -> None:
        level = "ERROR" if progress.stage == "fault" else "INFO"
        log.write(f"{line(time.time(), level, 'serve', progress.text)}\n".encode())

    with contextlib.closing(log):
        return serve(
            settings, sources=tuple(data["sources"]), origins=data["origins"], on_progress=record, until_idle=True
        )


if __name__ == "__main__":
    sys.exit(main())
