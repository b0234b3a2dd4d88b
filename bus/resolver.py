"""Where does an address answer? Asked before a connection, and again after it broke."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from .address import Address, Endpoint
from .bus import Bus
from .errors import AuraError
from .messages import Resolve


class Resolver(Protocol):
    """Finds endpoints."""

    async def resolve(self, address: Address) -> Endpoint | None:
        """The address' endpoint now, or None while nobody answers for it."""


class StaticResolver:
    """A fixed table: where no Directory is, as in tests."""

    def __init__(self, endpoints: Iterable[Endpoint] = ()) -> None:
        self._known = {endpoint.address: endpoint for endpoint in endpoints}

    def set(self, endpoint: Endpoint) -> None:
        """Add or replace an endpoint."""
        self._known[endpoint.address] = endpoint

    async def resolve(self, address: Address) -> Endpoint | None:
        """From the table."""
        return self._known.get(address)


class DirectoryResolver:
    """Asks the Directory, whose own endpoint is known beforehand.

    Args:
        directory: where the Directory answers (epoch 0: any).
        node: this machine's name in the cluster; picks the way in among an endpoint's URIs.
        schemes: what this process can connect with; other ways in are passed over. None can all.
    """

    def __init__(self, directory: Endpoint, node: str, schemes: Sequence[str] | None = None) -> None:
        self._directory = directory
        self._node = node
        self._schemes = schemes
        self._bus: Bus | None = None

    def use(self, bus: Bus) -> None:
        """Ask through this bus (the peer that owns the resolver)."""
        self._bus = bus

    async def resolve(self, address: Address) -> Endpoint | None:
        """The newest endpoint the Directory has; None when it has none or is itself away."""
        if address.role == self._directory.address.role:
            return self._directory
        if self._bus is None:
            return None
        try:
            reply = await self._bus.request(self._directory.address, Resolve(str(address)), patience_s=0.5)
        except AuraError:
            return None
        for found in reply["endpoints"]:
            uri = choose(str(found["uri"]), same_node=found["node"] == self._node, schemes=self._schemes)
            if uri is not None:
                return Endpoint(address, str(found["node"]), uri, int(found["epoch"]))
        return None


def choose(uris: str, *, same_node: bool, schemes: Sequence[str] | None = None) -> str | None:
    """Pick the way in from space-separated URIs, best first: a unix socket only on its own node, and only a known way.

    Args:
        uris: what was registered.
        same_node: whether that is on this node.
        schemes: the known ways; None means all.
    """
    for uri in uris.split():
        scheme = uri.partition(":")[0]
        if (same_node or scheme != "unix") and (schemes is None or scheme in schemes):
            return uri
    return None
