"""Roles as data: who may do what, whom a task suits, how opinions weigh, and how trust moves."""

from __future__ import annotations

from .document import CAPABILITIES, OPERATE, Caller, Capability, Delegation, Denial, Role
from .reading import RolesError
from .table import Permission, Roles, parse, shipped, shipped_text

__all__ = [
    "CAPABILITIES",
    "OPERATE",
    "Caller",
    "Capability",
    "Delegation",
    "Denial",
    "Permission",
    "Role",
    "Roles",
    "RolesError",
    "parse",
    "shipped",
    "shipped_text",
]
