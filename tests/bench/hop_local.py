"""The whole chain over the local transport, in one process and one event loop."""

from __future__ import annotations

import asyncio
import json
import sys

import uvloop

from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.keys import new_root
from aura_ia_mcp.bus.transports.local import LocalTransport

from .chain import HOPS, answerer, asker, measure
from .processes import tell


async def main() -> None:
    """Answer {"hops", "seconds"} with figures until the input ends."""
    loop = asyncio.get_running_loop()
    root, transport = new_root(), LocalTransport()
    uris: list[str] = []
    peers = []
    for number in range(HOPS, 0, -1):
        peer = await answerer(number, root, transport, [""] * number + uris)
        uris.insert(0, await peer.listen())
        peers.append(peer)
    peers.append(asker(root, transport, uris))
    tell({"ready": True})
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        order = json.loads(line)
        try:
            tell(await measure(peers[-1], order["hops"], seconds=order["seconds"]))
        except AuraError as error:
            tell({"error": str(error)})
    for peer in reversed(peers):
        await peer.stop()


if __name__ == "__main__":
    uvloop.run(main())
