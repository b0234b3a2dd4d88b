"""Which replica of a role serves a principal."""

from __future__ import annotations

import hashlib


def replica_of(principal_id: str, replicas: int) -> int:
    """The replica that holds this principal's state (its token bucket, its idempotency keys).

    The same in every process and at every start. When the number of replicas changes, only the principals that the
    new one takes over, or the lost one had, move (rendezvous hashing, Thaler and Ravishankar 1998).

    Raises:
        ValueError: there is no replica.
    """
    if replicas < 1:
        raise ValueError(f"a role has at least one replica, not {replicas}")
    if replicas == 1:
        return 0
    return max(range(replicas), key=lambda replica: hashlib.sha256(f"{replica}|{principal_id}".encode()).digest())
