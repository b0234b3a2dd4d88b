"""What the children of a supervisor are given: secrets made for this life of the system, and their share of them."""

from __future__ import annotations

import importlib.metadata
import socket
from typing import TYPE_CHECKING

from aura_ia_mcp.bus.edges import KEYED
from aura_ia_mcp.bus.keys import EdgeKeys, audience_key, derive, new_root
from aura_ia_mcp.configs.paths import Paths
from aura_ia_mcp.configs.settings import Settings
from aura_ia_mcp.stores.keys import load_or_create

from .security_record import WRITER
from .spec import DirectoryPlace, GatewaySpec, GraphSpec, Roots, bus_sockets

if TYPE_CHECKING:
    from .tls import Authority


def provision(
    settings: Settings, paths: Paths, sources: tuple[str, ...], origins: dict[str, str], started_at: float
) -> tuple[GraphSpec, GatewaySpec]:
    """What the graph's process and the gateway's are told.

    Raises:
        OSError, KeyFileError: the audit key can't be read or made.
    """
    authority = _authority() if settings.cluster.address != "local" else None
    roots = Roots(
        new_root(),
        new_root(),
        load_or_create(paths.audit_key),
        authority.save() if authority else None,
    )
    node = socket.gethostname()
    graph = GraphSpec(settings, roots, node, sources, started_at, origins)
    gateway = GatewaySpec(
        settings,
        EdgeKeys.of("gateway", roots.bus, KEYED),
        node,
        DirectoryPlace(node, f"unix:{bus_sockets(paths) / 'directory-0.sock'}"),
        version_info(),
        derive(roots.audit_key, f"audit-writer:{WRITER}"),
        audience_key(roots.decision, "gateway"),
        authority.issue("gateway") if authority else None,
    )
    return graph, gateway


def _authority() -> Authority:
    from .tls import Authority  # noqa: PLC0415 - memory that a system on one node need not spend

    return Authority()


def version_info() -> str:
    """The installed system's version; "0" when it runs uninstalled."""
    try:
        return importlib.metadata.version("aura-ia-mcp")
    except importlib.metadata.PackageNotFoundError:
        return "0"
