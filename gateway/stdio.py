"""stdio: a thin client that carries JSON-RPC lines to a running system and back.

Both eras pass through unchanged: notifications, progress, the server's own requests, cancellation. Standard output
carries the protocol only. The session is this bridge's, so that it can open a new one when the system was restarted.
Source: MCP 2025-11-25 and 2026-07-28, Transports, stdio.
"""

from __future__ import annotations

import asyncio
import logging
import os
import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from mcp_types.jsonrpc import INVALID_REQUEST

from .jsonrpc import (
    SERVER_BUSY,
    Incoming,
    Notification,
    Request,
    RequestId,
    RpcError,
    encode_error,
    has_envelope,
    parse,
)
from .upstream import Upstream

log = logging.getLogger(__name__)

MAX_LINE_BYTES = 4_194_304
_MAX_NESTING = 512
_MAX_OPEN = 256
_LAST_ANSWERS_S = 2.0


class Output(Protocol):
    """Where lines go: an `asyncio.StreamWriter`, or the like of it."""

    def write(self, data: bytes) -> None:
        """Take bytes; never blocks."""

    async def drain(self) -> None:
        """Wait while the reader is behind."""


async def bridge(
    url_or_socket: str | Path, stdin: asyncio.StreamReader, stdout: Output, token: str | None = None
) -> int:
    """Serve one client until its end of input, then end its session.

    Args:
        url_or_socket: a running system: its URL or the path of its ingress socket.
        stdin: lines from the client; a line longer than the reader's limit is refused and skipped.
        stdout: lines to the client.
        token: a bearer token; None is a guest.

    Returns:
        The exit status: 0.
    """
    served = _Bridge(stdout)
    async with Upstream(url_or_socket, token, served.say) as upstream:
        served.upstream = upstream
        await served.run(stdin)
    return 0


async def main(url_or_socket: str | Path) -> int:
    """Bridge this process's own standard input and output; the token comes from `AURA_TOKEN`.

    While it runs, whatever else the process prints goes to standard error.
    """
    stdout = os.dup(1)
    os.dup2(2, 1)
    try:
        reader = await _standard_input()
        output = await _output(stdout)
        return await bridge(url_or_socket, reader, output, os.environ.get("AURA_TOKEN") or None)
    finally:
        os.dup2(stdout, 1)
        os.close(stdout)


async def _standard_input() -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=MAX_LINE_BYTES)
    if stat.S_ISREG(os.fstat(0).st_mode):  # a redirected file can't be waited for
        reader.feed_data(sys.stdin.buffer.read())
        reader.feed_eof()
        return reader
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
    return reader


async def _output(number: int) -> Output:
    if stat.S_ISREG(os.fstat(number).st_mode):
        return _File(number)
    loop = asyncio.get_running_loop()
    pipe = os.fdopen(os.dup(number), "wb", buffering=0)
    transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, pipe)
    return asyncio.StreamWriter(transport, protocol, None, loop)


class _File:
    def __init__(self, number: int) -> None:
        self._number = number

    def write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._number, data) :]

    async def drain(self) -> None:
        """A file is never behind."""


class _Bridge:
    def __init__(self, stdout: Output) -> None:
        self._stdout = stdout
        self._writing = asyncio.Lock()
        self._open: dict[RequestId, asyncio.Task[None]] = {}
        self._others: set[asyncio.Task[None]] = set()
        self.upstream: Upstream

    async def say(self, line: bytes) -> None:
        """Write one message; slow readers slow the system's streams down, nothing piles up here."""
        async with self._writing:
            with suppress(ConnectionError):
                self._stdout.write(line + b"\n")
                await self._stdout.drain()

    async def run(self, stdin: asyncio.StreamReader) -> None:
        """Read until the end of input; then give open requests a moment, and cancel what is left."""
        try:
            while (line := await self._line(stdin)) is not None:
                if line.strip():
                    await self._take(line)
            if self._open:
                await asyncio.wait(self._open.values(), timeout=_LAST_ANSWERS_S)
        finally:
            tasks = [*self._open.values(), *self._others]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _line(self, stdin: asyncio.StreamReader) -> bytes | None:
        skipping = False
        while True:
            try:
                line = await stdin.readuntil(b"\n")
            except asyncio.IncompleteReadError as end:
                return end.partial or None
            except asyncio.LimitOverrunError as long:
                await stdin.readexactly(max(1, long.consumed))
                skipping = True
                continue
            if not skipping:
                return line
            skipping = False
            await self._refuse(None, RpcError(INVALID_REQUEST, f"a line is longer than {MAX_LINE_BYTES} bytes"))

    async def _take(self, line: bytes) -> None:
        try:
            message = parse(line, _MAX_NESTING)
        except RpcError as error:
            await self._refuse(None, error)
            return
        if isinstance(message, Request):
            await self._request(message, line)
            return
        if isinstance(message, Notification) and message.method == "notifications/cancelled":
            self._cancel(message, line)
            return
        self._later(self._tell(message, line))
        if isinstance(message, Notification) and message.method == "notifications/initialized":
            await asyncio.wait(self._others, timeout=_LAST_ANSWERS_S)

    async def _request(self, message: Request, line: bytes) -> None:
        if message.id in self._open or len(self._open) >= _MAX_OPEN:
            why = "is still open" if message.id in self._open else f"is one more than the {_MAX_OPEN} that may be open"
            await self._refuse(message.id, RpcError(SERVER_BUSY, f"this request {why}"))
            return
        task = asyncio.create_task(self._ask(message, line))
        self._open[message.id] = task
        task.add_done_callback(lambda _: self._open.pop(message.id, None))
        if message.method == "initialize":
            await asyncio.wait({task})
        else:
            await asyncio.sleep(0)

    async def _ask(self, message: Request, line: bytes) -> None:
        try:
            if message.method == "initialize":
                await self.upstream.initialize(message, line)
            elif has_envelope(message):
                await self.upstream.ask_stateless(message, line)
            else:
                await self.upstream.ask(message, line)
        except RpcError as error:
            await self._refuse(message.id, error)

    async def _tell(self, message: Incoming, line: bytes) -> None:
        try:
            await self.upstream.tell(message, line)
        except RpcError as error:
            log.warning("a message without an answer could not be delivered: %s", error.message)

    def _cancel(self, message: Notification, line: bytes) -> None:
        number = message.params.get("requestId")
        task = self._open.get(number) if isinstance(number, str | int) else None
        if self.upstream.has_session:
            self._later(self._tell(message, line))
        elif task is not None:
            task.cancel()

    def _later(self, coroutine: object) -> None:
        task: asyncio.Task[None] = asyncio.create_task(coroutine)  # type: ignore[arg-type]
        self._others.add(task)
        task.add_done_callback(self._others.discard)

    async def _refuse(self, number: RequestId | None, error: RpcError) -> None:
        await self.say(encode_error(number, error))
