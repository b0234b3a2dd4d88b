"""The mutual challenge with which every connection begins, without IO.

Caller: HELLO (who, to whom, expected epoch, nonce). Callee: CHALLENGE (its nonce and epoch, and a proof that it holds
the edge's key). Caller: PROOF. Callee: WELCOME, or REFUSED at any step. Both proofs are HMAC-SHA256 over everything
said, under the key of that very edge, so that a peer can be nobody but itself and an undeclared edge can't be opened.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from typing import Any

import msgpack

from .address import Address
from .errors import AuraError
from .frames import Op, pack
from .keys import EdgeKeys

VERSION = 1
_NONCE_BYTES = 16


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a peer is for others: address and epoch (0: not registered yet)."""

    address: Address
    epoch: int


def _proof(key: bytes, side: str, hello: list[Any], nonce: bytes, epoch: int) -> bytes:
    said: bytes = msgpack.packb([side, hello, nonce, epoch])
    return hmac.digest(key, said, "sha256")


class CallerHandshake:
    """The side that connects."""

    def __init__(self, me: Identity, target: Address, expected_epoch: int, keys: EdgeKeys) -> None:
        key = keys.get(me.address.role, target.role)
        if key is None:
            raise AuraError("undeclared_edge", f"{me.address} may not ask {target}")
        self._key = key
        self._target = target
        self._hello = [
            VERSION,
            str(me.address),
            me.epoch,
            str(target),
            expected_epoch,
            secrets.token_bytes(_NONCE_BYTES),
        ]

    def hello(self) -> bytes:
        """The first frame."""
        return pack(Op.HELLO, *self._hello)

    def prove(self, challenge: list[Any]) -> bytes:
        """Check the callee's proof and give ours.

        Raises:
            AuraError: `foreign_peer`, when whoever listens there isn't the target.
        """
        _, nonce, epoch, proof = challenge
        if not hmac.compare_digest(_proof(self._key, "callee", self._hello, nonce, epoch), proof):
            raise AuraError(
                "foreign_peer", f"what listens for {self._target} could not prove that it is {self._target}"
            )
        return pack(Op.PROOF, _proof(self._key, "caller", self._hello, nonce, epoch))


@dataclass(slots=True)
class CalleeHandshake:
    """The side that listens.

    Args:
        me: this peer.
        keys: its edge keys.
        newest: the highest epoch seen of each caller; shared by all connections of a peer.
        unregistered: whether callers without an epoch may connect (only the Directory lets them).
    """

    me: Identity
    keys: EdgeKeys
    newest: dict[Address, int]
    unregistered: bool = False
    _hello: list[Any] = field(default_factory=list)
    _nonce: bytes = b""
    _key: bytes = b""
    _claimed: Identity | None = None

    @property
    def claimed(self) -> Address | None:
        """Who the caller says it is; proves nothing."""
        return self._claimed.address if self._claimed else None

    def challenge(self, hello: list[Any]) -> bytes:
        """Answer HELLO.

        Raises:
            AuraError: `incompatible_version`, `undeclared_edge`, `stale_epoch`, `malformed`.
        """
        if self._claimed is not None:
            raise AuraError("malformed", "a second hello on one connection")
        try:
            _, version, source, epoch, target, expected, nonce = hello
            caller = Identity(Address.parse(source), int(epoch))
            if not isinstance(nonce, bytes) or len(nonce) != _NONCE_BYTES:
                raise ValueError("bad nonce")  # noqa: TRY301 - one way out for every malformed hello
        except (ValueError, TypeError, AttributeError) as error:
            raise AuraError("malformed", f"not a hello: {error}") from error
        self._claimed = caller
        if version != VERSION:
            raise AuraError(
                "incompatible_version", f"{source} speaks bus version {version!r}; this side speaks {VERSION}"
            )
        key = self.keys.get(caller.address.role, self.me.address.role)
        if key is None or target != str(self.me.address):
            raise AuraError("undeclared_edge", f"{source} may not ask {target}")
        if expected not in (0, self.me.epoch):
            raise AuraError("stale_epoch", f"{target} is at epoch {self.me.epoch}, not {expected}")
        self._check_caller_epoch(caller)
        self._hello, self._key = hello[1:], key
        self._nonce = secrets.token_bytes(_NONCE_BYTES)
        proof = _proof(key, "callee", self._hello, self._nonce, self.me.epoch)
        return pack(Op.CHALLENGE, self._nonce, self.me.epoch, proof)

    def admit(self, proof: list[Any]) -> Identity:
        """Check PROOF; the result is who the peer is from now on.

        Raises:
            AuraError: `foreign_peer`; `stale_epoch`, if a newer life of the caller connected meanwhile.
        """
        caller = self._claimed if self._key else None
        expected = _proof(self._key, "caller", self._hello, self._nonce, self.me.epoch)
        if caller is None or len(proof) != 2 or not isinstance(proof[1], bytes):  # noqa: PLR2004 - op and proof
            raise AuraError("malformed", "not a proof")
        if not hmac.compare_digest(expected, proof[1]):
            raise AuraError("foreign_peer", f"who claims to be {caller.address} could not prove it")
        self._check_caller_epoch(caller)
        self.newest[caller.address] = max(caller.epoch, self.newest.get(caller.address, 0))
        return caller

    def _check_caller_epoch(self, caller: Identity) -> None:
        if caller.epoch == 0 and not self.unregistered:
            raise AuraError("stale_epoch", f"{caller.address} isn't registered")
        newest = self.newest.get(caller.address, 0)
        if 0 < caller.epoch < newest:
            raise AuraError(
                "stale_epoch", f"{caller.address} was restarted: epoch {caller.epoch} is older than {newest}"
            )
