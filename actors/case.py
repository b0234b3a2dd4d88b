"""The case file of one governed message: what went into the decision and what came of it, for the audit record."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from aura_ia_mcp.bus.envelope import Header, Principal
from aura_ia_mcp.bus.errors import AuraError, Failure
from aura_ia_mcp.bus.messages import JSON
from aura_ia_mcp.judgement import redact
from aura_ia_mcp.judgement.authorize import Verdict
from aura_ia_mcp.judgement.bucket import Take

from .snapshot import Subject

NOBODY = Principal("nobody", kind="service")
_MOST_CHARS = 128
_MOST_NAME_CHARS = 200
_CLIENT_MEMBERS = ("callId", "threadId", "turnId")
CLIENT = "aura/client"
MAJOR = "io.modelcontextprotocol/clientInfo"


@dataclass(slots=True)
class Case:
    """Filled in as the message goes its way.

    Args:
        id: of the envelope.
        what: `tools/call`, `resources/read`, `prompts/get` or `completion/complete`.
        name: tool, URI or prompt.
        header: who asks, in which session, trace and run.
        server: the virtual server.
        meta: the client's `_meta`.
    """

    id: str
    what: str
    name: str
    header: Header
    server: str
    meta: JSON
    began: float = field(default_factory=time.perf_counter)
    held: frozenset[str] = frozenset()
    subject: Subject | None = None
    catalogue: str = ""
    arguments: str = ""
    verdict: Verdict | None = None
    take: Take | None = None
    clock: float = 0.0
    opened: str = ""
    replayed: bool = False
    outcome: str = ""
    failure: Failure | None = None
    layers: list[JSON] = field(default_factory=list)
    redacted: dict[str, int] = field(default_factory=dict)

    @property
    def principal(self) -> Principal:
        """Who asks."""
        return self.header.principal or NOBODY

    @property
    def ms(self) -> float:
        """Milliseconds since it came."""
        return round((time.perf_counter() - self.began) * 1000, 3)

    def fields(self, policy: str, rate: int, digest: Any) -> dict[str, Any]:
        """The record's members; see docs/audit.md.

        Args:
            policy: version of the role table.
            rate: the bucket's rate a minute.
            digest: the audit writer's keyed digest.
        """
        principal, subject, verdict, take = self.principal, self.subject, self.verdict, self.take
        fields: dict[str, Any] = {
            "call": self.id,
            "what": self.what,
            "name": short(self.name),
            "server": short(self.server),
            "principal": {
                "id": principal.id,
                "kind": principal.kind,
                "tenant": principal.tenant,
                "roles": principal.roles,
            },
            "capabilities": sorted(self.held),
            "policy": policy,
            "catalogue": self.catalogue,
            "args": digest(self.arguments) if self.arguments else "",
            "verdict": "" if verdict is None else "allow" if verdict.allowed else "deny",
            "rule": "" if verdict is None else verdict.rule,
            "outcome": self.outcome,
            "ms": self.ms,
            "layers": self.layers,
        }
        if subject is not None:
            fields["contract"] = subject.contract
            fields["capability"] = subject.capability
        if take is not None:
            fields["bucket"] = {
                "before": round(take.before, 6),
                "after": round(take.after, 6),
                "rate": rate,
                "clock": self.clock,
            }
        fields |= self._origin(digest)
        if self.opened:
            fields["opened"] = self.opened
        if self.replayed:
            fields["replayed"] = True
        if self.failure is not None:
            message, _ = redact.redact_text(self.failure.message[:2000])
            fields["error"] = {"type": self.failure.type, "code": self.failure.code, "message": message[:500]}
        if self.redacted:
            fields["redacted"] = {"version": redact.VERSION, "found": self.redacted}
        return fields

    def marked(self, error: AuraError) -> AuraError:
        """The error with secrets marked in its texts, as whoever gets it may see it; what was found is noted."""
        failure = error.failure
        message, found = redact.redact_text(failure.message)
        recovery, more = redact.redact_text(failure.recovery)
        if not found and not more:
            return error
        for name, count in (*found.items(), *more.items()):
            self.redacted[name] = self.redacted.get(name, 0) + count
        return AuraError.from_failure(replace(failure, message=message, recovery=recovery))

    def _origin(self, digest: Any) -> dict[str, Any]:
        """Where it came from: session (keyed digest, since a session's id lets its holder in), trace, cause, client."""
        header = self.header
        found: dict[str, Any] = {}
        if header.session:
            found["session"] = digest(header.session)[:16]
        if header.trace:
            found["trace"] = short(header.trace)
        if header.cause:
            found["cause"] = header.cause
        if self.meta and (client := client_of(self.meta)):
            found["client"] = client
        return found


def client_of(meta: JSON) -> JSON:
    """Who the client says it is, and its own ids of the call: short texts, nothing else of its `_meta`."""
    found = {name: short(meta[name]) for name in _CLIENT_MEMBERS if isinstance(meta.get(name), str)}
    info = meta.get(CLIENT) or meta.get(MAJOR)
    if isinstance(info, dict):
        for name in ("name", "version", "user_agent"):
            if isinstance(info.get(name), str):
                found[name] = _short_name(info[name])
    return found


@lru_cache(maxsize=1024)
def _short_name(text: str) -> str:
    """`short`, of what is the same for all calls of a client."""
    return short(text[:_MOST_NAME_CHARS])


def short(text: str) -> str:
    """At most 128 characters, with secrets marked."""
    text, _ = redact.redact_text(text[: 4 * _MOST_CHARS])
    return text if len(text) <= _MOST_CHARS else text[: _MOST_CHARS - 1] + "…"
