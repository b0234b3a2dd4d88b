"""What an actor is given when it is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aura_ia_mcp.bus.address import Address
from aura_ia_mcp.configs.paths import Paths
from aura_ia_mcp.configs.settings import Settings

if TYPE_CHECKING:
    from aura_ia_mcp.stores.audit import AuditWriter

    from .sources import ToolSource


@dataclass(frozen=True)
class Boot:
    """Settings, identity and keys of one actor; every actor class takes exactly this.

    Args:
        address: who it is.
        settings: all settings.
        paths: where things lie.
        audit: this process's own chain of audit records.
        audience_key: checks decision tokens for the actor's role; None where it runs nothing privileged.
        decision_root: mints decision tokens; given to Safety alone.
        sources: makes further tool sources; given to Tools alone.
        started_at: Unix seconds at which the system (not the actor) started.
        origins: for each key of the settings (`safety.rate_limit`) where its value comes from; may be empty.
    """

    address: Address
    settings: Settings
    paths: Paths
    audit: AuditWriter
    audience_key: bytes | None = field(default=None, repr=False)
    decision_root: bytes | None = field(default=None, repr=False)
    sources: tuple[Callable[[], ToolSource], ...] = ()
    started_at: float = 0.0
    origins: dict[str, str] = field(default_factory=dict)
