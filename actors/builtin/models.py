"""What the ML workers say of their models."""

from __future__ import annotations

import asyncio

from aura_ia_mcp.bus.address import Address
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON, ReadModels

from ..replicas import addresses
from ..sources import ToolCall
from .tool import Reach

STATES = ("off", "failed", "loading", "ready")  # the further, the better
_STATE_MEMBERS = ("state", "stage", "progress", "detail")
_MODEL_MEMBERS = (
    "name",
    "kind",
    "device",
    "loaded",
    "revision",
    "sha256",
    "batch",
    "requests",
    "p50_ms",
    "parameters",
    "quality",
    "error",
)
_ASK_S = 3.0


async def get_model_status(arguments: JSON, call: ToolCall, reach: Reach) -> JSON:
    """Ask every ML worker; the state of the one that is furthest stands for all, for it takes the calls."""
    del arguments
    asked = await ask_models(call, reach)
    replies = [reply for reply in asked.values() if isinstance(reply, dict)]
    if not replies:
        error = next(reply for reply in asked.values() if isinstance(reply, AuraError))
        if error.code not in ("not_delivered", "stale_epoch"):
            raise error
        raise AuraError(
            "unavailable",
            "the ML worker doesn't answer",
            recovery="It is restarted by itself; repeat the call in a few seconds.",
            retry_after_s=2.0,
        ) from error
    models: list[JSON] = []
    rows: list[JSON] = []
    for worker, reply in asked.items():
        if isinstance(reply, AuraError):
            rows.append({"name": worker, "state": "silent", "stage": "", "progress": 0.0, "detail": str(reply)})
            continue
        rows.append({"name": worker} | {name: reply[name] for name in _STATE_MEMBERS})
        models += [_shown(card) | {"worker": worker} for card in reply["models"]]
    best = max(replies, key=lambda reply: (STATES.index(reply["state"]), reply["progress"]))
    return {"models": models, "workers": rows} | {name: best[name] for name in _STATE_MEMBERS}


def _shown(card: JSON) -> JSON:
    """Of its quality, the figures alone: with its tables, each look would be a long text, inspected as one."""
    shown = {name: card.get(name) for name in _MODEL_MEMBERS}
    if (quality := shown["quality"]) is not None:
        shown["quality"] = {name: figure for name, figure in quality.items() if isinstance(figure, int | float)}
    return shown


async def ask_models(call: ToolCall, reach: Reach) -> dict[str, JSON | AuraError]:
    """What each ML worker answers, by address, or the error instead; one that is silent takes 3 s at most."""

    async def ask(worker: Address) -> JSON | AuraError:
        header = call.header.within(_ASK_S).with_tokens({})
        try:
            return await call.context.bus.request(worker, ReadModels(), header=header, patience_s=0.0)
        except AuraError as error:
            return error

    workers = addresses(reach.boot.settings, "ml")
    return dict(zip(map(str, workers), await asyncio.gather(*map(ask, workers)), strict=True))
