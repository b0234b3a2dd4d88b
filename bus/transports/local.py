"""Frames between peers of one process and one event loop: for unit tests."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from ..address import Address
from ..link import Link, Listener, Receiver


class LocalLink:
    """One end of a pair; what is written here comes out there in the loop's next turn, in order."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._receiver: Receiver | None = None
        self._early: deque[bytes] = deque()
        self._closed = False
        self.other: LocalLink | None = None

    def attach(self, receiver: Receiver) -> None:
        """Deliver to this receiver."""
        self._receiver = receiver
        while self._early:
            receiver.on_frame(self._early.popleft())

    def write(self, frame: bytes) -> None:
        """Hand the frame to the other end."""
        if not self._closed and self.other is not None:
            self._loop.call_soon(self.other.deliver, frame)

    async def drain(self) -> None:
        """Memory always has room; lets the reader run."""
        await asyncio.sleep(0)

    def close(self) -> None:
        """Close both ends."""
        for end in (self, self.other):
            if end is not None:
                self._loop.call_soon(end.shut)

    def deliver(self, frame: bytes) -> None:
        """A frame from the other end."""
        if self._closed:
            return
        if self._receiver is None:
            self._early.append(frame)
        else:
            self._receiver.on_frame(frame)

    def shut(self) -> None:
        """Tell the receiver, once."""
        if not self._closed:
            self._closed = True
            if self._receiver is not None:
                self._receiver.on_closed("closed")


class _LocalListener:
    def __init__(self, doors: dict[str, Callable[[Link], None]], uri: str) -> None:
        self._doors = doors
        self.uri = uri

    async def close(self) -> None:
        self._doors.pop(self.uri, None)


class LocalTransport:
    """One per process (or per test): who listens on it can be reached through it."""

    scheme = "local"

    def __init__(self) -> None:
        self._doors: dict[str, Callable[[Link], None]] = {}
        self._serial = 0

    async def connect(self, uri: str) -> Link:
        """Open a pair of links."""
        door = self._doors.get(uri)
        if door is None:
            raise ConnectionRefusedError(f"nobody listens at {uri}")
        loop = asyncio.get_running_loop()
        here, there = LocalLink(loop), LocalLink(loop)
        here.other, there.other = there, here
        door(there)
        return here

    async def listen(self, address: Address, accept: Callable[[Link], None]) -> Listener:
        """Answer at `local:role/replica#n`."""
        self._serial += 1
        uri = f"local:{address}#{self._serial}"
        self._doors[uri] = accept
        return _LocalListener(self._doors, uri)
