"""`aura/layers` of a reply: the actors that the call passed, the uppermost first, and how long each had it."""

from __future__ import annotations

from collections.abc import Iterable

from aura_ia_mcp.bus.address import Address
from aura_ia_mcp.bus.edges import LAYERS
from aura_ia_mcp.bus.messages import JSON

from .moment import ms_since

_MEMBER = "aura/layers"


def layer_of(role: str) -> str:
    """Where a role stands, as in `L5`; what lies below all (the Directory), or isn't known, counts as `L0`."""
    return f"L{max(LAYERS.get(role, 0), 0)}"


def layer(address: Address, ms: float) -> JSON:
    """The row of one actor, as in {"layer": "L5", "actor": "tools/0", "ms": 1.204}."""
    return {"layer": layer_of(address.role), "actor": str(address), "ms": ms}


def layers_of(reply: JSON) -> list[JSON]:
    """The rows that a reply brings."""
    return list((reply.get("_meta") or {}).get(_MEMBER, ()))


def with_layers(reply: JSON, rows: Iterable[JSON]) -> JSON:
    """The reply with these rows instead of its own."""
    return reply | {"_meta": (reply.get("_meta") or {}) | {_MEMBER: list(rows)}}


def passed(reply: JSON, address: Address, began: float) -> JSON:
    """The reply with an actor's row above its own.

    Args:
        reply: with the rows of what lies below.
        address: the actor's.
        began: `time.perf_counter()` when the call came to it.
    """
    return with_layers(reply, [layer(address, ms_since(began)), *layers_of(reply)])
