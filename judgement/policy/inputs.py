"""What a policy decides on: everything that goes into a verdict, and nothing else does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..finding import Finding

LEVELS = ("low", "medium", "high", "critical", "denied")
"""Risk levels, rising."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is asked for: a tool, or likewise a resource or a prompt. Hashable, and best made once per tool.

    Args:
        name: of the tool or prompt; a resource's URI.
        capability: which its use needs.
        exposed: False for what only operators may see.
        category: as the catalogue lists it.
        risk_hint: what its definition says of its risk: low, medium, high or critical.
        read_only: changes nothing.
        destructive: may destroy what was there.
        open_world: touches what lies outside the system.
        calms: may run in safe mode though it writes: it switches safe mode, records, cancels or interrupts.
    """

    name: str
    capability: str
    exposed: bool = True
    category: str = "other"
    risk_hint: str = "low"
    read_only: bool = True
    destructive: bool = False
    open_world: bool = False
    calms: bool = False


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything that a verdict rests on.

    Args:
        tool: what is asked for.
        principal_id: who asks.
        kind: agent, human or service.
        tenant: whose data the caller may see.
        roles: the caller's roles.
        trust: 0 to 5.
        held: the capabilities that the roles grant.
        denied: of capabilities that the role table keeps from the caller though a role grants them, the reasons.
        server: the virtual server that the call came through.
        depth: how many calls deep a call caused inside is; 0 from outside.
        arguments: as the caller gave them.
        findings: what inspection saw in the arguments.
        risk_level: one of `LEVELS`.
        risk_score: what the level was made from.
        safe_mode: whether only reading is allowed now.
        now: Unix seconds.
    """

    tool: Facts
    principal_id: str
    kind: str
    tenant: str = "local"
    roles: tuple[str, ...] = ()
    trust: float = 0.0
    held: frozenset[str] = frozenset()
    denied: Mapping[str, str] = field(default_factory=dict)
    server: str = "gateway"
    depth: int = 0
    arguments: Mapping[str, Any] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    risk_level: str = "low"
    risk_score: float = 0.0
    safe_mode: bool = False
    now: float = 0.0

    def as_dict(self, *, arguments: bool = True) -> dict[str, Any]:
        """Plain data that JSON can hold, for records.

        Args:
            arguments: whether to keep those; without them a verdict that read them can't be recomputed.
        """
        data = _members(self)
        data["tool"] = _members(self.tool)
        data["roles"] = list(self.roles)
        data["held"] = sorted(self.held)
        data["denied"] = dict(self.denied)
        data["findings"] = [finding.as_dict() for finding in self.findings]
        if arguments:
            data["arguments"] = dict(self.arguments)
        else:
            del data["arguments"]
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Inputs:
        """Read `as_dict`'s form."""
        given = dict(data)
        given["tool"] = Facts(**given["tool"])
        given["roles"] = tuple(given["roles"])
        given["held"] = frozenset(given["held"])
        given["findings"] = tuple(Finding.from_dict(each) for each in given["findings"])
        return cls(**given)


def _members(of: Facts | Inputs) -> dict[str, Any]:
    """What `asdict` gives but for its deep copies, which cost more than the verdict."""
    return {name: getattr(of, name) for name in of.__slots__}
