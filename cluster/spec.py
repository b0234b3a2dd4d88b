"""What the supervisor tells its children, as one line of JSON on their standard input: never in argv or environment.

The child keeps its standard input open: when that ends, its supervisor is gone and so is its reason to run.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from aura_ia_mcp.bus.messages import JSON
from aura_ia_mcp.configs.paths import Paths
from aura_ia_mcp.configs.settings import Settings

from .assignment import DirectoryPlace, Roots

_RAY_SESSION_BYTES = 71  # "/session_<date>_<time>_<µs>_<pid>/sockets/dash_MetricsHead", the longest that Ray makes
_MOST_SOCKET_BYTES = 107


@dataclass(frozen=True)
class Spec:
    """A child's settings, secrets and surroundings.

    Args:
        settings: all settings, with absolute paths.
        roots: the system's secrets.
        sources: `module:callable` of further tool sources.
        started_at: Unix seconds at which the system started.
        node: name of this machine on the bus.
        directory: where the Directory answers; None for the graph, which decides that.
    """

    settings: Settings
    roots: Roots = field(repr=False)
    sources: tuple[str, ...] = ()
    started_at: float = 0.0
    node: str = "local"
    directory: DirectoryPlace | None = None

    def to_json(self) -> str:
        """One line, secrets included."""
        data: JSON = {
            "settings": self.settings.model_dump(mode="json"),
            "roots": {name: getattr(self.roots, name).hex() for name in ("bus", "decision", "audit_key")},
            "sources": list(self.sources),
            "started_at": self.started_at,
            "node": self.node,
        }
        if self.directory is not None:
            data["directory"] = {"node": self.directory.node, "uris": self.directory.uris}
        return json.dumps(data)

    @classmethod
    def from_json(cls, line: str) -> Self:
        """Read `to_json`'s form.

        Raises:
            ValueError: it isn't.
        """
        data: dict[str, Any] = json.loads(line)
        directory = data.get("directory")
        return cls(
            settings=Settings.model_validate(data["settings"]),
            roots=Roots(**{name: bytes.fromhex(value) for name, value in data["roots"].items()}),
            sources=tuple(data["sources"]),
            started_at=float(data["started_at"]),
            node=str(data["node"]),
            directory=DirectoryPlace(**directory) if directory else None,
        )


def absolute(settings: Settings) -> Settings:
    """The same settings with paths that mean the same from every folder."""
    system = settings.system.model_copy(
        update={"state_dir": settings.system.state_dir.resolve(), "log_dir": settings.system.log_dir.resolve()}
    )
    ml = settings.ml
    if ml.encoder_path is not None:
        ml = ml.model_copy(update={"encoder_path": ml.encoder_path.resolve()})
    return settings.model_copy(update={"system": system, "ml": ml})


def bus_sockets(paths: Paths) -> Path:
    """The folder of the bus' unix sockets; mode 0700."""
    return paths.run / "bus"


def ray_folder(paths: Paths) -> Path:
    """Ray's own folder for sessions: in the state folder, or in a short one where Ray's socket names need that."""
    usual = paths.state / "ray"
    fits = len(os.fsencode(usual)) + _RAY_SESSION_BYTES <= _MOST_SOCKET_BYTES
    return usual if fits else paths.short / "ray"
