"""What Ray and the parts report of themselves, as tools show it."""

from __future__ import annotations

import time
from typing import Any

from aura_ia_mcp import __version__
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON, ReadStatus

from ..layers import layer_of
from ..sources import ToolCall
from .tool import Reach

CLUSTER = "cluster/0"
_INGRESS = "gateway"
SILENT_S = 10.0


async def get_system_status(arguments: JSON, call: ToolCall, reach: Reach) -> JSON:
    """Version, and every part with its Ray actor's state and its own figures."""
    del arguments
    parts = await _parts(call)
    cluster = parts.get(CLUSTER, {})
    return {
        "version": __version__,
        "uptime_s": round(max(0.0, time.time() - reach.boot.started_at), 1) if reach.boot.started_at else None,
        "actors": _actors(parts, cluster),
        "nodes": [_node(node) for node in cluster.get("nodes", ())],
        "resources": _resources(cluster),
        "safe_mode": switch.enabled if (switch := reach.safe_mode.known) else None,
        "sealing_fault": parts.get("audit/0", {}).get("sealing_fault"),
    }


async def get_cluster_status(arguments: JSON, call: ToolCall, reach: Reach) -> JSON:
    """What the composition root last heard from Ray."""
    del arguments, reach
    cluster = (await _parts(call)).get(CLUSTER)
    if cluster is None:
        raise AuraError(
            "unavailable",
            "the cluster process has not reported yet",
            recovery="Repeat the call in a few seconds; `aura status` tells when the graph is up.",
            retry_after_s=2.0,
        )
    placed = cluster.get("placement", {})
    by_node: dict[str, list[JSON]] = {}
    for row in _rows(cluster):
        by_node.setdefault(str(row.get("node") or "unknown"), []).append(
            {
                "name": str(row.get("name")),
                "class": str(row.get("class")),
                "layer": str(row.get("layer")),
                "state": str(row.get("state")),
                "restarts": int(row.get("restarts") or 0),
                "pid": row.get("pid"),
            }
        )
    return {
        "ray_address": cluster.get("ray_address"),
        "dashboard_url": cluster.get("dashboard_url"),
        "transport": cluster.get("transport"),
        "nodes": [_node(node) for node in cluster.get("nodes", ())],
        "resources": _resources(cluster),
        "actors_by_node": by_node,
        "placement": {
            "replicas": placed.get("replicas", {}),
            "placement": placed.get("placement", {}),
        },
        "age_s": cluster["age_s"],
    }


async def _parts(call: ToolCall) -> JSON:
    header = call.header.with_tokens({})
    reply = await call.context.bus.request("telemetry", ReadStatus(), header=header)
    parts: JSON = reply["parts"]
    return parts


def _actors(parts: JSON, cluster: JSON) -> list[JSON]:
    """One row per address: what Ray says of the actor it lives in, and what the part says of itself."""
    hosts = {address: row for row in _rows(cluster) for address in row.get("addresses") or {}}
    found = []
    for address in sorted((set(parts) | set(hosts)) - {CLUSTER}):
        host = hosts.get(address, {})
        figures: dict[str, Any] = (host.get("addresses") or {}).get(address, {}) | parts.get(address, {})
        age_s = figures.get("age_s")
        reporting = age_s is not None and age_s < SILENT_S
        role = address.partition("/")[0]
        found.append(
            {
                "name": address,
                "layer": "ingress" if role == _INGRESS else layer_of(role),
                "node": host.get("node") or figures.get("node"),
                "state": host.get("state") or ("reporting" if reporting else "silent"),
                "restarts": host.get("restarts"),
                "mailbox": figures.get("mailbox"),
                "p50_ms": figures.get("p50_ms"),
                "p99_ms": figures.get("p99_ms"),
            }
        )
    return found


def _rows(cluster: JSON) -> list[JSON]:
    rows: dict[str, JSON] = cluster.get("actors") or {}
    return [rows[name] for name in sorted(rows)]


def _node(node: JSON) -> JSON:
    return {
        "id": str(node.get("id")),
        "name": str(node.get("name")),
        "alive": bool(node.get("alive")),
        "resources": node.get("resources") or {},
    }


def _resources(cluster: JSON) -> JSON:
    found = cluster.get("resources") or {}
    total, available = found.get("total") or {}, found.get("available") or {}
    return {"total": total, "used": {name: round(total[name] - available.get(name, 0.0), 4) for name in total}}
