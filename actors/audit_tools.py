"""The tools of the Audit actor: notes of callers, what the security audit holds, and whether the record holds."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from aura_ia_mcp.bus.bus import Context
from aura_ia_mcp.bus.errors import AuraError, Outcome
from aura_ia_mcp.bus.messages import JSON, CallTool
from aura_ia_mcp.bus.tokens import Claims
from aura_ia_mcp.configs.paths import Paths
from aura_ia_mcp.judgement.inspection import redact, redact_text
from aura_ia_mcp.stores.audit import AuditError, AuditWriter
from aura_ia_mcp.stores.epochs import EntryError
from aura_ia_mcp.stores.known import Known
from aura_ia_mcp.stores.lines import Budget, ExhaustedError
from aura_ia_mcp.stores.logs import stamp
from aura_ia_mcp.stores.summary import name_of
from aura_ia_mcp.stores.verify import verify
from aura_ia_mcp.stores.views import SECURITY, newest

from .audience import ToolRun
from .moment import moment
from .sources import result

NOTE = "note"
MOST_DETAILS_BYTES = 8_192
USUAL_ENTRIES = 50
_MOST_TRACE_CHARS = 128
_MOST_BYTES = 67_108_864
_MOST_S = 2.0
_MOST_REPLY_CHARS = 500_000
_SLACK_S = 3_600.0  # how far apart the clocks of two writers may be for `since` to end a reading
_MARGIN_S = 1.0
_CHECK_AGAIN_S = 5.0
_CHECK_LESS = "Name `since`, or have `aura audit verify` check all of it."
_OWN = ("time", "event", "audit_id", "principal", "tool", "outcome", "details")


class AuditTools:
    """Runs audit_log, get_security_audit and verify_audit.

    Promises: a note is in this process's chain of records before it is answered; a reading takes at most two seconds
    and 64 MiB, and sees everything that was recorded before it was asked for; one check runs at a time.

    Args:
        audit: writes notes.
        paths: where the records lie, and what the system itself knows of them.
        catch_up: brings `security_audit.jsonl` up to date.
    """

    def __init__(self, audit: AuditWriter, paths: Paths, catch_up: Callable[[], Awaitable[None]]) -> None:
        self._audit = audit
        self._paths = paths
        self._view = paths.logs / SECURITY
        self._catch_up = catch_up
        self._checking = threading.Lock()

    @property
    def runs(self) -> dict[str, ToolRun]:
        """By name what runs each."""
        return {"audit_log": self._note, "get_security_audit": self._security, "verify_audit": self._verify}

    async def _note(self, message: CallTool, context: Context, claims: Claims) -> JSON:
        fields, found = _note(message.arguments, context, self._audit.digest)
        fields["call"] = claims.call
        try:
            written = await asyncio.to_thread(self._audit.append, NOTE, fields)
        except AuditError as error:
            raise AuraError("audit_failed", f"the note was not written: {error}", outcome=Outcome.NOT_RUN) from error
        told = {"audit_id": written.id, "receipt": written.receipt, "at": time.time(), "redacted": found}
        return result(told)

    async def _security(self, message: CallTool, context: Context, claims: Claims) -> JSON:
        del context, claims
        wanted = _Wanted.of(message.arguments.get("filter") or {}, time.time())
        limit = int(message.arguments.get("limit", USUAL_ENTRIES))
        lag = ""
        try:
            await self._catch_up()
        except OSError as error:
            lag = f"events since the disk failed are missing ({error.strerror or error})"
        entries, cut = await asyncio.to_thread(_read, self._view, wanted, limit)
        return result({"entries": entries, "cut": "; ".join(part for part in (lag, cut) if part)})

    async def _verify(self, message: CallTool, context: Context, claims: Claims) -> JSON:
        del claims
        now = time.time()
        since = moment(message.arguments["since"], now) if "since" in message.arguments else None
        within_s = max(0.0, context.header.remaining_s - _MARGIN_S)
        return result(await asyncio.to_thread(self._check, since, within_s))

    def _check(self, since: float | None, within_s: float) -> JSON:
        """What the check gave; a thread of its own stays behind when its caller has gone, until its time is over."""
        if not self._checking.acquire(blocking=False):
            raise AuraError("too_many_calls", "the record is being checked already", retry_after_s=_CHECK_AGAIN_S)
        end, read = time.monotonic() + within_s, 0

        def progress(count: int) -> None:
            nonlocal read
            read += count
            if time.monotonic() > end:
                said = f"only the first {read} bytes could be checked in {within_s:.0f} s"
                raise AuraError("deadline_exceeded", said, recovery=_CHECK_LESS)

        try:
            known = Known.of(self._paths.epochs_standing, self._paths.audit_signing_key)
            found = verify(self._paths.audit, since=since, progress=progress, own=known).as_dict()
        except (OSError, EntryError) as error:
            raise AuraError("unavailable", f"the record can't be checked: {error}") from error
        finally:
            self._checking.release()
        found.pop("receipt")
        return found | {"broken": _first(found["faults"])}


def _first(faults: list[JSON]) -> str | None:
    """The first thing that doesn't hold, in words."""
    if not faults:
        return None
    place = f" ({faults[0]['place']})" if faults[0]["place"] else ""
    return f"{faults[0]['what']}{place}: {faults[0]['why']}"


def _note(arguments: JSON, context: Context, digest: Callable[[str], str]) -> tuple[JSON, dict[str, int]]:
    """The members of a note's record, and what was marked in it."""
    header = context.header
    if header.principal is None:
        raise AuraError("unauthenticated", "a note needs a principal")
    details = arguments.get("details", {})
    size = len(json.dumps(details))
    if size > MOST_DETAILS_BYTES:
        raise AuraError(
            "invalid_arguments", f"arguments.details: {size} bytes are too many; at most {MOST_DETAILS_BYTES} are kept"
        )
    said, found = redact({"action": arguments["action"], "details": details})
    fields: JSON = {**said, "principal": header.principal.as_dict()}
    if found:
        fields["redacted"] = found
    if header.session:
        fields["session"] = digest(header.session)[:16]
    if header.trace:
        fields["trace"] = redact_text(header.trace[:_MOST_TRACE_CHARS])[0]
    return fields, found


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which entries; "" is any."""

    event: str = ""
    principal: str = ""
    tool: str = ""
    outcome: str = ""
    since: str = ""
    oldest: str = ""

    @classmethod
    def of(cls, given: JSON, now: float) -> _Wanted:
        since = moment(given["since"], now, "arguments.filter.since") if "since" in given else None
        plain = {name: given[name] for name in ("event", "principal", "tool", "outcome") if name in given}
        if since is None:
            return cls(**plain)
        return cls(**plain, since=stamp(since), oldest=stamp(max(0.0, since - _SLACK_S)))

    def takes(self, entry: JSON) -> bool:
        who = entry["principal"] or ""
        return (
            self.event in ("", entry["event"])
            and self.principal in ("", who, who.rpartition("/")[2])
            and self.tool in ("", entry["tool"])
            and self.outcome in ("", entry["outcome"])
            and self.since <= entry["time"]
        )


def _read(view: Path, wanted: _Wanted, limit: int) -> tuple[list[JSON], str]:
    """The newest entries that are wanted, and why there may be more."""
    found: list[JSON] = []
    left = _MOST_REPLY_CHARS
    try:
        for line in newest(view, Budget(_MOST_BYTES, _MOST_S).spend):
            if "time" not in line:
                continue  # redacted
            if line["time"] < wanted.oldest:
                break
            entry = _entry(line)
            if not wanted.takes(entry):
                continue
            left -= len(json.dumps(entry))
            if len(found) == limit or left < 0:
                return found, f"only the newest {len(found)} are here"
            found.append(entry)
    except ExhaustedError as error:
        return found, str(error)
    return found, ""


def _entry(line: JSON) -> JSON:
    """A line of the view in the form of the answer."""
    rest = {name: value for name, value in line.items() if name not in _OWN and value is not None}
    return {
        "time": line["time"],
        "event": line["event"],
        "audit_id": line["audit_id"],
        "principal": name_of(line.get("principal")) or None,
        "tool": line.get("tool"),
        "outcome": line.get("outcome"),
        "details": rest | (line.get("details") or {}),
    }
