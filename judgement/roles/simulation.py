"""What a role could do and could not, of a list of actions; nothing is run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .table import Permission, Roles


@dataclass(frozen=True, slots=True)
class Step:
    """An action, and when it would happen (Unix seconds)."""

    action: str
    at: float


def simulate(roles: Roles, role_name: str, steps: Iterable[Step]) -> list[tuple[Step, Permission]]:
    """Whether the role may take each step, in order; delegations count while they last."""
    return [(step, roles.check(role_name, step.action, step.at)) for step in steps]
