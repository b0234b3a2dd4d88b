"""Whether a call could be served now, as Safety tells it: by itself, and by what it asks."""

from __future__ import annotations

import time
from typing import Any

from aura_ia_mcp.bus.address import Address
from aura_ia_mcp.bus.bus import Bus, Context
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON, Probe

_TOOLS = Address("tools")


async def probed(bus: Bus, message: Probe, context: Context, fault: str) -> JSON:
    """The answer to a probe.

    Args:
        bus: Safety's.
        message: the probe; Tools is asked it, too.
        context: of the probe.
        fault: why Safety could decide on no call now, or "".
    """
    own: dict[str, Any] = {"status": "failing" if fault else "ok", "latency_ms": 0.0, "detail": fault}
    parts = {str(bus.address): own}
    began = time.perf_counter()
    try:
        below = await bus.request(_TOOLS, message, header=context.header, patience_s=0.0)
    except AuraError as error:
        ms = round((time.perf_counter() - began) * 1000, 3)
        parts[str(_TOOLS)] = {"status": "down", "latency_ms": ms, "detail": str(error)}
        return {"ready": False, "parts": parts}
    return {"ready": not fault and bool(below["ready"]), "parts": parts | below["parts"]}
