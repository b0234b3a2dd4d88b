"""What Safety hands to a client and wants back as it was: the `requestState` of a call that waits for its user."""

from __future__ import annotations

import base64
import binascii
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

import msgpack
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.keys import derive
from aura_ia_mcp.bus.messages import JSON

MOST_BYTES = 65_536
_PREFIX = "aura1."
_NONCE_BYTES = 12
_ERRORS = "surrogatepass"  # as on the bus: text that it carried can be sealed
_AGAIN = "Call the tool again, without requestState."


@dataclass(frozen=True, slots=True)
class Continuation:
    """A call that goes on when its client comes back.

    Args:
        approval: the id of the one that it rests on.
        binding: what that is good for: {principal, tool, contract, arguments, policy}.
        rule: which asked for consent.
        approvers: how many agreed, or must.
        arguments: keyed digest of the call's arguments alone.
        question: how many earlier ones the client's user had declined.
        round: 0 when the client's user is asked whether the call may run; else how often the tool has asked back.
        expires: Unix seconds after which it is too late.
        state: the tool's own `requestState`, or None.
        inputs: the answers to a tool's question that came with the call that is held, or None.
    """

    approval: str
    binding: Mapping[str, str]
    rule: str
    approvers: int
    arguments: str
    round: int
    expires: float
    state: str | None = None
    inputs: JSON | None = None
    question: int = 0


_MEMBERS = {field.name for field in fields(Continuation)}


class Seal:
    """Closes and opens continuations: AES-256-GCM under a key that every Safety of the system derives (HKDF-SHA256).

    Args:
        root: of the decision tokens.
    """

    def __init__(self, root: bytes) -> None:
        self._cipher = AESGCM(derive(root, "consent-state"))

    def close(self, continuation: Continuation) -> str | None:
        """The text to hand out; None when it would be longer than a client should have to carry."""
        plain: bytes = msgpack.packb(asdict(continuation), unicode_errors=_ERRORS)
        if len(plain) > MOST_BYTES:
            return None
        nonce = os.urandom(_NONCE_BYTES)
        return _PREFIX + base64.urlsafe_b64encode(nonce + self._cipher.encrypt(nonce, plain, None)).decode()

    def open(self, text: str | None) -> Continuation | None:
        """What was closed; None for a state that is a tool's own.

        Raises:
            AuraError: `malformed`: it was altered, is another system's, or came too late.
        """
        if text is None or not text.startswith(_PREFIX):
            return None
        try:
            sealed = _decoded(text[len(_PREFIX) :])
            plain = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None)
            found = msgpack.unpackb(plain, unicode_errors=_ERRORS, strict_map_key=False)
        except (InvalidTag, binascii.Error, ValueError):
            raise AuraError(
                "malformed", "requestState was altered, or another system made it", recovery=_AGAIN
            ) from None
        made = Continuation(**{name: value for name, value in found.items() if name in _MEMBERS})
        if made.expires <= time.time():
            raise AuraError(
                "malformed",
                f"the time to answer is over, and nothing was run (approval {made.approval})",
                recovery=_AGAIN,
                approval_id=made.approval,
            )
        return made


def _decoded(text: str) -> bytes:
    """The bytes that are written just so; Python's decoder takes other ways of writing them, too.

    Raises:
        ValueError: nothing is written so.
    """
    found = base64.urlsafe_b64decode(text.encode())
    if base64.urlsafe_b64encode(found).decode() != text:
        raise ValueError("not the form in which it was given out")
    return found
