"""Where each address answers now."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from aura_ia_mcp.bus.address import Address, Endpoint
from aura_ia_mcp.bus.bus import Bus, Context, handles
from aura_ia_mcp.bus.errors import AuraError, RefusedError
from aura_ia_mcp.bus.messages import JSON, Register, Resolve, Unregister

from .boot import Boot

_MOST_ADDRESSES = 10_000
_MOST_URI_CHARS = 2_000


@dataclass
class Registry:
    """The table, without IO. An address' epoch never goes back, also when it is unregistered in between.

    Args:
        most: addresses known at once.
    """

    most: int = _MOST_ADDRESSES
    _current: dict[Address, Endpoint] = field(default_factory=dict)
    _epochs: dict[Address, int] = field(default_factory=dict)

    def register(self, address: Address, node: str, uri: str, epoch: int, now_ms: int) -> Endpoint:
        """An address answers at `uri`.

        Args:
            address: who.
            node: where.
            uri: how to connect.
            epoch: 0 asks for a new one, above all before; the current one refreshes the entry; a higher one is taken,
                as it was given before this table was begun anew.
            now_ms: Unix milliseconds.

        Raises:
            AuraError: `stale_epoch`: a newer life of the address has registered; `too_large`: no room.
        """
        known = self._epochs.get(address, 0)
        if not uri or len(uri) > _MOST_URI_CHARS:
            raise AuraError("malformed", f"{address} gave no usable URI")
        if epoch == 0:
            epoch = max(known + 1, now_ms)
        elif epoch < known:
            raise AuraError("stale_epoch", f"{address} is at epoch {known} already, not {epoch}")
        if address not in self._epochs and len(self._epochs) >= self.most:
            raise AuraError("too_large", f"{self.most} addresses are known; no room for {address}")
        endpoint = Endpoint(address, node, uri, epoch)
        self._epochs[address] = epoch
        self._current[address] = endpoint
        return endpoint

    def unregister(self, address: Address, epoch: int) -> bool:
        """An address stops answering; False, and nothing happens, unless `epoch` is the current one."""
        current = self._current.get(address)
        if current is None or current.epoch != epoch:
            return False
        del self._current[address]
        return True

    def resolve(self, role: str, replica: int | None) -> list[Endpoint]:
        """Where a replica answers, or (None) all replicas of the role, in order."""
        if replica is not None:
            found = self._current.get(Address(role, replica))
            return [found] if found is not None else []
        return sorted((e for a, e in self._current.items() if a.role == role), key=lambda e: e.address)

    def __len__(self) -> int:
        return len(self._current)


class Directory:
    """The actor around the table. Everybody asks it, and it asks nobody.

    When it restarts its table is empty; peers register again with the epochs they have.
    """

    def __init__(self, boot: Boot) -> None:
        del boot
        self.registry = Registry()

    async def start(self, bus: Bus) -> None:
        """Nothing runs in the background."""
        del bus

    async def stop(self) -> None:
        """Nothing to end."""

    @handles(Register)
    async def register(self, message: Register, context: Context) -> JSON:
        """Note where the caller answers; nobody may register another's address."""
        address = self._own(message.address, context)
        now_ms = time.time_ns() // 1_000_000
        found = self.registry.register(address, message.node, message.uri, message.epoch, now_ms)
        return {"epoch": found.epoch}

    @handles(Unregister)
    async def unregister(self, message: Unregister, context: Context) -> JSON:
        """Forget where the caller answers."""
        return {"known": self.registry.unregister(self._own(message.address, context), message.epoch)}

    @handles(Resolve)
    async def resolve(self, message: Resolve, context: Context) -> JSON:
        """Where an address answers; a role without a replica gives all of them."""
        del context
        try:
            address = Address.parse(message.address)
        except ValueError as error:
            raise AuraError("malformed", str(error)) from error
        found = self.registry.resolve(address.role, address.replica if "/" in message.address else None)
        return {
            "endpoints": [{"address": str(e.address), "node": e.node, "uri": e.uri, "epoch": e.epoch} for e in found]
        }

    @staticmethod
    def _own(text: str, context: Context) -> Address:
        try:
            address = Address.parse(text)
        except ValueError as error:
            raise AuraError("malformed", str(error)) from error
        if context.envelope.source != address:
            raise RefusedError("spoofed_source", f"{context.envelope.source} may not register {address}")
        return address
