"""What only sockets can do wrong: endless frames, and a reader that doesn't read."""

from __future__ import annotations

import asyncio
import socket
import struct
from pathlib import Path

from aura_ia_mcp.bus.address import Address
from aura_ia_mcp.bus.link import Link
from aura_ia_mcp.bus.transports.socket import UnixTransport

MOST_BYTES = 10_000


class Taker:
    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.closed = asyncio.Event()

    def on_frame(self, frame: bytes) -> None:
        self.frames.append(frame)

    def on_closed(self, why: str) -> None:
        self.closed.set()


async def accepted(folder: Path) -> tuple[Link, Taker, socket.socket]:
    """A link that a plain socket opened, what it brings, and the socket."""
    made: asyncio.Future[Link] = asyncio.get_running_loop().create_future()
    listener = await UnixTransport(folder, MOST_BYTES).listen(Address("middle"), made.set_result)
    client = socket.socket(socket.AF_UNIX)
    client.connect(listener.uri.removeprefix("unix:"))
    link, taker = await made, Taker()
    link.attach(taker)
    await listener.close()
    return link, taker, client


async def test_a_frame_over_the_bound_ends_the_connection_before_it_is_read(tmp_path: Path) -> None:
    _, taker, client = await accepted(tmp_path)
    client.sendall(struct.pack("!I", MOST_BYTES + 1))
    await asyncio.wait_for(taker.closed.wait(), 5)
    assert taker.frames == [b""]  # what `Incoming` refuses as malformed, and audits
    client.close()


async def test_frames_arrive_whole_however_they_are_cut(tmp_path: Path) -> None:
    link, taker, client = await accepted(tmp_path)
    frames = [b"a", b"b" * 5000, b"", b"c"]
    for byte in b"".join(struct.pack("!I", len(frame)) + frame for frame in frames):
        client.sendall(bytes([byte]))
        await asyncio.sleep(0)
    client.close()
    await asyncio.wait_for(taker.closed.wait(), 5)
    assert taker.frames == frames
    link.close()


async def test_a_peer_that_does_not_read_is_waited_for_and_then_cut_off(tmp_path: Path) -> None:
    link, taker, client = await accepted(tmp_path)
    frame = b"x" * MOST_BYTES
    for _ in range(1000):
        if taker.closed.is_set():
            break
        link.write(frame)
        await asyncio.sleep(0)
    await asyncio.wait_for(taker.closed.wait(), 5)
    await asyncio.wait_for(link.drain(), 5)
    client.close()


async def test_a_socket_left_by_an_earlier_life_is_replaced_and_none_stays_behind(tmp_path: Path) -> None:
    (tmp_path / "middle-0.sock").touch()
    listener = await UnixTransport(tmp_path, MOST_BYTES).listen(Address("middle"), lambda link: None)
    assert found(tmp_path) == {"middle-0.sock": True}
    await listener.close()
    assert found(tmp_path) == {}


def found(folder: Path) -> dict[str, bool]:
    """What lies there, and whether it is a socket."""
    return {path.name: path.is_socket() for path in folder.iterdir()}
