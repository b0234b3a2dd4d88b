"""The actor tree as data: which roles there are, in which Ray actor they sit, and what happens when one dies."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aura_ia_mcp.bus.address import Address


@dataclass(frozen=True, slots=True)
class Role:
    """One kind of actor.

    Args:
        name: its role on the bus, as in `safety`.
        actor: `module:Class`; the class takes one `Boot`.
        privileged: runs messages that need a decision token, and so gets the key of its audience.
        mints: signs decision tokens, and so gets their root.
        sourced: is given the further tool sources.
    """

    name: str
    actor: str
    privileged: bool = False
    mints: bool = False
    sourced: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One Ray actor class of the tree, with the roles that share its process.

    Args:
        host: the Ray actor class in `hosts.py`; what the dashboard and the State API call it.
        layer: L0 to L6, or `Bus`.
        title: readable name, as in `Safety`.
        roles: in the order in which they start; they stop in the opposite one.
        replicated: whether settings may ask for more than one.
        gpu: takes a GPU where there is one.
        max_restarts: how often Ray starts it again; -1 is without end.
        patience_s: how long it may be away before that counts as a fault that is told to the user.
    """

    host: str
    layer: str
    title: str
    roles: tuple[Role, ...]
    replicated: bool = False
    gpu: bool = False
    max_restarts: int = -1
    patience_s: float = 10.0


_ACTORS = "aura_ia_mcp.actors"

TREE: tuple[Row, ...] = (
    Row("Directory", "Bus", "Directory", (Role("directory", f"{_ACTORS}.directory:Directory"),)),
    Row(
        "Records",
        "L0",
        "Records",
        (
            Role("telemetry", f"{_ACTORS}.telemetry:Telemetry"),
            Role("state", f"{_ACTORS}.state:State", privileged=True),
            Role("approvals", f"{_ACTORS}.approvals:Approvals", privileged=True),
            Role("audit", f"{_ACTORS}.audit:Audit", privileged=True),
        ),
    ),
    Row(
        "MLWorker",
        "L1",
        "ML worker",
        (Role("ml", f"{_ACTORS}.ml:MLWorker", privileged=True),),
        replicated=True,
        gpu=True,
        patience_s=20.0,
    ),
    Row("Language", "L1", "Language", (Role("language", f"{_ACTORS}.language:Language"),)),
    Row("RoleEngine", "L2", "Role engine", (Role("roles", f"{_ACTORS}.roles:RoleEngine", privileged=True),)),
    Row("Router", "L2", "Router", (Role("router", f"{_ACTORS}.router:Router"),)),
    Row("Workflow", "L3", "Workflow", (Role("workflow", f"{_ACTORS}.workflow:Workflow", privileged=True),)),
    Row("Reasoning", "L4", "Reasoning", (Role("reasoning", f"{_ACTORS}.reasoning:Reasoning", privileged=True),)),
    Row(
        "Tools",
        "L5",
        "Tools",
        (Role("tools", f"{_ACTORS}.tools:Tools", privileged=True, sourced=True),),
    ),
    Row("Safety", "L6", "Safety", (Role("safety", f"{_ACTORS}.safety:Safety", mints=True),), replicated=True),
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a Ray actor must live: a node's id, or a label that the node carries; neither means anywhere."""

    node_id: str = ""
    label: tuple[str, str] | None = None

    @classmethod
    def parse(cls, text: str) -> Place:
        """Read a setting: `key=value` is a label, anything else a node's id (hexadecimal)."""
        key, equals, value = text.partition("=")
        return cls(label=(key.strip(), value.strip())) if equals else cls(node_id=text.strip())


@dataclass(frozen=True, slots=True)
class Seat:
    """One Ray actor to be created.

    Args:
        name: its name in Ray, as in `L6 Safety 0`.
        row: what kind it is.
        replica: which one of its kind.
        place: where it must live.
        num_gpus: GPUs that Ray sets aside for it.
    """

    name: str
    row: Row
    replica: int = 0
    place: Place = field(default_factory=Place)
    num_gpus: float = 0.0

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Who answers there, in the order in which they start."""
        return tuple(Address(role.name, self.replica) for role in self.row.roles)


def plan(
    replicas: Mapping[str, int],
    placement: Mapping[str, str],
    *,
    gpus: float = 0.0,
    device: str = "auto",
    tree: tuple[Row, ...] = TREE,
) -> tuple[Seat, ...]:
    """The Ray actors that these settings ask for.

    Args:
        replicas: by role; 1 unless named.
        placement: a node's id or `label=value`, by role.
        gpus: how many the cluster has.
        device: `cpu` sets no GPU aside, `cuda` insists on one, `auto` takes one for each replica if there are enough.
        tree: the rows.

    Raises:
        ValueError: a role that doesn't exist, can't be replicated, or is placed apart from those it shares a process
            with.
    """
    _check_names(replicas, "cluster.replicas", tree)
    _check_names(placement, "cluster.placement", tree)
    seats = []
    for row in tree:
        count = _count(row, replicas)
        place = _place(row, placement)
        share = 1.0 if row.gpu and (device == "cuda" or (device == "auto" and gpus >= count)) else 0.0
        seats += [Seat(_name(row, replica), row, replica, place, share) for replica in range(count)]
    return tuple(seats)


def check_places(seats: Iterable[Seat], nodes: Mapping[str, Mapping[str, str]]) -> None:
    """Refuse placement that no node fulfils; Ray would wait for such a node without end.

    Args:
        seats: what is to be created.
        nodes: the labels of each living node, by its id.

    Raises:
        ValueError: names the seats, what they ask for, and the nodes that there are.
    """
    wrong = [
        f"{seat.name} asks for {place.node_id or '='.join(place.label or ())}"
        for seat in seats
        if (place := seat.place) != Place() and not any(_fulfils(place, *node) for node in nodes.items())
    ]
    if wrong:
        there = "; ".join(f"{node} {dict(labels)}" for node, labels in nodes.items())
        raise ValueError(f"cluster.placement: no node fits ({', '.join(wrong)}); the nodes are {there}")


def _fulfils(place: Place, node_id: str, labels: Mapping[str, str]) -> bool:
    if place.label is not None:
        return labels.get(place.label[0]) == place.label[1]
    return node_id == place.node_id


def _name(row: Row, replica: int) -> str:
    return f"{row.layer} {row.title} {replica}"


def _check_names(given: Mapping[str, Any], setting: str, tree: tuple[Row, ...]) -> None:
    known = [role.name for row in tree for role in row.roles]
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(known)}"
            raise ValueError(f"{setting} names the role {name!r}, which doesn't exist{hint}")


def _count(row: Row, replicas: Mapping[str, int]) -> int:
    wanted = {replicas[role.name] for role in row.roles if role.name in replicas} or {1}
    count = max(wanted)
    if min(wanted) < 1:
        raise ValueError(f"cluster.replicas: {row.title} needs at least one replica; set 1 or more")
    if count > 1 and not row.replicated:
        raise ValueError(
            f"cluster.replicas: there can be only one {row.title}, since it holds what must not be split; leave it out"
        )
    return count


def _place(row: Row, placement: Mapping[str, str]) -> Place:
    wanted = {placement[role.name] for role in row.roles if role.name in placement}
    if len(wanted) > 1:
        together = ", ".join(role.name for role in row.roles)
        raise ValueError(
            f"cluster.placement: {together} share one process and so one place, not {sorted(wanted)}; name one of them"
        )
    return Place.parse(wanted.pop()) if wanted else Place()
