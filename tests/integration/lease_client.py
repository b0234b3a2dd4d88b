"""What stdio does: `python -m tests.integration.lease_client` holds a lease until its standard input ends."""

from __future__ import annotations

import asyncio
import json
import sys

from aura_ia_mcp.cluster.leases import ensure_running
from aura_ia_mcp.configs.load import load
from aura_ia_mcp.configs.paths import Paths


async def main() -> None:
    loaded = load()
    settings = loaded.settings
    async with await ensure_running(settings, Paths.of(settings), origins=loaded.sources) as lease:
        print(json.dumps(lease.system), flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
