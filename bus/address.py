"""Where a message goes: a role, and which replica of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_MOST_REPLICAS = 10_000
_FORM = re.compile(r"[a-z][a-z0-9_]{0,31}")


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """A role and a replica number, written `safety/0`.

    Raises:
        ValueError: if the role isn't a short lower-case word or the replica is negative.
    """

    role: str
    replica: int = 0

    def __post_init__(self) -> None:
        if not _FORM.fullmatch(self.role) or not 0 <= self.replica < _MOST_REPLICAS:
            raise ValueError(
                f"not an address: {self.role!r}/{self.replica!r}; the form is role/replica, as in safety/0"
            )

    def __str__(self) -> str:
        return f"{self.role}/{self.replica}"

    @staticmethod
    @lru_cache(1024)
    def parse(text: str) -> Address:
        """Read `role/replica`; a missing replica is 0."""
        role, _, replica = text.partition("/")
        if replica and not replica.isdecimal():
            raise ValueError(f"not an address: {text!r}; the form is role/replica, as in safety/0")
        return Address(role, int(replica or 0))


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an address answers now.

    Args:
        address: who answers there.
        node: the machine's name in the cluster.
        uri: `unix:/path/to.sock`, `tls://host:port`, `local:name` or `ray:actor-name`.
        epoch: grows with each restart of the address; a caller that expects another epoch is refused.
    """

    address: Address
    node: str
    uri: str
    epoch: int
