"""Frames over unix sockets on a node and TLS between nodes: a length of four bytes, then the frame.

Frames leave by twos, or at the end of the event loop's turn: one system call a turn would be cheaper, but then all the
messages under way move from actor to actor as one crowd, and while one process works the others wait (measured: a third
less throughput at 64 in flight). Back-pressure comes from the kernel's buffer: `drain` waits while more than the
high-water mark is unsent; a peer that doesn't read beyond the hard bound is cut off.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import struct
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import cast

from ..address import Address
from ..link import Link, Listener, Receiver

_LENGTH = struct.Struct("!I")
_HARD_BOUND_FRAMES = 8
_TOGETHER_FRAMES = 2


class SocketLink(asyncio.Protocol):
    """One connection.

    Args:
        max_frame_bytes: a longer frame ends the connection.
        on_made: for accepted connections: called once with the link.
    """

    def __init__(self, max_frame_bytes: int, on_made: Callable[[Link], None] | None = None) -> None:
        self._max_frame_bytes = max_frame_bytes
        self._on_made = on_made
        self._transport: asyncio.Transport | None = None
        self._receiver: Receiver | None = None
        self._early: deque[bytes] = deque()
        self._buffer = bytearray()
        self._out: list[bytes] = []
        self._scheduled = False
        self._room = asyncio.Event()
        self._room.set()
        self._closing = False
        self._loop = asyncio.get_running_loop()

    def attach(self, receiver: Receiver) -> None:
        """Deliver to this receiver."""
        self._receiver = receiver
        while self._early:
            receiver.on_frame(self._early.popleft())

    def write(self, frame: bytes) -> None:
        """Send a frame with this turn's others."""
        if self._closing:
            return
        self._out.append(_LENGTH.pack(len(frame)))
        self._out.append(frame)
        if len(self._out) >= 2 * _TOGETHER_FRAMES:
            self._flush()
        elif not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._end_of_turn)

    async def drain(self) -> None:
        """Wait for room."""
        if not self._room.is_set():
            await self._room.wait()

    def close(self) -> None:
        """Send what was written, then close."""
        self._flush()
        self._closing = True
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's isn't a subclass
        if self._on_made is not None:
            self._on_made(self)

    def data_received(self, data: bytes) -> None:
        """Cut the bytes into frames."""
        buffer = self._buffer
        buffer += data
        start, end = 0, len(buffer)
        while end - start >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(buffer, start)
            if length > self._max_frame_bytes:
                self._deliver(b"")  # no receiver takes that for a frame: it refuses the peer, and the audit hears of it
                self._abort()
                return
            stop = start + _LENGTH.size + length
            if stop > end:
                break
            frame = bytes(memoryview(buffer)[start + _LENGTH.size : stop])
            start = stop
            self._deliver(frame)
        if start:
            del buffer[:start]

    def pause_writing(self) -> None:
        """The kernel has no room."""
        self._room.clear()

    def resume_writing(self) -> None:
        """It has room again."""
        self._room.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._closing = True
        self._room.set()
        if self._receiver is not None:
            self._receiver.on_closed(str(exc) if exc else "closed")

    def _deliver(self, frame: bytes) -> None:
        if self._receiver is None:
            self._early.append(frame)
        else:
            self._receiver.on_frame(frame)

    def _end_of_turn(self) -> None:
        self._scheduled = False
        self._flush()

    def _flush(self) -> None:
        if not self._out or self._transport is None or self._closing:
            return
        data = b"".join(self._out)
        self._out.clear()
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > _HARD_BOUND_FRAMES * self._max_frame_bytes:
            self._abort()

    def _abort(self) -> None:
        self._closing = True
        if self._transport is not None:
            self._transport.abort()


class _SocketListener:
    def __init__(self, server: asyncio.Server, uri: str, path: Path | None) -> None:
        self._server = server
        self._path = path
        self.uri = uri

    async def close(self) -> None:
        self._server.close()
        if self._path is not None:
            with contextlib.suppress(FileNotFoundError):
                self._path.unlink()


class UnixTransport:
    """Unix sockets in one private folder.

    Args:
        folder: where sockets are made; must exist with mode 0700.
        max_frame_bytes: the bound on frames.
    """

    scheme = "unix"

    def __init__(self, folder: Path, max_frame_bytes: int) -> None:
        self._folder = folder
        self._max_frame_bytes = max_frame_bytes

    async def connect(self, uri: str) -> Link:
        """Open `unix:/path`."""
        loop = asyncio.get_running_loop()
        _, link = await loop.create_unix_connection(
            lambda: SocketLink(self._max_frame_bytes), uri.removeprefix("unix:")
        )
        return link

    async def listen(self, address: Address, accept: Callable[[Link], None]) -> Listener:
        """Answer on `<folder>/<role>-<replica>.sock`; a socket left by an earlier life is replaced."""
        path = self._folder / f"{address.role}-{address.replica}.sock"
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        loop = asyncio.get_running_loop()
        server = await loop.create_unix_server(lambda: SocketLink(self._max_frame_bytes, accept), str(path))
        path.chmod(0o600)
        return _SocketListener(server, f"unix:{path}", path)


class TlsTransport:
    """TCP with TLS in which both sides show a certificate of the cluster's own authority.

    Args:
        host: the address to listen on, and the one that others reach this node by.
        server: context for accepting; must demand the client's certificate.
        client: context for connecting.
        max_frame_bytes: the bound on frames.
        port: to listen on; 0 takes a free one for each address.
    """

    scheme = "tls"

    def __init__(
        self, host: str, server: ssl.SSLContext, client: ssl.SSLContext, max_frame_bytes: int, port: int = 0
    ) -> None:
        if server.verify_mode is not ssl.CERT_REQUIRED or client.verify_mode is not ssl.CERT_REQUIRED:
            raise ValueError("both TLS contexts must verify the other side (CERT_REQUIRED)")
        self._host = host
        self._server = server
        self._client = client
        self._max_frame_bytes = max_frame_bytes
        self._port = port

    async def connect(self, uri: str) -> Link:
        """Open `tls://host:port`."""
        host, _, port = uri.removeprefix("tls://").rpartition(":")
        loop = asyncio.get_running_loop()
        _, link = await loop.create_connection(
            lambda: SocketLink(self._max_frame_bytes), host, int(port), ssl=self._client, server_hostname=host
        )
        return link

    async def listen(self, address: Address, accept: Callable[[Link], None]) -> Listener:
        """Answer on this node's address."""
        del address  # the port tells addresses apart
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: SocketLink(self._max_frame_bytes, accept), self._host, self._port, ssl=self._server
        )
        port = server.sockets[0].getsockname()[1]
        return _SocketListener(server, f"tls://{self._host}:{port}", None)
