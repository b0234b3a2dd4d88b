"""Roles and what they grant: the typed form of `configs/roles.yaml`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from importlib.resources import files
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]

CAPABILITIES: Mapping[str, str] = {
    "status": "health, status, documentation, lists, echo",
    "infer": "AI and ML tools, language models",
    "query": "search in the knowledge base",
    "upsert_memory": "add to and delete from the knowledge base",
    "orchestrate": "workflows, debates, plans with steps; each step needs its own",
    "read_logs": "logs, traces, metrics, alerts, audit records",
    "codex": "Codex sessions",
    "execute_scripts": "sandboxed plugins",
    "operate": "approvals, safe mode, commands, model pulls: for humans and operators",
}


class RolesError(ValueError):
    """The role table can't be used; the message says where and why."""


class Role(BaseModel):
    """One role.

    A role grants its own capabilities and those of the roles that it includes; never the other way round.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    description: str = ""
    trust: int = Field(0, ge=0, le=100, description="How far decisions may rely on it; 100 is an operator.")
    kinds: tuple[str, ...] = Field(("agent", "human", "service"), description="Kinds of principal that may hold it.")
    includes: tuple[Name, ...] = ()
    grants: tuple[Name, ...] = ()


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = Field(ge=1, le=1)
    roles: dict[Name, Role]


class Roles:
    """The role table: which capabilities a principal has.

    Args:
        roles: by name.
        version: hash of the text that they were read from; it names the policy in records.

    Raises:
        RolesError: an unknown capability or included role, or roles that include each other in a circle.
    """

    def __init__(self, roles: Mapping[str, Role], version: str) -> None:
        self.by_name = dict(roles)
        self.version = version
        self._granted = self._flatten()
        self._of: dict[tuple[str, tuple[str, ...]], frozenset[str]] = {}

    def capabilities(self, roles: Iterable[str], kind: str) -> frozenset[str]:
        """What these roles grant together to a principal of this kind.

        A role that isn't known, or that this kind may not hold, grants nothing.
        """
        key = (kind, tuple(roles))
        found = self._of.get(key)
        if found is None:
            found = frozenset().union(
                *(self._granted[name] for name in key[1] if name in self.by_name and kind in self.by_name[name].kinds)
            )
            if len(self._of) < 1000:  # noqa: PLR2004 - a bound; combinations beyond it are computed each time
                self._of[key] = found
        return found

    def _flatten(self) -> dict[str, frozenset[str]]:
        for name, role in self.by_name.items():
            for capability in role.grants:
                if capability not in CAPABILITIES:
                    raise RolesError(f"role {name} grants {capability}, which isn't one of {', '.join(CAPABILITIES)}")
            for included in role.includes:
                if included not in self.by_name:
                    raise RolesError(f"role {name} includes {included}, which isn't defined")
        try:
            order = list(TopologicalSorter({n: r.includes for n, r in self.by_name.items()}).static_order())
        except CycleError as error:
            raise RolesError(f"roles include each other in a circle: {' -> '.join(error.args[1])}") from error
        granted: dict[str, frozenset[str]] = {}
        for name in order:
            role = self.by_name[name]
            granted[name] = frozenset(role.grants).union(*(granted[included] for included in role.includes))
        return granted


def parse(text: str, origin: str = "roles.yaml") -> Roles:
    """Read a role table.

    Raises:
        RolesError: says what is wrong and where.
    """
    try:
        table = _File.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise RolesError(f"{origin}: not YAML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise RolesError(f"{origin}: {where}: {first['msg']}") from error
    return Roles(table.roles, hashlib.sha256(text.encode()).hexdigest()[:16])


def shipped() -> Roles:
    """The role table that comes with the system."""
    return parse((files("aura_ia_mcp.configs") / "roles.yaml").read_text("utf-8"))
