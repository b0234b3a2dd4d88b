"""The load generator: a process of its own that sends prepared requests and checks every answer.

HTTP/1.1 keep-alive over uvloop, one request at a time on each connection. It costs some 30 microseconds a request, so
that what is measured is the server. Asked over its pipes (`processes.Child`): a burst is

    {"port": 9200, "seconds": 2.0, "warm_s": 0.2, "expect": "...", "clients": [[[before, after], ...], ...]}

with one list per connection; its requests are sent in turn as `before + id + after`, where ids have ten digits and
never repeat. An answer counts when its status is 200, it holds its id and `expect`, and no `isError`.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import sys
import time

import uvloop

from .outcome import JSON, latencies
from .processes import tell

_FIRST_ID = 1_000_000_000
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_ENDED = b"\r\n0\r\n\r\n"
_IS_ERROR = re.compile(rb'"isError": ?true')
_WAIT_S = 60.0
_ids = itertools.count(_FIRST_ID)


class Client(asyncio.Protocol):
    """One connection, which sends its requests in turn until it is told to stop.

    Args:
        requests: (before, after) of each.
        expect: what every answer must hold.
        times_s: gets each answer's latency while `counting`.
    """

    def __init__(self, requests: list[tuple[bytes, bytes]], expect: bytes, times_s: list[float]) -> None:
        self._requests = itertools.cycle(requests)
        self._expect = expect
        self._times_s = times_s
        self._buffer = bytearray()
        self._head = -1
        self._length: int | None = None
        self._id = b""
        self._began = 0.0
        self._transport: asyncio.Transport | None = None
        self.counting = False
        self.stopping = False
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep it; `send` begins."""
        self._transport = transport  # type: ignore[assignment] # uvloop's isn't a subclass

    def send(self) -> None:
        """Send the next request."""
        before, after = next(self._requests)
        self._id = b"%d" % next(_ids)
        self._buffer.clear()
        self._head = -1
        assert self._transport is not None
        self._began = time.perf_counter()
        self._transport.write(b"%b%b%b" % (before, self._id, after))

    def data_received(self, data: bytes) -> None:
        """Gather an answer; when it is whole, check it and send the next request."""
        self._buffer += data
        if self._head < 0 and not self._read_head():
            return
        if self._length is None:
            if not self._buffer.endswith(_ENDED):
                return
        elif len(self._buffer) < self._head + self._length:
            return
        if self.counting:
            self._times_s.append(time.perf_counter() - self._began)
        wrong = self._wrong()
        if wrong:
            self._finish(wrong)
        elif self.stopping:
            self._finish()
        else:
            self.send()

    def connection_lost(self, exc: Exception | None) -> None:
        """Only right after the last answer."""
        self._finish(f"the server closed the connection: {exc}")

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        self._head = end + 4
        head = bytes(self._buffer[:end])
        found = _LENGTH.search(head)
        self._length = int(found[1]) if found else None
        if found is None and not _CHUNKED.search(head):
            self._finish(f"an answer without a length: {head!r}")
        return True

    def _wrong(self) -> str:
        answer = self._buffer
        if (
            answer.startswith(b"HTTP/1.1 200")
            and self._id in answer
            and self._expect in answer
            and not _IS_ERROR.search(answer)
        ):
            return ""
        return f"not the expected answer: {bytes(answer[:2000])!r}"

    def _finish(self, wrong: str = "") -> None:
        if not self.done.done():
            if wrong:
                self.done.set_exception(RuntimeError(wrong))
            else:
                self.done.set_result(None)
        if self._transport is not None:
            self._transport.close()


async def burst(order: JSON) -> JSON:
    """Send for `seconds`: {count, p50_ms, p99_ms, per_s, client_cpu_us}.

    Raises:
        RuntimeError: an answer wasn't the expected one, or a connection broke.
    """
    loop = asyncio.get_running_loop()
    times_s: list[float] = []
    clients = []
    for prepared in order["clients"]:
        requests = [(before.encode(), after.encode()) for before, after in prepared]
        _, client = await loop.create_connection(
            lambda requests=requests: Client(requests, order["expect"].encode(), times_s),  # type: ignore[misc]
            "127.0.0.1",
            order["port"],
        )
        clients.append(client)
    ends = asyncio.gather(*(client.done for client in clients))
    for client in clients:
        client.send()
    await asyncio.wait([ends], timeout=order["warm_s"])
    began, cpu = time.perf_counter(), time.process_time()
    for client in clients:
        client.counting = True
    await asyncio.wait([ends], timeout=order["seconds"])
    took, cpu = time.perf_counter() - began, time.process_time() - cpu
    count = len(times_s)
    for client in clients:
        client.counting = False
        client.stopping = True
    async with asyncio.timeout(_WAIT_S):
        await ends
    if not count:
        raise RuntimeError("no answer within the burst")
    return latencies(times_s) | {
        "per_s": round(count / took, 1),
        "seconds": round(took, 3),
        "client_cpu_us": round(cpu / count * 1e6, 1),
    }


async def main() -> None:
    """Answer each order until the input ends."""
    loop = asyncio.get_running_loop()
    tell({"ready": True})
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        try:
            tell(await burst(json.loads(line)))
        except (RuntimeError, OSError, TimeoutError) as error:
            tell({"error": f"{type(error).__name__}: {error}"})


if __name__ == "__main__":
    uvloop.run(main())
