"""The graph's process: starts Ray, creates the actors, watches them, tells how they do, and takes them down again.

`python -m aura_ia_mcp.cluster.graph` reads a `GraphSpec` from standard input and writes progress as JSON lines to
standard output: {"stage", "fraction", "text", ...}. The last words before a bad end have the stage `fault`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import time
from typing import Any

from aura_ia_mcp.bus.address import Address
from aura_ia_mcp.bus.edges import EDGES, KEYED, LAYERS, check
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.keys import EdgeKeys
from aura_ia_mcp.bus.messages import JSON, Report
from aura_ia_mcp.bus.peer import Peer
from aura_ia_mcp.configs.paths import Paths

from . import logs, ray_runtime
from .assignment import Assignment, assign
from .exits import Exit
from .joining import BEAT_S, asking_transports, joined_peer, register
from .said import say, until_end_of_input
from .spec import DirectoryPlace, GraphSpec, bus_sockets, ray_folder
from .tls import Authority
from .tree import Seat, check_places, plan

log = logging.getLogger(__name__)

_RAY_STOP_S = 10.0
_PATIENCE_S = 0.5


def namespace_of(paths: Paths) -> str:
    """The Ray namespace of one system, so that several can share a cluster."""
    return f"aura-{paths.short.name.rpartition('-')[2]}"


class Graph:
    """The composition root of the actors.

    Args:
        spec: from the supervisor.
        runtime: the Ray that was started.
    """

    def __init__(self, spec: GraphSpec, runtime: ray_runtime.RunningRay) -> None:
        from .roster import Roster  # noqa: PLC0415 - imports Ray

        self._spec = spec
        self._runtime = runtime
        self._dashboard_url = runtime.dashboard_url
        self._paths = Paths.of(spec.settings)
        self._stop = asyncio.Event()
        self._exit = Exit.OK
        self._peer: Peer | None = None
        self._roster = Roster(runtime.node_id, lambda text: say("notice", 1.0, text))

    async def run(self) -> Exit:
        """Bring the actors up, watch until told to stop, take them down."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        self._watch_ray(loop)
        until_end_of_input(self._stop)
        try:
            directory = await self._until_stopped(self._bring_up())
            if directory is not None:
                await self._watch(directory)
        except (AuraError, ValueError) as error:
            say("fault", 1.0, str(error), code=Exit.START_FAILED if self._peer is None else Exit.ACTOR_LOST)
            self._exit = Exit.START_FAILED if self._peer is None else Exit.ACTOR_LOST
        await self._roster.stop(self._spec.settings.system.drain_s if self._exit is Exit.OK else 0.0)
        if self._peer is not None:
            await self._peer.stop()
        return self._exit

    # --- up ----------------------------------------------------------------------------------------------------------

    async def _bring_up(self) -> DirectoryPlace:
        settings, runtime = self._spec.settings, self._runtime
        check(EDGES, LAYERS)
        seats = plan(
            settings.cluster.replicas, settings.cluster.placement, gpus=runtime.gpus, device=settings.ml.device
        )
        check_places(seats, ray_runtime.node_labels())
        authority = Authority(self._spec.roots.authority) if self._spec.roots.authority else None
        directory = DirectoryPlace(self._spec.node, self._directory_uris(several=authority is not None))
        base = Assignment(
            name="",
            duties=(),
            settings=settings,
            sockets=str(bus_sockets(self._paths)),
            directory=directory,
            head=(runtime.node_id, self._spec.node),
            audit_key=self._spec.roots.audit_key,
            started_at=self._spec.started_at,
            patience_s=settings.cluster.start_timeout_s,
            origins=self._spec.origins,
        )
        self._roster.create(
            [(seat, assign(seat, base, self._spec.roots, self._spec.sources, authority)) for seat in seats]
        )
        await self._roster.ready(settings.cluster.start_timeout_s, _tell_ready)
        say("graph", 1.0, f"{len(seats)} actors serve", **self._facts(directory, seats))
        return directory

    def _directory_uris(self, *, several: bool) -> str:
        uris = f"unix:{bus_sockets(self._paths) / 'directory-0.sock'}"
        if several:
            ip = ray_runtime.own_ip()
            uris += f" tls://{ip}:{ray_runtime.free_port(ip)}"
        return uris

    def _facts(self, directory: DirectoryPlace, seats: tuple[Seat, ...]) -> JSON:
        return {
            "ready": True,
            "ray_address": self._runtime.address,
            "dashboard_url": self._runtime.dashboard_url,
            "ray_session": self._runtime.session,
            "directory": {"node": directory.node, "uris": directory.uris},
            "actors": [seat.name for seat in seats],
        }

    # --- watching ----------------------------------------------------------------------------------------------------

    async def _watch(self, directory: DirectoryPlace) -> None:
        self._peer = self._join(directory)
        while not self._stop.is_set():
            await self._roster.look()
            await self._report()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(BEAT_S):
                    await self._stop.wait()

    def _join(self, directory: DirectoryPlace) -> Peer:
        saved = self._spec.roots.authority
        certificate = Authority(saved).issue("cluster") if saved else None
        transports = asking_transports(self._spec.settings, certificate)
        keys = EdgeKeys.of("cluster", self._spec.roots.bus, KEYED)
        return joined_peer(Address("cluster"), keys, transports, directory, self._spec.node, self._spec.settings)

    async def _report(self) -> None:
        """Tell Telemetry; it may be away just now, and then hears the next one."""
        assert self._peer is not None
        peer = self._peer
        try:
            async with asyncio.timeout(BEAT_S):
                await register(peer, self._spec.node, "", _PATIENCE_S)
                await peer.send("telemetry", Report(str(peer.address), self._figures()))
                await peer.tell_dead_letters()
        except (AuraError, TimeoutError) as error:
            log.debug("no report: %s", error)

    def _figures(self) -> JSON:
        settings = self._spec.settings.cluster
        return {
            "pid": os.getpid(),
            "node": self._spec.node,
            "uptime_s": round(time.time() - self._spec.started_at, 1),
            **ray_runtime.figures(),
            "actors": {row["name"]: row for row in self._roster.rows()},
            "placement": {"replicas": dict(settings.replicas), "placement": dict(settings.placement)},
            "transport": self._spec.settings.bus.transport,
            "ray_address": self._runtime.address,
            "dashboard_url": self._dashboard_url,
        }

    def _watch_ray(self, loop: asyncio.AbstractEventLoop) -> None:
        for pid, name in ray_runtime.vital_processes().items():
            loop.add_reader(os.pidfd_open(pid), self._ray_died, name, pid)
        if dashboard := ray_runtime.dashboard_process():
            fd = os.pidfd_open(dashboard)
            loop.add_reader(fd, self._dashboard_died, loop, fd, dashboard)

    def _ray_died(self, name: str, pid: int) -> None:
        """Ray without its raylet or GCS can't even be shut down in order: say so, and leave the rest to be swept."""
        if self._stop.is_set():
            return
        say("fault", 1.0, f"Ray's {name} (pid {pid}) died; the graph must be rebuilt", code=Exit.RAY_LOST)
        os._exit(Exit.RAY_LOST)

    def _dashboard_died(self, loop: asyncio.AbstractEventLoop, fd: int, pid: int) -> None:
        """Nothing but itself needs it: say so, once, and go on."""
        loop.remove_reader(fd)
        os.close(fd)
        self._dashboard_url = ""
        if not self._stop.is_set():
            again = "everything else goes on, and the next start brings it back"
            say("notice", 1.0, f"Ray's dashboard (pid {pid}) died; {again}")

    async def _until_stopped(self, work: Any) -> Any:
        """The work's result, or None when we are told to stop before it is done."""
        task, stopped = asyncio.ensure_future(work), asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
            return await task if task.done() else None
        finally:
            task.cancel()
            stopped.cancel()


def _tell_ready(name: str, count: int, of: int) -> None:
    say("actors", count / of, f"{name} serves ({count} of {of})")


def main() -> int:
    """Run the graph's process; the result is its exit status, one of `Exit`."""
    spec = GraphSpec.from_json(sys.stdin.readline())
    paths = Paths.of(spec.settings)
    logs.configure("graph", spec.settings.system.log_level)
    ray_runtime.prepare_environment(own=spec.settings.cluster.address == "local")
    say("ray", 0.0, "starting Ray" if spec.settings.cluster.address == "local" else "joining Ray")
    try:
        runtime = ray_runtime.start(spec.settings.cluster, ray_folder(paths), namespace_of(paths))
    except Exception as error:
        log.exception("Ray did not start")
        say("fault", 1.0, f"Ray did not start: {error}", code=Exit.START_FAILED)
        return Exit.START_FAILED
    say("ray", 1.0, f"Ray runs at {runtime.address}", dashboard_url=runtime.dashboard_url)
    status = asyncio.run(_run(spec, runtime))
    say("stopping", 1.0, "stopping Ray")
    ray_runtime.stop(_RAY_STOP_S)
    if runtime.own:
        ray_runtime.prune_sessions(ray_folder(paths))
    return status


async def _run(spec: GraphSpec, runtime: ray_runtime.RunningRay) -> Exit:
    return await Graph(spec, runtime).run()


if __name__ == "__main__":
    sys.exit(main())
