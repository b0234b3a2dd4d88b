"""Decision tokens: Safety's word that one call, with just these arguments, may run.

A token is msgpack claims followed by their HMAC-SHA256 under the audience's key. Every actor that runs a privileged
message checks its own token; it can't mint one for anybody else.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections import OrderedDict
from dataclasses import dataclass, fields
from typing import Any

import msgpack

from .envelope import Principal
from .errors import RefusedError
from .keys import audience_key

_MAC_BYTES = 32
_MOST_SEEN = 65_536
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


def digest(value: Any) -> str:
    """SHA-256 (hexadecimal) over canonical JSON: sorted keys, no spaces, UTF-8."""
    return hashlib.sha256(_encode(value).encode("utf-8", "surrogatepass")).hexdigest()


def who(principal: Principal | None) -> str:
    """Whom a token is for: all that a callee may base its own answer on, roles and tenant included."""
    if principal is None:
        return ""
    return f"{principal.name} {principal.kind} {','.join(principal.roles)}"


def grant(parent: str) -> str:
    """The action of a grant: begin new requests that the call `parent` causes."""
    return f"reenter:{parent}"


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says: this principal may run this, with arguments of this digest, until `expires` (Unix seconds).

    What it starts may reach at most as far as `sandbox` says (none, read_only, workspace or full). `operates` tells a
    callee that can't ask whether the caller holds the capability `operate`, and `call` the id under which the records
    know the call that it is for.
    """

    id: str
    who: str
    action: str
    arguments: str
    policy: str
    audience: str
    expires: float
    sandbox: str = "full"
    operates: bool = False
    call: str = ""


_CLAIMS = tuple(field.name for field in fields(Claims))


class Minter:
    """Signs tokens; only Safety holds one.

    Args:
        root: the 32-byte root from which each audience's key is derived.
    """

    def __init__(self, root: bytes) -> None:
        self._root = root
        self._keys: dict[str, bytes] = {}

    def mint(self, claims: Claims) -> bytes:
        """The signed token for `claims.audience`."""
        key = self._keys.get(claims.audience)
        if key is None:
            key = self._keys[claims.audience] = audience_key(self._root, claims.audience)
        body: bytes = msgpack.packb({name: getattr(claims, name) for name in _CLAIMS})
        return body + hmac.digest(key, body, "sha256")


class Verifier:
    """Checks the tokens of one audience, each good for one delivery (a grant for many, until it expires).

    The newest 65,536 spent tokens are remembered until they expire. Whoever replays an older one must still hold the
    key of an edge to this audience.

    Args:
        audience: the role that runs the work.
        key: `audience_key(root, audience)`.
    """

    def __init__(self, audience: str, key: bytes) -> None:
        self._audience = audience
        self._key = key
        self._seen: OrderedDict[str, tuple[str, float]] = OrderedDict()

    def verify(
        self,
        token: bytes | None,
        *,
        action: str,
        arguments: Any,
        who: str,
        delivery: str | None,
        repeats: bool = False,
    ) -> Claims:
        """The token's claims, if it covers just this.

        Args:
            token: what the envelope carried for this audience.
            action: the tool (or resource, prompt) to be run.
            arguments: as they came; hashed again here.
            who: whom it is for, as `who` says it.
            delivery: the envelope's id; whatever comes second with the same token is a replay. None for a grant.
            repeats: whether the envelope may come again, since the bus drops duplicates of it by its key.

        Raises:
            RefusedError: `invalid_token`, saying which claim doesn't hold.
        """
        if not isinstance(token, bytes) or len(token) <= _MAC_BYTES:
            raise RefusedError("invalid_token", f"{self._audience} got no decision token for {action}")
        body, mac = token[:-_MAC_BYTES], token[-_MAC_BYTES:]
        if not hmac.compare_digest(hmac.digest(self._key, body, "sha256"), mac):
            raise RefusedError("invalid_token", f"the decision token for {action} isn't signed for {self._audience}")
        claims = Claims(**msgpack.unpackb(body))
        now = time.time()
        for wrong, what in (
            (claims.audience != self._audience, "audience"),
            (claims.who != who, "principal"),
            (claims.action != action, "action"),
            (claims.expires < now, "expiry"),
            (claims.arguments != digest(arguments), "arguments"),
        ):
            if wrong:
                raise RefusedError("invalid_token", f"the decision token for {action} doesn't hold: {what}")
        if delivery is not None:
            self._spend(claims, delivery, now, repeats=repeats)
        return claims

    def _spend(self, claims: Claims, delivery: str, now: float, *, repeats: bool) -> None:
        spent = self._seen.get(claims.id)
        if spent is not None and not (repeats and spent[0] == delivery):
            raise RefusedError("invalid_token", f"the decision token for {claims.action} was used before")
        self._seen.setdefault(claims.id, (delivery, claims.expires))
        while self._seen:
            oldest = next(iter(self._seen.values()))
            if oldest[1] >= now and len(self._seen) <= _MOST_SEEN:
                break
            self._seen.popitem(last=False)
