"""What a system keeps of its own signed epochs beside its record, so that epochs that are gone are missed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from . import position
from .epochs import fingerprint
from .form import GENESIS


@dataclass(frozen=True, slots=True)
class Known:
    """What a record's own system knows of it.

    Args:
        number: of an entry that was there; 0 for none. The newest may be later.
        head: the hash of its line.
        key: fingerprint of the public key that belongs to its signing key; "" if that isn't known.
    """

    number: int = 0
    head: str = GENESIS
    key: str = ""

    @classmethod
    def of(cls, standing: Path, signing_key: Path) -> Known:
        """What the state folder says; what can't be read there counts as not known.

        Args:
            standing: `.aura/audit_epochs.json`; there is none before the first was kept, and after a restore.
            signing_key: `.aura/keys/audit.ed25519`.
        """
        kept = position.load(standing)
        try:
            number, head = int(kept["number"]), str(kept["prev"])
        except (ValueError, TypeError, KeyError):
            number, head = 0, GENESIS
        try:
            public = Ed25519PrivateKey.from_private_bytes(signing_key.read_bytes()).public_key()
        except (OSError, ValueError):
            return cls(number, head)
        return cls(number, head, fingerprint(public))

    def lacks(self, newest: int) -> str:
        """What is missing of a chain that ends with entry `newest`; "" if nothing that is known."""
        if newest >= self.number:
            return ""
        first = newest + 1
        which = f"entry {first} is" if first == self.number else f"entries {first} to {self.number} are"
        return f"{which} missing: this system wrote up to entry {self.number}"
