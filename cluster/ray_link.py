"""The ray transport: frames as plain Ray actor calls. The reference for the other transports, and slower than they are.

A link lives in the callee's actor. The caller pushes frames, one call under way at a time (which keeps their order),
and fetches the callee's frames by a call that waits until there are some. Either call failing ends the link.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import ray
from ray.exceptions import RayError

from aura_ia_mcp.bus.address import Address
from aura_ia_mcp.bus.link import Link, Listener, Receiver

_POLL_S = 20.0
_MOST_UNSENT = 4096
_ROOM_FRAMES = 256


class Outlet:
    """Frames on their way out, with back-pressure; subclasses' owner empties it."""

    def __init__(self) -> None:
        self._frames: deque[bytes] = deque()
        self._some = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self.closed = False

    def put(self, frame: bytes) -> bool:
        """Add a frame; False when the other side is so far behind that it must be cut off."""
        self._frames.append(frame)
        self._some.set()
        if len(self._frames) > _ROOM_FRAMES:
            self._room.clear()
        return len(self._frames) <= _MOST_UNSENT

    async def room(self) -> None:
        """Wait until few frames are unsent."""
        await self._room.wait()

    async def take(self) -> list[bytes]:
        """All frames there are, at least one; [] once it is closed and empty."""
        await self._some.wait()
        frames = list(self._frames)
        self._frames.clear()
        self._room.set()
        if not self.closed:
            self._some.clear()
        return frames

    def close(self) -> None:
        """No more frames come; wakes whoever waits."""
        self.closed = True
        self._some.set()
        self._room.set()


class _End:
    """What both ends of a link have in common: early frames, a receiver, an outlet."""

    def __init__(self) -> None:
        self.outlet = Outlet()
        self._receiver: Receiver | None = None
        self._early: deque[bytes] = deque()
        self._why: str | None = None

    def attach(self, receiver: Receiver) -> None:
        """Deliver to this receiver."""
        self._receiver = receiver
        while self._early:
            receiver.on_frame(self._early.popleft())
        if self._why is not None:
            receiver.on_closed(self._why)

    def write(self, frame: bytes) -> None:
        """Send a frame; a peer that doesn't fetch is cut off."""
        if not self.outlet.closed and not self.outlet.put(frame):
            self.close()

    async def drain(self) -> None:
        """Wait for room."""
        await self.outlet.room()

    def close(self) -> None:
        """Let what was written out, then end."""
        if not self.outlet.closed:
            self.outlet.close()
            asyncio.get_running_loop().call_soon(self.ended, "closed")

    def deliver(self, frames: list[bytes]) -> None:
        """Frames came from the other side."""
        for frame in frames:
            if self._why is not None:
                return
            if self._receiver is None:
                self._early.append(frame)
            else:
                self._receiver.on_frame(frame)

    def ended(self, why: str) -> None:
        """Tell the receiver, once."""
        if self._why is None:
            self._why = why
            self.outlet.close()
            if self._receiver is not None:
                self._receiver.on_closed(why)


class Doors:
    """The callee's side, in the loop of the actor that serves: who listens, and which links are open."""

    def __init__(self) -> None:
        self._accept: dict[str, Callable[[Link], None]] = {}
        self._open: dict[str, _End] = {}

    def add(self, uri: str, accept: Callable[[Link], None]) -> None:
        """Listen."""
        self._accept[uri] = accept

    def remove(self, uri: str) -> None:
        """Listen no more."""
        self._accept.pop(uri, None)

    async def open(self, uri: str) -> str | None:
        """A caller connects: the new link's id, or None when nobody listens there."""
        accept = self._accept.get(uri)
        if accept is None:
            return None
        number, end = os.urandom(8).hex(), _End()
        self._open[number] = end
        accept(end)
        return number

    async def push(self, number: str, frames: list[bytes]) -> bool:
        """Frames from a caller; False when the link is closed."""
        end = self._open.get(number)
        if end is None or end.outlet.closed:
            return False
        end.deliver(frames)
        return True

    async def fetch(self, number: str) -> list[bytes] | None:
        """Frames for a caller, waiting for some; [] when there were none for a while, None when the link is closed."""
        end = self._open.get(number)
        if end is None:
            return None
        try:
            async with asyncio.timeout(_POLL_S):
                frames = await end.outlet.take()
        except TimeoutError:
            return []
        if not frames and end.outlet.closed:
            self._open.pop(number, None)
            return None
        return frames

    async def leave(self, number: str) -> None:
        """The caller hung up."""
        end = self._open.pop(number, None)
        if end is not None:
            end.ended("the caller hung up")


class Calls(Protocol):
    """How the callee's `Doors` are reached: awaitables, as Ray's object references are."""

    def open(self, uri: str) -> Awaitable[str | None]:
        """See `Doors.open`."""

    def push(self, number: str, frames: list[bytes]) -> Awaitable[bool]:
        """See `Doors.push`."""

    def fetch(self, number: str) -> Awaitable[list[bytes] | None]:
        """See `Doors.fetch`."""

    def leave(self, number: str) -> Awaitable[None]:
        """See `Doors.leave`."""


class RayCalls:
    """`Calls` on a named Ray actor of class `Host`.

    Args:
        name: the actor's name.
        namespace: its Ray namespace.

    Raises:
        ValueError: there is no such actor.
    """

    def __init__(self, name: str, namespace: str) -> None:
        self._actor: Any = ray.get_actor(name, namespace=namespace)

    def open(self, uri: str) -> Awaitable[str | None]:
        """See `Doors.open`."""
        found: Awaitable[str | None] = self._actor.link_open.remote(uri)
        return found

    def push(self, number: str, frames: list[bytes]) -> Awaitable[bool]:
        """See `Doors.push`."""
        found: Awaitable[bool] = self._actor.link_push.remote(number, frames)
        return found

    def fetch(self, number: str) -> Awaitable[list[bytes] | None]:
        """See `Doors.fetch`."""
        found: Awaitable[list[bytes] | None] = self._actor.link_fetch.remote(number)
        return found

    def leave(self, number: str) -> Awaitable[None]:
        """See `Doors.leave`."""
        found: Awaitable[None] = self._actor.link_leave.remote(number)
        return found


class _CallerEnd(_End):
    """The caller's end: two tasks that push and fetch."""

    def __init__(self, calls: Calls, number: str) -> None:
        super().__init__()
        self._calls = calls
        self._number = number
        self._tasks = {asyncio.create_task(self._push()), asyncio.create_task(self._fetch())}

    async def _push(self) -> None:
        try:
            while frames := await self.outlet.take():
                if not await self._calls.push(self._number, frames):
                    break
            self.ended("closed")
            await self._calls.leave(self._number)
        except (RayError, OSError) as error:
            self.ended(_short(error))

    async def _fetch(self) -> None:
        try:
            while self._why is None and (frames := await self._calls.fetch(self._number)) is not None:
                self.deliver(frames)
            self.ended("the other side hung up")
        except (RayError, OSError) as error:
            self.ended(_short(error))


class _RayListener:
    def __init__(self, doors: Doors, uri: str) -> None:
        self._doors = doors
        self.uri = uri

    async def close(self) -> None:
        self._doors.remove(self.uri)


class RayTransport:
    """Links over Ray actor calls.

    Args:
        doors: this process's own, which its Ray actor exposes; None for a process that only asks.
        name: this process's Ray actor.
        reach: finds the calls of an actor by name; `RayCalls` but for unit tests.
    """

    scheme = "ray"

    def __init__(self, doors: Doors | None, name: str, reach: Callable[[str], Calls]) -> None:
        self._doors = doors
        self._name = name.replace(" ", "_")
        self._reach = reach

    async def connect(self, uri: str) -> Link:
        """Open `ray:actor_name#role/replica`."""
        name = uri.removeprefix("ray:").partition("#")[0].replace("_", " ")
        try:
            calls = await asyncio.get_running_loop().run_in_executor(None, self._reach, name)
            number = await calls.open(uri)
        except (RayError, ValueError) as error:
            raise ConnectionRefusedError(_short(error)) from error
        if number is None:
            raise ConnectionRefusedError(f"nobody listens at {uri}")
        return _CallerEnd(calls, number)

    async def listen(self, address: Address, accept: Callable[[Link], None]) -> Listener:
        """Answer at `ray:actor_name#role/replica`."""
        if self._doors is None:
            raise OSError("a process without a Ray actor can't be called through Ray")
        uri = f"ray:{self._name}#{address}"
        self._doors.add(uri, accept)
        return _RayListener(self._doors, uri)


def _short(error: Exception) -> str:
    with contextlib.suppress(IndexError):
        return f"{type(error).__name__}: {str(error).splitlines()[0]}"
    return type(error).__name__
