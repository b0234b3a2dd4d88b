"""The seam between the bus and what carries it: whole frames both ways, and a way to connect and to listen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from .address import Address


class Receiver(Protocol):
    """Takes what a link brings. Both methods are called on the event loop and must not block."""

    def on_frame(self, frame: bytes) -> None:
        """One whole frame, in the order in which the other side wrote it."""

    def on_closed(self, why: str) -> None:
        """Nothing more comes; called once."""


class Link(Protocol):
    """A two-way pipe of frames between two peers."""

    def attach(self, receiver: Receiver) -> None:
        """Deliver to this receiver, beginning with frames that came before."""

    def write(self, frame: bytes) -> None:
        """Send a frame; dropped silently once the link is closed (the receiver hears of that)."""

    async def drain(self) -> None:
        """Wait until the other side has room; returns at once when it has, or when the link is closed."""

    def close(self) -> None:
        """Close both directions after what was written is out; the attached receiver hears it too."""


class Listener(Protocol):
    """An open door."""

    @property
    def uri(self) -> str:
        """What a caller connects to."""

    async def close(self) -> None:
        """Take no more links, and leave nothing on disk; links that are open stay open."""


class Transport(Protocol):
    """Carries frames. What it promises is tested in `tests/contract/`."""

    @property
    def scheme(self) -> str:
        """The part of a URI before its first colon."""

    async def connect(self, uri: str) -> Link:
        """Open a link.

        Raises:
            OSError: nobody answers there.
        """

    async def listen(self, address: Address, accept: Callable[[Link], None]) -> Listener:
        """Answer for an address; each new link is given to `accept`."""
