"""The gateway's process: joins the bus by socket, serves MCP, and ends with its supervisor. Knows no Ray.

`python -m aura_ia_mcp.cluster.gateway_process` reads a `GatewaySpec` from standard input and writes progress as JSON
lines to standard output, as `graph.py` does.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys

import uvloop

from aura_ia_mcp.bus.address import Address
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.configs.paths import Paths
from aura_ia_mcp.gateway.ingress import Ingress
from aura_ia_mcp.gateway.ports import ListenError
from aura_ia_mcp.gateway.server import Gateway

from . import collection, logs
from .exits import Exit
from .joining import BEAT_S, asking_transports, joined_peer, register
from .said import say, until_end_of_input
from .security_record import SecurityRecord
from .spec import GatewaySpec

log = logging.getLogger(__name__)

_ASK_S = 2.0
_AGAIN_S = 0.1


class GatewayProcess:
    """One gateway.

    Args:
        spec: from the supervisor.
    """

    def __init__(self, spec: GatewaySpec) -> None:
        self._spec = spec
        self._paths = Paths.of(spec.settings)
        transports = asking_transports(spec.settings, spec.certificate)
        self._record = SecurityRecord(spec.settings, self._paths, spec.audit_key)
        self._ingress = Ingress(spec.grant_key, spec.settings.cluster.replicas.get("safety", 1))
        self._peer = joined_peer(
            Address("gateway"),
            spec.keys,
            transports,
            spec.directory,
            spec.node,
            spec.settings,
            actor=self._ingress,
            on_refused=self._record.note,
        )
        self._gateway = Gateway(
            spec.settings, self._paths, self._peer, spec.version, on_security_event=self._record.note
        )
        self._uris = ""
        self._stop = asyncio.Event()

    async def run(self) -> Exit:
        """Serve until told to stop; takes connections at once, and answers calls as soon as the graph does."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        until_end_of_input(self._stop)
        await self._ingress.start(self._peer)
        try:
            self._uris = await self._peer.listen()
            await self._gateway.start()
        except (OSError, AuraError, ListenError) as error:
            self._record.close()
            say("fault", 1.0, str(error), code=Exit.START_FAILED)
            return Exit.START_FAILED
        say("gateway", 0.2, "the gateway listens", urls=self._gateway.endpoints)
        beating = asyncio.create_task(self._beat(), name="beat of the gateway")
        await self._stop.wait()
        await self._gateway.stop(self._spec.settings.system.drain_s)
        self._record.close()
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)
        await self._peer.stop()
        return Exit.OK

    async def _beat(self) -> None:
        """Get an epoch from the Directory, and keep it known; tell of ports that open or close."""
        joined, told = False, self._gateway.endpoints
        while True:
            try:
                async with asyncio.timeout(_ASK_S + 1.0):
                    await register(self._peer, self._spec.node, self._uris, _ASK_S)
                if not joined:
                    joined = True
                    collection.settle()
                    say("gateway", 0.4, "the gateway is on the bus", ready=True)
                async with asyncio.timeout(_ASK_S):
                    await self._peer.tell_dead_letters()
            except (AuraError, TimeoutError) as error:
                log.debug("the Directory or Telemetry doesn't answer: %s", error)
            if (now := self._gateway.endpoints) != told:
                told = now
                say("gateway", 1.0, "the gateway's ports changed", urls=told)
            await asyncio.sleep(BEAT_S if joined else _AGAIN_S)


def main() -> int:
    """Run a gateway's process; the result is its exit status, one of `Exit`."""
    spec = GatewaySpec.from_json(sys.stdin.readline())
    logs.configure("gateway", spec.settings.system.log_level)

    async def run() -> Exit:
        return await GatewayProcess(spec).run()

    with contextlib.suppress(KeyboardInterrupt), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run())
    return Exit.FAILED


if __name__ == "__main__":
    sys.exit(main())
