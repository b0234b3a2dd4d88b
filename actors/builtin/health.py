"""Probes of the parts: is each there, and how quickly does it answer."""

from __future__ import annotations

import asyncio

from aura_ia_mcp.bus.address import Address
from aura_ia_mcp.bus.messages import JSON, Message, Ping, ReadModels, ReadStatus

from ..readiness import part, reached
from ..replicas import addresses
from ..sources import ToolCall
from .cluster import SILENT_S
from .tool import Reach

PROBE_S = 1.0
_PINGED = ("state", "audit", "approvals")
_HEARD = ("safety", "gateway", "cluster", "directory")
_WORST = ("ok", "off", "degraded", "down")


async def check_health(arguments: JSON, call: ToolCall, reach: Reach) -> JSON:
    """Probe every part at once: those that this actor may ask are asked, the others are known by their reports."""
    del arguments
    workers, pinged = addresses(reach.boot.settings, "ml"), [Address(role) for role in _PINGED]
    names = map(str, (*workers, *pinged))
    asked = await asyncio.gather(
        *(_models(call, worker) for worker in workers),
        *(_probe(call, address, Ping()) for address in pinged),
        _probe(call, Address("telemetry"), ReadStatus()),
    )
    checks: JSON = {"tools/0": part("ok", 0.0, "answers this call")}
    checks |= {name: check for name, (check, _) in zip(names, asked, strict=False)}
    telemetry, board = asked[-1]
    checks["telemetry/0"] = telemetry
    checks |= _reported(board.get("parts", {}))
    worst = max((check["status"] for check in checks.values()), key=_WORST.index)
    overall = "ok" if worst == "off" else "degraded" if worst == "down" else worst
    return {"status": overall, "checks": dict(sorted(checks.items()))}


async def _probe(call: ToolCall, target: Address, message: Message) -> tuple[JSON, JSON]:
    return await reached(call.context.bus, target, message, call.header, PROBE_S)


async def _models(call: ToolCall, worker: Address) -> tuple[JSON, JSON]:
    check, reply = await _probe(call, worker, ReadModels())
    if reply:
        state = reply["state"]
        if state == "loading":
            check |= {"status": "degraded", "detail": f"loading: {reply['stage']}, {reply['progress']:.0%} done"}
        elif state == "off":
            check |= {"status": "off", "detail": "the models are switched off (ml.load is never)"}
        elif state == "failed":
            check |= {"status": "degraded", "detail": reply["detail"]}
        else:
            check["detail"] = "the models are loaded"
    return check, reply


def _reported(parts: JSON) -> JSON:
    """Parts that only report: how old is their newest report? One that never reported isn't claimed to be anything."""
    found: JSON = {}
    for source, figures in parts.items():
        if source.partition("/")[0] in _HEARD:
            age_s = figures["age_s"]
            status = "ok" if age_s < SILENT_S else "down"
            found[source] = part(status, None, f"reported {age_s:.1f} s ago")
        if fault := figures.get("sealing_fault"):
            found[source] = part("degraded", None, f"the record isn't sealed: {fault}")
    return found
