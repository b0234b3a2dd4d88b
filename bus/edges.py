"""Who may ask whom: the allowed edges, as data, checked acyclic at start.

An actor asks only its own layer or below. The keys that peers need to talk are derived per edge, so that an edge
that isn't declared here has no key and can't be opened. The re-entry port of the ingress is no edge upwards: on it the
gateway answers `Reenter` alone, which makes a new request under a grant of Safety's.
"""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

LAYERS: dict[str, int] = {
    "cluster": 8,  # the composition root: watches, and reports what Ray says
    "gateway": 7,  # ingress
    "safety": 6,
    "tools": 5,
    "reasoning": 4,
    "workflow": 3,
    "router": 2,
    "roles": 2,
    "language": 1,
    "ml": 1,
    "approvals": 0,
    "state": 0,
    "audit": 0,
    "telemetry": 0,
    "directory": -1,  # asked by all, asks nobody
}

_EVERYONE_ASKS = ("directory", "telemetry")

EDGES: frozenset[tuple[str, str]] = frozenset(
    {
        ("cluster", "safety"),
        ("gateway", "safety"),
        ("gateway", "state"),
        ("safety", "tools"),
        ("safety", "roles"),
        ("safety", "state"),
        ("safety", "approvals"),
        ("safety", "ml"),
        ("tools", "reasoning"),
        ("tools", "roles"),
        ("tools", "ml"),
        ("tools", "audit"),
        ("tools", "state"),
        ("tools", "approvals"),
        ("reasoning", "workflow"),
        ("reasoning", "router"),
        ("reasoning", "roles"),
        ("reasoning", "language"),
        ("router", "ml"),
        ("roles", "ml"),
        ("roles", "state"),
    }
    | {(role, asked) for role in LAYERS for asked in _EVERYONE_ASKS if LAYERS[role] > LAYERS[asked]}
    | {("audit", "telemetry"), ("state", "telemetry"), ("approvals", "telemetry")}
)

# Not a way to ask: a step that an actor causes begins as a new request at the ingress, and passes every layer anew.
REENTRY: frozenset[tuple[str, str]] = frozenset({("workflow", "gateway")})

KEYED = EDGES | REENTRY


def check(edges: frozenset[tuple[str, str]], layers: dict[str, int]) -> None:
    """Refuse a graph that could call upwards or in a circle.

    Raises:
        ValueError: names the edge that goes up, the role without a layer, or the circle.
    """
    for source, target in sorted(edges):
        for role in (source, target):
            if role not in layers:
                raise ValueError(f"edge {source} -> {target}: {role} has no layer")
        if layers[source] < layers[target]:
            raise ValueError(f"edge {source} -> {target} goes up from layer {layers[source]} to {layers[target]}")
    graph: dict[str, set[str]] = {}
    for source, target in edges:
        graph.setdefault(source, set()).add(target)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        raise ValueError(f"the edges go in a circle: {' -> '.join(error.args[1])}") from error
