"""Health and status."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from aura_ia_mcp.bus.messages import JSON, ReadActivity
from aura_ia_mcp.configs.settings import Settings

from ..activity import DAY_S
from ..sources import ToolCall
from .cluster import get_cluster_status, get_system_status
from .health import check_health
from .models import STATES, get_model_status
from .tool import Reach, Tool, array, define, integer, maybe, number, obj, table, text

CATEGORY = "status"
MOST_ECHO_CHARS = 100_000
_tool = partial(define, category=CATEGORY)


def tools(settings: Settings) -> Sequence[Tool]:
    """The tools of this category."""
    del settings
    return _TOOLS


async def echo(arguments: JSON, call: ToolCall, reach: Reach) -> JSON:
    """Return the text."""
    del call, reach
    return {"text": arguments["text"]}


async def get_activity_stats(arguments: JSON, call: ToolCall, reach: Reach) -> JSON:
    """Ask Audit, and hide others' names from those who may not read the logs."""
    header = replace(call.header, tokens={})
    window_s = int(arguments.get("window_s", 3600))
    stats = await call.context.bus.request("audit", ReadActivity(window_s), header=header)
    if "read_logs" not in await reach.held(call):
        found = stats["by_principal"]
        stats["by_principal"] = {name: found[name] for name in (call.principal.name,) if name in found}
    return stats


_HEALTH = obj(
    {
        "status": text("ok or degraded.", enum=["ok", "degraded"]),
        "checks": table(
            obj(
                {
                    "status": text("How it is.", enum=["ok", "off", "degraded", "down"]),
                    "latency_ms": maybe(number("Milliseconds to its answer; null for parts known by their reports.")),
                    "detail": text("What was seen."),
                }
            ),
            "By part.",
        ),
    }
)
_NODES = array(
    obj(
        {
            "id": text("Ray's id of the node."),
            "name": text("Its name or address."),
            "alive": {"type": "boolean"},
            "resources": table({"type": "number"}, "What it has."),
        }
    ),
    "Nodes of the cluster.",
)
_RESOURCES = obj(
    {"total": table({"type": "number"}), "used": table({"type": "number"})}, description="Of the whole cluster."
)
_ACTOR = obj(
    {
        "name": text("Its address, role/replica."),
        "layer": text("L0 to L6, or ingress."),
        "node": maybe(text("Where it runs.")),
        "state": text("What Ray says (ALIVE, RESTARTING, ...), or reporting or silent where Ray says nothing."),
        "restarts": maybe(integer("How often it was started again.")),
        "mailbox": maybe(integer("Messages under way.")),
        "p50_ms": maybe(number("Median time of its newest 512 messages.")),
        "p99_ms": maybe(number("99th percentile of them.")),
    }
)
_SYSTEM = obj(
    {
        "version": text("Of Aura IA MCP."),
        "uptime_s": maybe(number("Seconds since the system started.")),
        "actors": array(_ACTOR),
        "nodes": _NODES,
        "resources": _RESOURCES,
        "safe_mode": {
            "type": ["boolean", "null"],
            "description": "Whether only reading is allowed; null while State hasn't told.",
        },
        "sealing_fault": maybe(text("Why the record isn't sealed, and what to do; empty while it is.")),
    }
)
_LOADING = {
    "stage": text("What is being loaded, or was last."),
    "progress": number("Part of the loading that is done.", minimum=0, maximum=1),
    "detail": text("What keeps it from answering, with the remedy."),
}
_MODELS = obj(
    {
        "models": array(
            obj(
                {
                    "name": text("The model."),
                    "kind": text("embedding or emotion."),
                    "device": maybe(text("Where it runs; null before it is loaded.")),
                    "loaded": {"type": "boolean"},
                    "revision": maybe(text("Which release.")),
                    "sha256": maybe(text("Of its weights.")),
                    "batch": integer("Most texts in one batch."),
                    "requests": integer("Calls since the worker started."),
                    "p50_ms": maybe(number("Median time of the newest 512 calls.")),
                    "parameters": maybe(integer("How many numbers it learnt.")),
                    "quality": {"type": ["object", "null"], "description": "Measured figures, where there are any."},
                    "error": maybe(text("What keeps it from serving.")),
                    "worker": text("Which ML worker has it."),
                }
            )
        ),
        "workers": array(
            obj(
                {"name": text("Its address, role/replica."), "state": text("How it is.", enum=[*STATES, "silent"])}
                | _LOADING
            ),
            "All ML workers, silent ones too.",
        ),
        "state": text("Of the worker that is furthest.", enum=list(STATES)),
        **_LOADING,
    }
)
_WINDOW = integer("Seconds to look back, in whole minutes.", minimum=1, maximum=DAY_S, default=3600)
_COUNTS = {
    "requests": integer("Calls and reads."),
    "errors": integer("Of them, failed."),
    "denials": integer("Of them, refused."),
}
_ACTIVITY = obj(
    {
        "window_s": integer("Seconds looked back."),
        **_COUNTS,
        "sessions": integer("Sessions that asked for something."),
        "by_tool": table(obj(_COUNTS)),
        "by_principal": table(obj(_COUNTS), "By tenant/id."),
    }
)
_CLUSTER = obj(
    {
        "ray_address": maybe(text("Where Ray answers.")),
        "dashboard_url": maybe(text("Ray's dashboard.")),
        "transport": maybe(text("What carries messages between actors: socket or ray.")),
        "nodes": _NODES,
        "resources": _RESOURCES,
        "actors_by_node": table(
            array(
                obj(
                    {
                        "name": text("Its name in Ray."),
                        "class": text("Its class in Ray."),
                        "layer": text("What it serves."),
                        "state": text("What Ray says."),
                        "restarts": integer("How often it was started again."),
                        "pid": maybe(integer("Its process.")),
                    }
                )
            )
        ),
        "placement": obj(
            {"replicas": table({"type": "integer"}), "placement": table({"type": "string"})},
            description="What the settings ask for.",
        ),
        "age_s": number("Seconds since this was reported."),
    }
)
_TOOLS = (
    _tool(
        echo,
        "Echo",
        "Returns the given text. The cheapest governed call: try a connection, or measure one.",
        obj({"text": text("What to return.", MOST_ECHO_CHARS)}),
        obj({"text": text("The same text.")}),
    ),
    _tool(
        check_health,
        "Check health",
        "Probes every part of the system now: whether it answers, and how quickly. `off` is a part that the"
        " settings switch off.",
        obj(),
        _HEALTH,
    ),
    _tool(
        get_system_status,
        "System status",
        "Version, uptime, nodes, resources, and each part with its state, restarts, mailbox depth and times.",
        obj(),
        _SYSTEM,
    ),
    _tool(
        get_model_status,
        "Model status",
        "The models of each ML worker: whether they are loaded and where, their revision and hash, the measured"
        " quality, and how much they did.",
        obj(),
        _MODELS,
    ),
    _tool(
        get_activity_stats,
        "Activity",
        "How many requests, errors and denials there were, by tool and by principal. Without the capability"
        " read_logs, of the principals only your own is shown.",
        obj({"window_s": _WINDOW}, required=()),
        _ACTIVITY,
    ),
    _tool(
        get_cluster_status,
        "Cluster status",
        "What Ray says: nodes, resources, which actor lives where, and the dashboard's URL.",
        obj(),
        _CLUSTER,
    ),
)
