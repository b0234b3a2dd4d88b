"""Keys: one per declared edge, one per audience of decision tokens, all derived from roots by HKDF (RFC 5869)."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32


def new_root() -> bytes:
    """32 random bytes."""
    return secrets.token_bytes(KEY_BYTES)


def derive(root: bytes, purpose: str) -> bytes:
    """A 32-byte key for one purpose; it says nothing about the root or about other keys."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=purpose.encode()).derive(root)


def audience_key(root: bytes, audience: str) -> bytes:
    """The key with which Safety signs, and one audience checks, decision tokens."""
    return derive(root, f"decision-token:{audience}")


@dataclass(frozen=True, slots=True)
class EdgeKeys:
    """The keys of one role: one for each edge that it may open or answer.

    Args:
        role: whose keys these are.
        by_edge: (caller, callee) -> 32 bytes; only edges in which `role` takes part.
    """

    role: str
    by_edge: dict[tuple[str, str], bytes] = field(repr=False)

    @classmethod
    def of(cls, role: str, root: bytes, edges: Iterable[tuple[str, str]]) -> EdgeKeys:
        """Derive the keys of one role from the bus root."""
        return cls(role, {edge: derive(root, f"edge:{edge[0]}->{edge[1]}") for edge in edges if role in edge})

    def get(self, caller: str, callee: str) -> bytes | None:
        """The edge's key, or None where no such edge is declared."""
        return self.by_edge.get((caller, callee))
