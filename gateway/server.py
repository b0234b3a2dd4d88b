"""The gateway as a whole: what it is made of, where it listens, how it stops."""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import suppress
from typing import Any

import psutil
from aiohttp import web

from aura_ia_mcp.bus.bus import Bus
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.configs.paths import Paths
from aura_ia_mcp.configs.settings import Settings, VirtualServer

from .arrival import Entrance
from .authentication import Authenticator, BearerTokens, Chain, Guests, OnSecurityEvent
from .catalogue import Catalogue, CatalogueEvents
from .connections import Connections, Front
from .door import Door
from .graph import Graph
from .handshake import HandshakeEra
from .headers import is_loopback
from .health import Health
from .info import ServerInfo
from .methods import Methods
from .metrics import Metrics
from .ports import ListenError, allow_files, why_not
from .rest import Rest
from .sessions import Sessions
from .stateless import StatelessEra
from .subscriptions import Listeners

log = logging.getLogger(__name__)

_REPORT_S = 2.0
_FIRST_LOOK_S = 0.5
_KEEPALIVE_S = 75.0
_MAX_HEADER_BYTES = 16_384
_BACKLOG = 1024


def _log_security_event(event: str, details: dict[str, Any]) -> None:
    log.warning("%s: %s", event, details)


class Gateway:
    """The MCP front door.

    Args:
        settings: everything; read once.
        paths: where the ingress socket goes.
        bus: how to reach the graph, as the role `gateway`.
        version_info: the system's version.
        on_security_event: hears of failed authentications and of foreign hosts and origins: (event, details); it
            must not block.
    """

    def __init__(
        self,
        settings: Settings,
        paths: Paths,
        bus: Bus,
        version_info: str,
        *,
        on_security_event: OnSecurityEvent = _log_security_event,
    ) -> None:
        gateway = settings.gateway
        self._settings = gateway
        self._paths = paths
        self._bus = bus
        self._graph = Graph(bus, settings.cluster.replicas.get("safety", 1))
        self._catalogue = Catalogue(self._graph)
        self._events = CatalogueEvents(
            bus, self._graph.gates, self._catalogue, self._list_changed, self._resource_updated
        )
        self._sessions = Sessions(
            gateway.max_sessions, gateway.max_sessions_per_principal, gateway.session_idle_s, gateway.replay_bytes
        )
        self._listeners = Listeners(gateway.max_sessions)
        self._connections = Connections(gateway.max_connections)
        self._metrics = Metrics(version_info)
        self._door = self._build_door(version_info, on_security_event)
        self._runners: list[web.ServerRunner] = []
        self._open: dict[str, str] = {}
        self._opening = asyncio.Lock()
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def _build_door(self, version: str, on_security_event: OnSecurityEvent) -> Door:
        gateway = self._settings
        info = ServerInfo(version)
        methods = Methods(self._graph, self._catalogue, gateway.call_timeout_s, self._metrics)
        links: list[Authenticator] = [
            BearerTokens(self._graph, gateway.auth_cache_s),
            *([Guests()] if gateway.anonymous else []),
        ]
        return Door(
            gateway,
            Chain(links, on_security_event),
            HandshakeEra(methods, self._sessions, self._connections, info, gateway.keepalive_s),
            StatelessEra(methods, self._listeners, self._connections, info, gateway.keepalive_s),
            Rest(methods, self._connections, gateway.max_nesting),
            Health(self._graph),
            self._metrics,
            self._refresh_metrics,
            on_security_event,
        )

    @property
    def urls(self) -> list[str]:
        """The MCP endpoints that are open, in the order of the settings."""
        return [self._open[server.name] for server in self._settings.servers if server.name in self._open]

    @property
    def endpoints(self) -> dict[str, str]:
        """The MCP endpoints that are open, by name of their virtual server."""
        return dict(self._open)

    async def start(self) -> list[str]:
        """Listen; returns the endpoints that are open.

        A virtual server with a tool filter opens when one of its tools exists, now or later.

        Raises:
            ListenError: a port is taken, or the settings would let strangers in.
        """
        if self._settings.anonymous and not is_loopback(self._settings.host):
            raise ListenError(
                f"gateway.host = {self._settings.host!r} listens beyond this machine while gateway.anonymous = true "
                "lets callers in without a token; set gateway.anonymous = false, or gateway.host = '127.0.0.1'"
            )
        allow_files(self._settings.max_connections)
        try:
            await self._listen_on_socket()
            for server in self._settings.servers:
                if not server.tools:
                    await self._listen(server)
        except BaseException:
            await self.stop(0.0)
            raise
        self._tasks = [asyncio.create_task(self._events.follow()), asyncio.create_task(self._tick())]
        first = asyncio.create_task(self._open_due())
        self._tasks.append(first)
        await asyncio.wait({first}, timeout=_FIRST_LOOK_S)
        return self.urls

    async def stop(self, drain_s: float = 0.0) -> None:
        """Take no more requests, let those under way end within `drain_s`, then close everything."""
        self._door.stopping = True
        for runner in self._runners:
            for site in list(runner.sites):
                await site.stop()
        self._listeners.close()
        if not await self._door.drained(drain_s):
            log.warning("%d requests were still under way after %g s", self._door.in_flight, drain_s)
        for session in self._sessions:
            self._sessions.end(session)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._catalogue.stop()
        for runner in self._runners:
            await runner.cleanup()
        self._runners.clear()
        self._open.clear()
        with suppress(FileNotFoundError):
            self._paths.ingress.unlink()

    # --- listening ---------------------------------------------------------------------------------------------------

    async def _runner(self, entrance: Entrance) -> web.ServerRunner:
        front = Front(
            self._door.entrance(entrance),
            self._connections,
            head_s=self._settings.body_timeout_s,
            local=entrance.unix,
            access_log=None,
            keepalive_timeout=_KEEPALIVE_S,
            lingering_time=1.0,
            auto_decompress=False,
            max_line_size=_MAX_HEADER_BYTES,
            max_field_size=_MAX_HEADER_BYTES,
        )
        runner = web.ServerRunner(front, shutdown_timeout=0.5)
        await runner.setup()
        self._runners.append(runner)
        return runner

    async def _listen_on_socket(self) -> None:
        path = self._paths.ingress
        path.parent.mkdir(parents=True, exist_ok=True)
        path.parent.chmod(0o700)
        with suppress(FileNotFoundError):
            path.unlink()
        first = self._settings.servers[0].name if self._settings.servers else "gateway"
        runner = await self._runner(Entrance(first, unix=True, local=True))
        await web.UnixSite(runner, str(path), backlog=_BACKLOG).start()
        path.chmod(0o600)

    async def _listen(self, server: VirtualServer) -> None:
        host = self._settings.host
        runner = await self._runner(Entrance(server.name, unix=False, local=is_loopback(host)))
        try:
            await web.TCPSite(runner, host, server.port, backlog=_BACKLOG).start()
        except OSError as error:
            await runner.cleanup()
            self._runners.remove(runner)
            raise why_not(server, host, error) from error
        port = runner.addresses[0][1]
        shown = f"[{host}]" if ":" in host else host
        self._open[server.name] = f"http://{shown}:{port}/mcp/stream"

    async def _open_due(self) -> None:
        """Open the virtual servers whose tools have appeared."""
        async with self._opening:
            for server in self._settings.servers:
                if server.name in self._open or self._door.stopping or not await self._has_tools(server):
                    continue
                try:
                    await self._listen(server)
                    log.info("virtual server %s: %s", server.name, self._open[server.name])
                except ListenError as error:
                    log.error("%s", error)  # noqa: TRY400 - the message says all there is to say

    async def _has_tools(self, server: VirtualServer) -> bool:
        """Whether one of a virtual server's tools exists, whoever may call it."""
        try:
            return bool((await self._graph.list_whole(server.name, "tools")).get("entries"))
        except AuraError as error:
            log.debug("can't tell yet whether %s has tools: %s", server.name, error)
            return False

    # --- meanwhile ---------------------------------------------------------------------------------------------------

    def _list_changed(self, what: str) -> None:
        what = "resources" if what == "resource_templates" else what
        if what in {"tools", "resources", "prompts"}:
            self._sessions.list_changed(what)
            self._listeners.list_changed(what)
        if what == "tools":
            self._wake.set()

    def _resource_updated(self, uri: str) -> None:
        self._sessions.resource_updated(uri)
        self._listeners.resource_updated(uri)

    async def _tick(self) -> None:
        while True:
            self._wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(_REPORT_S):
                    await self._wake.wait()
            try:
                self._sessions.sweep()
                if len(self._open) < len(self._settings.servers):
                    await self._open_due()
                await self._graph.report(str(self._bus.address), self._figures())
            except Exception:
                log.exception("the gateway's housekeeping failed once")

    def _figures(self) -> dict[str, Any]:
        return {
            "pid": os.getpid(),
            "rss_bytes": psutil.Process().memory_info().rss,
            "urls": self.urls,
            "connections": self._connections.count,
            "connections_refused": self._connections.refused,
            "listeners": len(self._listeners),
            "in_flight": self._door.in_flight,
            "calls": self._metrics.calls,
            "failures": self._metrics.failures,
            "rejected": self._metrics.rejections,
            "bus": self._bus.stats(),
            **self._sessions.figures(),
        }

    def _refresh_metrics(self) -> None:
        figures = self._sessions.figures()
        self._metrics.sessions.set(figures["sessions"])
        self._metrics.streams.set(figures["streams"] + len(self._listeners))
        self._metrics.replay_bytes.set(figures["replay_bytes"])
        self._metrics.connections.set(self._connections.count)
