"""The case file of one governed message: what went into the decision and what came of it, for the audit record."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from aura_ia_mcp.bus.envelope import Header, Principal
from aura_ia_mcp.bus.errors import AuraError, Failure
from aura_ia_mcp.bus.messages import JSON, SafeModeChanged
from aura_ia_mcp.judgement.finding import Finding
from aura_ia_mcp.judgement.inspection import redact_text
from aura_ia_mcp.judgement.policy import Inputs, Verdict
from aura_ia_mcp.judgement.risk import Risk

from .moment import ms_since
from .rates import Taken
from .rules import Rules
from .sealed_state import Continuation
from .snapshot import Subject

_NOBODY = Principal("nobody", kind="service")
_MOST_CHARS = 128
_MOST_NAME_CHARS = 200
_CLIENT_MEMBERS = ("callId", "threadId", "turnId")
CLIENT = "aura/client"
_MAJOR = "io.modelcontextprotocol/clientInfo"


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand for a caller at one moment: one state of rules and switch for the whole case.

    Args:
        rules: in force.
        safe_mode: the switch.
        held: the caller's capabilities.
        trust: in the caller, 0 to 5.
        now: Unix seconds.
    """

    rules: Rules
    safe_mode: SafeModeChanged
    held: frozenset[str]
    trust: float
    now: float


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
        began: `time.perf_counter()` when it came.
        known: how things stand for the caller.
        subject: what is called or read; None where there is nothing of this name.
        catalogue: its version.
        arguments: SHA-256 of all that the decision token covers.
        findings: what inspection saw in the arguments, each with its place.
        inputs: what the verdict was computed from.
        verdict: the policy's.
        rule: a rate that stopped it, in place of the verdict's rule.
        taken: the tokens that were asked of rate classes.
        inspect_ms: how long inspection took.
        flags: what inspection saw in what came back.
        risk: as it was assessed.
        resumed: what it continues, when its client came back with a state that Safety sealed.
        answer: of the client's own user to the question whether it may run.
        approval: what it waits for, or rests on.
        binding: what that is good for.
        consented: whether it runs with somebody's consent.
        opened: the id of its `opened_call` record, or "".
        replayed: whether an idempotency key gave an earlier answer.
        outcome: what came of it, in a word.
        failure: the error that its caller gets.
        layers: those below Safety that it passed.
        redacted: how many secrets and personal data were marked in what came back, by kind.
        meaning: what came of reading texts by their meaning.
    """

    id: str
    what: str
    name: str
    header: Header
    server: str
    meta: JSON
    began: float = field(default_factory=time.perf_counter)
    known: Standing | None = None
    subject: Subject | None = None
    catalogue: str = ""
    arguments: str = ""
    findings: list[tuple[str, Finding]] = field(default_factory=list)
    inputs: Inputs | None = None
    verdict: Verdict | None = None
    rule: str = ""
    taken: list[Taken] = field(default_factory=list)
    inspect_ms: float = 0.0
    flags: list[Finding] = field(default_factory=list)
    risk: Risk | None = None
    resumed: Continuation | None = None
    answer: JSON | None = None
    approval: JSON | None = None
    binding: Mapping[str, str] = field(default_factory=dict)
    consented: bool = False
    opened: str = ""
    replayed: bool = False
    outcome: str = ""
    failure: Failure | None = None
    layers: list[JSON] = field(default_factory=list)
    redacted: dict[str, int] = field(default_factory=dict)
    meaning: list[JSON] = field(default_factory=list)

    @property
    def principal(self) -> Principal:
        """Who asks."""
        return self.header.principal or _NOBODY

    @property
    def standing(self) -> Standing:
        """How things stand; known once `Judging.prepare` has looked."""
        assert self.known is not None
        return self.known

    @property
    def ms(self) -> float:
        """Milliseconds since it came."""
        return ms_since(self.began)

    def marked(self, error: AuraError) -> AuraError:
        """The error with secrets marked in its texts, as whoever gets it may see it; what was found is noted."""
        failure = error.failure
        message, found = redact_text(failure.message)
        recovery, more = redact_text(failure.recovery)
        if not found and not more:
            return error
        for name, count in (*found.items(), *more.items()):
            self.redacted[name] = self.redacted.get(name, 0) + count
        return AuraError.from_failure(replace(failure, message=message, recovery=recovery))


def client_of(meta: JSON) -> JSON:
    """Who the client says it is, and its own ids of the call: short texts, nothing else of its `_meta`."""
    found = {name: short(meta[name]) for name in _CLIENT_MEMBERS if isinstance(meta.get(name), str)}
    info = meta.get(CLIENT) or meta.get(_MAJOR)
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
    text, _ = redact_text(text[: 4 * _MOST_CHARS])
    return text if len(text) <= _MOST_CHARS else text[: _MOST_CHARS - 1] + "…"
