"""Records as Safety writes them."""

from __future__ import annotations

from typing import Any

from .graph import Graph


def call(n: int = 0, ts: float = 1000.0, **more: Any) -> dict[str, Any]:
    """That of an `echo`, of which `more` differs."""
    return {
        "v": 1,
        "seq": n,
        "ts": ts,
        "writer": "safety-0",
        "prev": "",
        "kind": "call",
        "call": f"{n:016x}",
        "what": "tools/call",
        "name": "echo",
        "server": "gateway",
        "principal": {"id": "guest", "kind": "agent", "tenant": "local", "roles": []},
        "outcome": "ok",
        "ms": 1.5,
        "layers": [],
    } | more


def write(graph: Graph, n: int) -> None:
    """Records of one call that is refused and one that comes from Codex."""
    writer = graph.boot("safety").audit
    base = {k: v for k, v in call().items() if k not in ("v", "seq", "ts", "writer", "prev", "kind")}
    writer.append("call", base | {"outcome": "refused", "n": n})
    writer.append("call", base | {"client": {"name": "codex"}, "n": n})
