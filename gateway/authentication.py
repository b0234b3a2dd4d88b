"""Who is calling: a chain of authenticators, the first that recognises the credential decides."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from aura_ia_mcp.bus.envelope import Principal
from aura_ia_mcp.bus.errors import AuraError

from .graph import GUEST, Graph

OnSecurityEvent = Callable[[str, dict[str, Any]], None]

_CACHED = 4096
_LONGEST_TOKEN = 4096


@dataclass(frozen=True, slots=True)
class Credential:
    """What a request shows.

    Args:
        token: its bearer token; "" for an `Authorization` header of another form; None without one.
        local: whether the peer is this machine: loopback or the unix socket.
        peer: the peer's address, for the record.
    """

    token: str | None
    local: bool
    peer: str = ""


@dataclass(frozen=True, slots=True)
class Identity:
    """An authenticated caller.

    Args:
        principal: who it is.
        credential: names the credential without telling it; a session belongs to one of these.
    """

    principal: Principal
    credential: str


class Authenticator(Protocol):
    """One link of the chain."""

    async def authenticate(self, credential: Credential) -> Identity | None:
        """Who shows this credential; None leaves it to the next.

        Raises:
            AuraError: `unauthenticated` when it is ours and wrong; `unavailable` when it can't be checked now.
        """


class BearerTokens:
    """Checks bearer tokens by asking State for the token's SHA-256; the token itself goes nowhere.

    Args:
        graph: where to ask.
        cache_s: how long an answer is believed, good or bad; at most 4096 are kept.
        clock: monotonic seconds.
        wall: Unix seconds.
    """

    def __init__(
        self,
        graph: Graph,
        cache_s: float,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._graph = graph
        self._cache_s = cache_s
        self._clock = clock
        self._wall = wall
        self._known: OrderedDict[str, tuple[float, Identity | None]] = OrderedDict()
        self._asking: dict[str, asyncio.Task[Identity | None]] = {}

    async def authenticate(self, credential: Credential) -> Identity | None:
        """See `Authenticator`."""
        if credential.token is None:
            return None
        if not credential.token or len(credential.token) > _LONGEST_TOKEN:
            raise AuraError("unauthenticated", "the Authorization header holds no bearer token")
        digest = hashlib.sha256(credential.token.encode("utf-8", "surrogateescape")).hexdigest()
        known = self._known.get(digest)
        identity = known[1] if known is not None and known[0] > self._clock() else await self._check(digest)
        if identity is None:
            raise AuraError("unauthenticated", "the bearer token is unknown, expired or revoked")
        return identity

    async def _check(self, digest: str) -> Identity | None:
        task = self._asking.get(digest)
        if task is None:
            task = asyncio.create_task(self._ask(digest))
            self._asking[digest] = task
            task.add_done_callback(lambda done: self._asked(digest, done))
        return await asyncio.shield(task)

    async def _ask(self, digest: str) -> Identity | None:
        reply = await self._graph.authenticate(digest)
        believed_s = self._cache_s
        identity = None
        if reply.get("principal") is not None:
            identity = Identity(Principal.from_dict(reply["principal"]), digest)
            if reply.get("expires_at"):
                believed_s = min(believed_s, float(reply["expires_at"]) - self._wall())
        self._known[digest] = (self._clock() + believed_s, identity)
        self._known.move_to_end(digest)
        while len(self._known) > _CACHED:
            self._known.popitem(last=False)
        return identity if believed_s >= 0 else None

    def _asked(self, digest: str, task: asyncio.Task[Identity | None]) -> None:
        self._asking.pop(digest, None)
        if not task.cancelled():
            task.exception()


class Guests:
    """Lets callers without a credential in as `guest`, from this machine only."""

    _IDENTITY = Identity(GUEST, "anonymous")

    async def authenticate(self, credential: Credential) -> Identity | None:
        """See `Authenticator`."""
        return self._IDENTITY if credential.token is None and credential.local else None


class Chain:
    """Asks each authenticator in turn."""

    def __init__(self, links: Sequence[Authenticator], on_security_event: OnSecurityEvent) -> None:
        self._links = links
        self._on_security_event = on_security_event

    async def authenticate(self, credential: Credential) -> Identity:
        """Who calls.

        Raises:
            AuraError: `unauthenticated`, which is also recorded; `unavailable` and the like when nobody could tell.
        """
        try:
            for link in self._links:
                identity = await link.authenticate(credential)
                if identity is not None:
                    return identity
            raise AuraError("unauthenticated", "this endpoint needs a bearer token")  # noqa: TRY301
        except AuraError as error:
            if error.code == "unauthenticated":
                reason = "no token" if credential.token is None else error.failure.message
                self._on_security_event("authentication_failed", {"peer": credential.peer, "reason": reason})
            raise
