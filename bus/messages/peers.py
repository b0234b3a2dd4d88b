"""What every peer answers itself, and what the Directory does: who is there, and where."""

from __future__ import annotations

from .form import Message, message


@message("bus.ping", idempotent=True)
class Ping(Message):
    """Are you there? The reply is the peer's `stats()`."""


@message("bus.subscribe", idempotent=True)
class Subscribe(Message):
    """Stream a topic's events, the retained one first."""

    topic: str


@message("directory.register", idempotent=True)
class Register(Message):
    """An address answers at `uri`. With `epoch` 0 a new epoch is given; the reply is {"epoch": n}."""

    address: str
    node: str
    uri: str
    epoch: int = 0


@message("directory.resolve", idempotent=True)
class Resolve(Message):
    """Where does an address answer? Reply {"endpoints": [{address, node, uri, epoch}]}."""

    address: str


@message("directory.unregister", idempotent=True)
class Unregister(Message):
    """An address stops answering; ignored unless `epoch` is the current one."""

    address: str
    epoch: int
