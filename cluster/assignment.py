"""What a Ray actor of the tree is given: who it is, which keys it holds, and where the Directory answers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from aura_ia_mcp.bus.address import Address
from aura_ia_mcp.bus.edges import KEYED
from aura_ia_mcp.bus.keys import EdgeKeys, audience_key
from aura_ia_mcp.configs.settings import Settings

from .spec import Certificate, DirectoryPlace, Roots, without_database
from .tls import Authority
from .tree import Role, Seat

_OPEN_DATABASE = ("telemetry", "state", "approvals")


@dataclass(frozen=True)
class Duty:
    """One role in a seat, with the keys that this role alone needs.

    Args:
        address: who it is on the bus.
        role: the row of the tree.
        keys: its edge keys.
        audience_key: checks decision tokens; None where nothing privileged runs.
        decision_root: mints them; None but for Safety.
        sources: `module:callable` of further tool sources; empty but for Tools.
    """

    address: Address
    role: Role
    keys: EdgeKeys
    audience_key: bytes | None = field(default=None, repr=False)
    decision_root: bytes | None = field(default=None, repr=False)
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class Assignment:
    """All that one Ray actor needs; pickled into its constructor, so that it comes back whole after a restart.

    Args:
        name: as in `L6 Safety 0`; also the name of its chain of audit records.
        duties: in the order in which they start.
        settings: all settings, with absolute paths; `database.url` is in it only where the database is opened.
        sockets: folder of the bus' unix sockets.
        directory: where the Directory answers.
        head: (Ray node id, name) of the node on which the system was started.
        audit_key: keys the digests in audit records.
        certificate: for TLS between nodes; None keeps to unix sockets.
        started_at: Unix seconds at which the system started.
        patience_s: how long it waits for the Directory before it counts that as a fault.
        origins: for each key of the settings where its value comes from; may be empty.
    """

    name: str
    duties: tuple[Duty, ...]
    settings: Settings
    sockets: str
    directory: DirectoryPlace
    head: tuple[str, str]
    audit_key: bytes = field(repr=False)
    certificate: Certificate | None = None
    started_at: float = 0.0
    patience_s: float = 30.0
    origins: dict[str, str] = field(default_factory=dict)

    @property
    def writer(self) -> str:
        """Name of this process's chain of audit records, as in `safety-0`."""
        duty = self.duties[0]
        first = "records" if len(self.duties) > 1 else duty.address.role
        return f"{first}-{duty.address.replica}"


def assign(
    seat: Seat,
    base: Assignment,
    roots: Roots,
    sources: Iterable[str],
    authority: Authority | None,
) -> Assignment:
    """The assignment of one seat: `base` with what concerns this seat."""
    opens_database = any(role.name in _OPEN_DATABASE for role in seat.row.roles)
    return replace(
        base,
        name=seat.name,
        settings=base.settings if opens_database else without_database(base.settings),
        duties=tuple(
            Duty(
                address=Address(role.name, seat.replica),
                role=role,
                keys=EdgeKeys.of(role.name, roots.bus, KEYED),
                audience_key=audience_key(roots.decision, role.name) if role.privileged else None,
                decision_root=roots.decision if role.mints else None,
                sources=tuple(sources) if role.sourced else (),
            )
            for role in seat.row.roles
        ),
        certificate=authority.issue(seat.name) if authority else None,
    )
