"""One peer of the chain over unix sockets, in a process of its own: `python -m tests.bench.hop_unix NUMBER FOLDER`.

Number 0 is the asker: it answers {"hops", "seconds"} with figures. The root of the keys is the first line of input.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import uvloop

from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.limits import Limits
from aura_ia_mcp.bus.transports.socket import UnixTransport

from .chain import HOPS, answerer, asker, measure
from .processes import tell


async def main(number: int, folder: Path) -> None:
    """Take part until the input ends."""
    loop = asyncio.get_running_loop()
    transport = UnixTransport(folder, Limits().max_frame_bytes)
    uris = [f"unix:{folder}/r{each}-0.sock" for each in range(1, HOPS + 1)]
    tell({"ready": True})
    root = bytes.fromhex(json.loads(await loop.run_in_executor(None, sys.stdin.readline))["root"])
    peer = await answerer(number, root, transport, uris) if number else asker(root, transport, uris)
    if number:
        await peer.listen()
    tell({"ready": True})
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        order = json.loads(line)
        try:
            tell(await measure(peer, order["hops"], seconds=order["seconds"]))
        except AuraError as error:
            tell({"error": str(error)})
    await peer.stop()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), Path(sys.argv[2])))
