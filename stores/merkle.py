"""Merkle trees as in RFC 6962, section 2.1: the root, and the proof that a leaf is in it.

A leaf's entry is the SHA-256 (32 bytes) of a record's line. No state, no IO.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256


def root(entries: Iterable[bytes]) -> bytes:
    """The root's hash; of no entries, the hash of nothing."""
    level = _leaves(entries)
    while len(level) > 1:
        level = _above(level)
    return level[0] if level else sha256().digest()


def proof(entries: Sequence[bytes], index: int) -> list[bytes]:
    """The hashes that lead from the entry at `index` to the root, the nearest first.

    Raises:
        IndexError: there is no such entry.
    """
    if not 0 <= index < len(entries):
        raise IndexError(f"no entry {index} of {len(entries)}")
    level, path = _leaves(entries), []
    while len(level) > 1:
        if index ^ 1 < len(level):
            path.append(level[index ^ 1])
        level, index = _above(level), index >> 1
    return path


def _leaves(entries: Iterable[bytes]) -> list[bytes]:
    return [sha256(b"\0" + entry).digest() for entry in entries]


def _above(level: list[bytes]) -> list[bytes]:
    """The next level: pairs are hashed, a last one alone goes up as it is."""
    nodes = [sha256(b"\1" + left + right).digest() for left, right in zip(level[::2], level[1::2], strict=False)]
    return nodes + level[-1:] if len(level) % 2 else nodes
