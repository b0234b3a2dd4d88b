"""stdio's composition: find or start a system, keep it alive, and bridge standard input and output to it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import Mapping

from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON
from aura_ia_mcp.configs.paths import Paths
from aura_ia_mcp.configs.settings import Settings
from aura_ia_mcp.gateway import stdio

from .leases import Lease, ensure_running, hold

log = logging.getLogger(__name__)

_AGAIN_S = 2.0


def serve_stdio(settings: Settings, *, origins: Mapping[str, str] | None = None, backend_url: str | None = None) -> int:
    """Speak MCP over standard input and output until the input ends; everything else goes to standard error.

    The system is the one at `backend_url`, else the one of the state folder; if none runs there one is started, which
    ends with its last client. A caller is a guest unless `AURA_TOKEN` holds a token.

    Args:
        settings: of the system that is found or started.
        origins: for each key of the settings where its value comes from.
        backend_url: a system to bridge to, wherever it runs.

    Returns:
        0, or 1 when there is no system and none could be started.
    """
    try:
        if backend_url is not None:
            return asyncio.run(stdio.main(backend_url))
        return asyncio.run(_local(settings, Paths.of(settings), origins))
    except AuraError as error:
        sys.stderr.write(f"aura: {error}\n      {error.failure.recovery}\n")
        return 1


async def _local(settings: Settings, paths: Paths, origins: Mapping[str, str] | None) -> int:
    async with await ensure_running(settings, paths, origins=origins, on_line=_log) as lease:
        keeping = asyncio.create_task(_keep(lease, paths))
        try:
            return await stdio.main(paths.ingress)
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)


async def _keep(lease: Lease, paths: Paths) -> None:
    """When the system ends, wait for its next life and hold that; what an operator stopped is not started again."""
    try:
        while True:
            await lease.lost()
            await lease.close()
            log.warning("the system ended; waiting for it to come back")
            lease = await _next_life(paths)
    finally:
        await lease.close()


async def _next_life(paths: Paths) -> Lease:
    while True:
        await asyncio.sleep(_AGAIN_S)
        with contextlib.suppress(AuraError):
            return await hold(paths)


def _log(said: JSON) -> None:
    log.info("%s", said.get("text", ""))
