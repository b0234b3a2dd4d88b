"""L0: what must survive: who holds which token, the safe mode switch, the records of other actors."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import ParamSpec, TypeVar

from aura_ia_mcp.bus.bus import Bus, Context, handles
from aura_ia_mcp.bus.envelope import Principal
from aura_ia_mcp.bus.errors import AuraError, RefusedError
from aura_ia_mcp.bus.messages import (
    JSON,
    Authenticate,
    BeginKeyed,
    CallTool,
    EndKeyed,
    Probe,
    ReadRecords,
    SafeModeChanged,
    TakeToken,
    WriteRecord,
)
from aura_ia_mcp.bus.tokens import Claims
from aura_ia_mcp.judgement.bucket import Buckets
from aura_ia_mcp.stores.audit import AuditError
from aura_ia_mcp.stores.database import Database
from aura_ia_mcp.stores.records import RecordError, RecordStore
from aura_ia_mcp.stores.tokens import TokenStore

from .audience import Audience
from .boot import Boot
from .keyed import KIND as KEYED
from .keyed import KeyedCalls
from .readiness import Look
from .reporting import Reporter
from .sources import result

_SWITCHES = "switches"
_OWNERS = {"trust": "roles", KEYED: "safety"}  # which role may read and write which kind of record
_SAFE_MODE = "safe_mode"
_MOST_RATES = 64

_DIGEST_CHARS = 64
_SHOWN_CHARS = 12
FAILURES_PER_WINDOW = 20
WINDOW_S = 10.0
_PURGE_S = 3_600.0
_READ_S = 3.0  # below the deadline of whoever asks whose token it is
_LOOK_S, _LOOK_BELIEVED_S = 0.7, 2.0  # below the deadline of a probe
_RETRY_S = 2.0

_P = ParamSpec("_P")
_T = TypeVar("_T")
log = logging.getLogger(__name__)


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
    """Says who holds a token, holds the safe mode switch, and keeps records for the actors that own them.

    Promises: what it answered is on disk; safe mode is published on the topic `switches` and is, after a restart, what
    it was; the command line's own token is there once this is made. The database is used in threads alone.

    Args:
        boot: `audience_key` among it.
    """

    def __init__(self, boot: Boot) -> None:
        self._boot = boot
        self._audience = Audience(boot, {"set_safe_mode": self._set_safe_mode})
        self._database = Database.of(boot.settings, boot.paths)
        self._tokens = TokenStore(self._database)
        self._records = RecordStore(self._database)
        self._keyed = KeyedCalls(self._records, boot.settings.safety)
        self._tokens.ensure_operator(boot.paths.operator_token)
        self._look = Look(
            str(boot.address),
            lambda: _kept(self._records.get, _SWITCHES, _SAFE_MODE),
            self._database.silence,
            within_s=_LOOK_S,
            believed_s=_LOOK_BELIEVED_S,
        )
        self._buckets: dict[int, Buckets] = {}
        self._switching = asyncio.Lock()
        self._failures = Failures()
        self._authenticated = self._refused = 0

    async def start(self, bus: Bus) -> None:
        """Tell the switches, and begin to report."""
        self._bus = bus
        bus.publish(_SWITCHES, await self._safe_mode())
        self._purging = asyncio.create_task(self._purge(), name="purge expired records")
        self._reporter = Reporter(bus, lambda: {"authenticated": self._authenticated, "refused_tokens": self._refused})
        self._reporter.start()

    async def stop(self) -> None:
        """Close the database."""
        await self._reporter.stop()
        self._purging.cancel()
        await asyncio.gather(self._purging, return_exceptions=True)
        await self._look.close()
        await asyncio.to_thread(self._database.close)

    @handles(Authenticate)
    async def authenticate(self, message: Authenticate, context: Context) -> JSON:
        """Who holds the token with this digest; a failed attempt is recorded.

        Raises:
            AuraError: `unavailable`: the database can't be read, or not in time.
        """
        if len(message.digest) != _DIGEST_CHARS:
            raise AuraError("malformed", "the digest must be 64 hexadecimal digits")
        try:
            async with asyncio.timeout(_READ_S):
                found = await _kept(self._tokens.find, message.digest)
        except TimeoutError:
            raise _unavailable(self._database.silence) from None
        if found is None:
            self._refused += 1
            self._note_failure(message.digest, context)
            return {"principal": None, "expires_at": None}
        self._authenticated += 1
        principal = Principal(found.principal_id, found.kind, found.tenant, found.roles)
        return {"principal": principal.as_dict(), "expires_at": found.expires_at}

    @handles(Probe)
    async def probe(self, message: Probe, context: Context) -> JSON:
        """Whether a token could be looked up now: whether the database can be read."""
        del message, context
        return await self._look.report()

    # --- switches -----------------------------------------------------------------------------------------------------

    @handles(CallTool)
    async def call_tool(self, message: CallTool, context: Context) -> JSON:
        """Run one of the tools of this audience."""
        return await self._audience.run(message, context)

    async def _set_safe_mode(self, message: CallTool, context: Context, claims: Claims) -> JSON:
        """Published before it is answered, and Safety waits until it has heard of it."""
        del claims
        principal = context.header.principal
        by = principal.name if principal else ""
        async with self._switching:
            now = SafeModeChanged(
                enabled=bool(message.arguments["enabled"]),
                reason=str(message.arguments["reason"]),
                by=by,
                at=time.time(),
                version=(await self._safe_mode()).version + 1,
            )
            await _kept(self._records.put, _SWITCHES, _SAFE_MODE, now.payload())
        self._bus.publish(_SWITCHES, now)
        reply = result({"safe_mode": now.enabled, "reason": now.reason, "by": now.by, "at": now.at})
        return reply | {"_meta": {"aura/safe_mode_version": now.version}}

    async def _safe_mode(self) -> SafeModeChanged:
        kept = await _kept(self._records.get, _SWITCHES, _SAFE_MODE)
        return SafeModeChanged(**kept.value) if kept else SafeModeChanged(False, "", "", 0.0, 0)

    # --- records ------------------------------------------------------------------------------------------------------

    @handles(ReadRecords)
    async def read_records(self, message: ReadRecords, context: Context) -> JSON:
        """What an actor keeps here."""
        _own(message.of, context)
        return {"records": await _kept(self._records.all, message.of)}

    @handles(WriteRecord)
    async def write_record(self, message: WriteRecord, context: Context) -> JSON:
        """Keep it, or forget it."""
        _own(message.of, context)
        await _kept(self._records.put, message.of, message.key, message.value)
        return {}

    @handles(BeginKeyed)
    async def begin_keyed(self, message: BeginKeyed, context: Context) -> JSON:
        """A call with an idempotency key is about to run."""
        _own(KEYED, context)
        return await _kept(self._keyed.begin, message)

    @handles(EndKeyed)
    async def end_keyed(self, message: EndKeyed, context: Context) -> JSON:
        """What came of it."""
        _own(KEYED, context)
        return await _kept(self._keyed.end, message)

    async def _purge(self) -> None:
        """Remove what expired long enough ago, now and then; what can't be removed now is removed later."""
        while True:
            try:
                await asyncio.to_thread(self._records.purge, time.time())
            except RecordError as error:
                log.warning("expired records stay for now: %s", error)
            await asyncio.sleep(_PURGE_S)

    @handles(TakeToken)
    async def take_token(self, message: TakeToken, context: Context) -> JSON:
        """Take from a bucket that all replicas of Safety share."""
        del context
        buckets = self._buckets.get(message.per_minute)
        if buckets is None:
            if len(self._buckets) >= _MOST_RATES:
                raise AuraError("unavailable", f"a policy may have {_MOST_RATES} different rates")
            buckets = self._buckets[message.per_minute] = Buckets(message.per_minute)
        return asdict(buckets.take(message.bucket, time.monotonic()))

    def _note_failure(self, digest: str, context: Context) -> None:
        told, untold = self._failures.count(time.monotonic())
        if not told:
            return
        fields = {"token": digest[:_SHOWN_CHARS], "asked_by": str(context.envelope.source)}
        with contextlib.suppress(AuditError):  # the caller is refused all the same
            self._boot.audit.append("auth_failed", fields | ({"untold": untold} if untold else {}))


async def _kept(use: Callable[_P, _T], *arguments: _P.args, **named: _P.kwargs) -> _T:
    """Use the database in a thread.

    Raises:
        AuraError: `unavailable`.
    """
    try:
        return await asyncio.to_thread(use, *arguments, **named)
    except RecordError as error:
        raise _unavailable(str(error)) from error


def _unavailable(why: str) -> AuraError:
    return AuraError("unavailable", why, retry_after_s=_RETRY_S)


def _own(kind: str, context: Context) -> None:
    """Refuse whoever doesn't own these records."""
    asker = context.envelope.source.role
    if _OWNERS.get(kind) != asker:
        raise RefusedError("forbidden", f"{asker} doesn't own the records of {kind!r}", recovery="See actors/state.py.")
