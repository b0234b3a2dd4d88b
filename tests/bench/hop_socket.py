"""One peer of the chain over sockets, in a process of its own: `python -m tests.bench.hop_socket NUMBER FOLDER`.

Number 0 is the asker: it answers {"hops", "seconds"} with figures. The first line of input is {"root", "uris", "tls"}:
the root of the keys, where each peer answers, and the certificate for TLS (None: unix sockets in the folder).
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import uvloop

from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.limits import Limits
from aura_ia_mcp.bus.link import Transport
from aura_ia_mcp.bus.transports.socket import TlsTransport, UnixTransport
from aura_ia_mcp.cluster.spec import Certificate
from aura_ia_mcp.cluster.tls import contexts

from .chain import answerer, asker, measure
from .outcome import JSON
from .processes import tell


async def main(number: int, folder: Path) -> None:
    """Take part until the input ends."""
    loop = asyncio.get_running_loop()
    tell({"ready": True})
    first = json.loads(await loop.run_in_executor(None, sys.stdin.readline))
    root, uris = bytes.fromhex(first["root"]), first["uris"]
    transport = _transport(number, folder, first)
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


def _transport(number: int, folder: Path, first: JSON) -> Transport:
    most = Limits().max_frame_bytes
    if first["tls"] is None:
        return UnixTransport(folder, most)
    client, server = contexts(Certificate(**first["tls"]))
    port = int(first["uris"][number - 1].rpartition(":")[2]) if number else 0
    return TlsTransport("127.0.0.1", server, client, most, port)


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), Path(sys.argv[2])))
