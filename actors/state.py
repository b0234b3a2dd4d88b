"""Durable records; for now the bearer tokens."""

from __future__ import annotations

import asyncio
import contextlib
import time

from aura_ia_mcp.bus.bus import Bus, Context, handles
from aura_ia_mcp.bus.envelope import Principal
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON, Authenticate
from aura_ia_mcp.stores.audit import AuditError
from aura_ia_mcp.stores.tokens import TokenStore

from .boot import Boot
from .reporting import Reporter

_DIGEST_CHARS = 64
_SHOWN_CHARS = 12
FAILURES_PER_WINDOW = 20
WINDOW_S = 10.0


class Failures:
    """How many failed attempts are recorded one by one; the rest of a window is told as a number, without IO."""

    def __init__(self) -> None:
        self._window = float("-inf")
        self._count = 0

    def count(self, now: float) -> tuple[bool, int]:
        """Count an attempt.

        Returns:
            Whether it gets a record of its own, and how many of the last window got none.
        """
        untold = 0
        if now - self._window >= WINDOW_S:
            untold = max(0, self._count - FAILURES_PER_WINDOW)
            self._window, self._count = now, 0
        self._count += 1
        return self._count <= FAILURES_PER_WINDOW, untold


class State:
    """Says who holds a token. Reading one takes some ten microseconds, so it is done on the event loop."""

    def __init__(self, boot: Boot) -> None:
        self._boot = boot
        self._tokens = TokenStore(boot.paths.tokens)
        self._failures = Failures()
        self._authenticated = self._refused = 0

    async def start(self, bus: Bus) -> None:
        """Begin to report."""
        self._reporter = Reporter(bus, lambda: {"authenticated": self._authenticated, "refused_tokens": self._refused})
        self._reporter.start()

    async def stop(self) -> None:
        """Close the store."""
        await self._reporter.stop()
        await asyncio.to_thread(self._tokens.close)

    @handles(Authenticate)
    async def authenticate(self, message: Authenticate, context: Context) -> JSON:
        """Who holds the token with this digest; a failed attempt is recorded."""
        if len(message.digest) != _DIGEST_CHARS:
            raise AuraError("malformed", "the digest must be 64 hexadecimal digits")
        found = self._tokens.find(message.digest)
        if found is None:
            self._refused += 1
            self._note_failure(message.digest, context)
            return {"principal": None, "expires_at": None}
        self._authenticated += 1
        principal = Principal(found.principal_id, found.kind, found.tenant, found.roles)
        return {"principal": principal.as_dict(), "expires_at": found.expires_at}

    def _note_failure(self, digest: str, context: Context) -> None:
        told, untold = self._failures.count(time.monotonic())
        if not told:
            return
        fields = {"token": digest[:_SHOWN_CHARS], "asked_by": str(context.envelope.source)}
        with contextlib.suppress(AuditError):  # the caller is refused all the same
            self._boot.audit.append("auth_failed", fields | ({"untold": untold} if untold else {}))
