"""What the supervisor tells its children, as one line of JSON on their standard input: never in argv or environment.

The child keeps its standard input open: when that ends, its supervisor is gone and so is its reason to run.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from pydantic import SecretStr

from aura_ia_mcp.bus.keys import EdgeKeys
from aura_ia_mcp.configs.paths import Paths
from aura_ia_mcp.configs.settings import Settings

_RAY_SESSION_BYTES = 71  # "/session_<date>_<time>_<µs>_<pid>/sockets/dash_MetricsHead", the longest that Ray makes
_MOST_SOCKET_BYTES = 107
_ROOTS = ("bus", "decision", "audit_key")
_WITHHELD = SecretStr("withheld")


@dataclass(frozen=True)
class DirectoryPlace:
    """Where the Directory answers; known before anything else, since all others are found through it.

    Args:
        node: name of its node.
        uris: space-separated; the unix socket serves its own node, TLS the others.
    """

    node: str
    uris: str


@dataclass(frozen=True)
class Roots:
    """The secrets of one system, made once by its supervisor, so that a rebuilt graph and the gateway still agree.

    Args:
        bus: edge keys come from it.
        decision: decision tokens' keys come from it.
        audit_key: of the audit records' digests; the same over restarts.
        authority: the cluster's certificate authority, for TLS between nodes; None on one node.
    """

    bus: bytes = field(repr=False)
    decision: bytes = field(repr=False)
    audit_key: bytes = field(repr=False)
    authority: Certificate | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Certificate:
    """What one process needs to speak TLS with the others; all PEM.

    Args:
        ca: the authority's certificate.
        own: this process's certificate, signed by it.
        key: the private key of that.
    """

    ca: str
    own: str
    key: str = field(repr=False)


@dataclass(frozen=True)
class GraphSpec:
    """What the graph's process is told.

    Args:
        settings: all settings, with absolute paths.
        roots: the system's secrets.
        node: name of this machine on the bus.
        sources: `module:callable` of further tool sources.
        started_at: Unix seconds at which the system started.
        origins: for each key of the settings where its value comes from; may be empty.
    """

    settings: Settings
    roots: Roots = field(repr=False)
    node: str
    sources: tuple[str, ...] = ()
    started_at: float = 0.0
    origins: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        """One line, secrets included."""
        return json.dumps(
            {
                "settings": self.settings.model_dump(mode="json"),
                "roots": {name: getattr(self.roots, name).hex() for name in _ROOTS},
                "authority": _certificate_json(self.roots.authority),
                "node": self.node,
                "sources": list(self.sources),
                "started_at": self.started_at,
                "origins": self.origins,
            }
        )

    @classmethod
    def from_json(cls, line: str) -> Self:
        """Read `to_json`'s form."""
        data: dict[str, Any] = json.loads(line)
        return cls(
            settings=Settings.model_validate(data["settings"]),
            roots=Roots(
                bus=bytes.fromhex(data["roots"]["bus"]),
                decision=bytes.fromhex(data["roots"]["decision"]),
                audit_key=bytes.fromhex(data["roots"]["audit_key"]),
                authority=_certificate(data["authority"]),
            ),
            node=str(data["node"]),
            sources=tuple(data["sources"]),
            started_at=float(data["started_at"]),
            origins=dict(data["origins"]),
        )


@dataclass(frozen=True)
class GatewaySpec:
    """What a gateway's process is told; of the secrets, only the keys of its own edges: not where the database is.

    Args:
        settings: all settings, with absolute paths.
        keys: of the gateway's edges.
        node: name of this machine on the bus.
        directory: where the Directory answers.
        version: the system's.
        audit_key: of the digests in its own audit records; derived from the audit key, which it doesn't hold.
        grant_key: checks Safety's grants of re-entry.
        certificate: for TLS between nodes; None keeps to unix sockets.
    """

    settings: Settings
    keys: EdgeKeys = field(repr=False)
    node: str
    directory: DirectoryPlace
    version: str
    audit_key: bytes = field(repr=False)
    grant_key: bytes = field(repr=False)
    certificate: Certificate | None = None

    def to_json(self) -> str:
        """One line, secrets included."""
        keys = [[caller, callee, key.hex()] for (caller, callee), key in self.keys.by_edge.items()]
        return json.dumps(
            {
                "settings": without_database(self.settings).model_dump(mode="json"),
                "role": self.keys.role,
                "keys": keys,
                "node": self.node,
                "directory": {"node": self.directory.node, "uris": self.directory.uris},
                "version": self.version,
                "audit_key": self.audit_key.hex(),
                "grant_key": self.grant_key.hex(),
                "certificate": _certificate_json(self.certificate),
            }
        )

    @classmethod
    def from_json(cls, line: str) -> Self:
        """Read `to_json`'s form."""
        data: dict[str, Any] = json.loads(line)
        return cls(
            settings=Settings.model_validate(data["settings"]),
            keys=EdgeKeys(data["role"], {(caller, callee): bytes.fromhex(key) for caller, callee, key in data["keys"]}),
            node=str(data["node"]),
            directory=DirectoryPlace(**data["directory"]),
            version=str(data["version"]),
            audit_key=bytes.fromhex(data["audit_key"]),
            grant_key=bytes.fromhex(data["grant_key"]),
            certificate=_certificate(data["certificate"]),
        )


def _certificate_json(certificate: Certificate | None) -> dict[str, str] | None:
    return {"ca": certificate.ca, "own": certificate.own, "key": certificate.key} if certificate else None


def _certificate(data: dict[str, str] | None) -> Certificate | None:
    return Certificate(**data) if data else None


def without_database(settings: Settings) -> Settings:
    """The settings for a process that doesn't open the database: whether `database.url` is set, and not to what."""
    if settings.database.url is None:
        return settings
    return settings.model_copy(update={"database": settings.database.model_copy(update={"url": _WITHHELD})})


def absolute(settings: Settings) -> Settings:
    """The same settings with paths that mean the same from every folder."""
    system = settings.system.model_copy(
        update={"state_dir": settings.system.state_dir.resolve(), "log_dir": settings.system.log_dir.resolve()}
    )
    safety = settings.safety.model_copy(
        update={
            "policy_file": _rules(settings.safety.policy_file, settings.safety.rules_folder / "policy.yaml"),
            "roles_file": _rules(settings.safety.roles_file, settings.safety.rules_folder / "roles.yaml"),
            "rules_folder": settings.safety.rules_folder.resolve(),
        }
    )
    commands = settings.commands.model_copy(update={"roots": tuple(root.resolve() for root in settings.commands.roots)})
    ml = settings.ml
    if ml.encoder_path is not None:
        ml = ml.model_copy(update={"encoder_path": ml.encoder_path.resolve()})
    return settings.model_copy(update={"system": system, "safety": safety, "commands": commands, "ml": ml})


def _rules(path: Path | None, usual: Path) -> Path | None:
    """The file with the rules that these settings mean now; None is the shipped one."""
    if path is not None:
        return path.resolve()
    return usual.resolve() if usual.is_file() else None


def bus_sockets(paths: Paths) -> Path:
    """The folder of the bus' unix sockets; mode 0700."""
    return paths.run / "bus"


def ray_folder(paths: Paths) -> Path:
    """Ray's own folder for sessions: in the state folder, or in a short one where Ray's socket names need that."""
    usual = paths.state / "ray"
    fits = len(os.fsencode(usual)) + _RAY_SESSION_BYTES <= _MOST_SOCKET_BYTES
    return usual if fits else paths.short / "ray"
