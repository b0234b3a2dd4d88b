"""L6: decides whether a call may run, and records what it decided before the answer leaves."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from aura_ia_mcp.bus.address import Address
from aura_ia_mcp.bus.bus import Bus, Context, handles
from aura_ia_mcp.bus.envelope import new_id
from aura_ia_mcp.bus.errors import AuraError, Outcome
from aura_ia_mcp.bus.messages import (
    JSON,
    CallTool,
    Complete,
    GetPrompt,
    ListCatalogue,
    Probe,
    ReadResource,
)
from aura_ia_mcp.bus.tokens import Claims, Minter, digest, who
from aura_ia_mcp.judgement.authorize import Verdict, authorize
from aura_ia_mcp.judgement.bucket import Buckets
from aura_ia_mcp.judgement.redact import redact
from aura_ia_mcp.judgement.roles import shipped
from aura_ia_mcp.stores.audit import AuditError

from .boot import Boot
from .case import Case
from .decision import Governed, action_of, covered
from .definition import HERE
from .follower import Follower
from .idempotency import Idempotency
from .recording import Recording
from .relay import Relay
from .reporting import Reporter
from .snapshot import Snapshot, Subject

clock = time.monotonic

_TOOLS = Address("tools")
_MARGIN_S = 0.05
_UNKNOWN = Verdict(False, "exposure.unknown", "there is nothing of this name", hidden=True)


class Safety:
    """Decides on every governed message.

    Promises: what isn't allowed by a rule doesn't run; a caller makes at most its rate of calls; each decision and its
    outcome is in the audit before the caller hears of it, and while the audit can't be written nothing runs; what may
    change something is recorded before it runs, too. It asks nobody on the way of a call but Tools.

    Args:
        boot: `decision_root` and `audit` among it.
    """

    def __init__(self, boot: Boot) -> None:
        if boot.decision_root is None:
            raise ValueError("Safety needs the root of the decision tokens")
        settings = boot.settings.safety
        self._boot = boot
        self._roles = shipped()
        self._buckets = Buckets(settings.rate_limit)
        self._minter = Minter(boot.decision_root)
        self._ttl_s = settings.token_ttl_s
        self._known = Idempotency(settings.idempotency_s, settings.idempotency_entries, settings.idempotency_bytes)
        self._recording = Recording(boot.audit, boot.address, self._roles.version, settings.rate_limit)

    async def start(self, bus: Bus) -> None:
        """Begin to follow the catalogue."""
        self._bus = bus
        self._follower = Follower(bus, self._boot.settings)
        self._follower.start()
        self._reporter = Reporter(bus, lambda: dict(self._recording.counts))
        self._reporter.start()

    async def stop(self) -> None:
        """End it."""
        await self._reporter.stop()
        await self._follower.stop()

    # --- calls --------------------------------------------------------------------------------------------------------

    @handles(CallTool)
    async def call_tool(self, message: CallTool, context: Context) -> JSON:
        """Decide on a tool call, have it run, and record it."""
        case = Case(
            context.envelope.id, "tools/call", message.tool, context.envelope.header, message.server, message.meta
        )
        return await self._recording.of(case, self._call(case, message, context))

    async def _call(self, case: Case, message: CallTool, context: Context) -> JSON:
        snapshot = await self._prepare(case)
        case.subject = snapshot.tool(message.tool, message.server)
        case.arguments = _digest(message)
        verdict = self._judge(case)
        self._take(case)
        self._enforce(case, verdict)
        if message.key:
            return await self._once(case, message, context)
        return await self._run(case, message, context)

    async def _once(self, case: Case, message: CallTool, context: Context) -> JSON:
        """Run it unless a call with this key did already."""
        caller, now = case.principal, time.monotonic()
        key = (caller.tenant, caller.id, message.key)
        what = f"{message.tool}:{digest(message.arguments)}"
        try:
            answer = await self._known.first(key, what, now)
        except AuraError as error:
            case.replayed = error.code != "idempotency_conflict"
            raise
        if answer is not None:
            case.replayed = True
            return answer
        repeatable = case.subject is not None and case.subject.idempotent
        try:
            answer = await self._run(case, message, context)
        except AuraError as error:
            self._known.failed(key, error.failure, time.monotonic(), repeatable=repeatable)
            raise
        except BaseException:
            failure = AuraError("cancelled", f"the first call of {message.tool} with this key was cancelled").failure
            self._known.failed(key, failure, time.monotonic(), repeatable=repeatable)
            raise
        self._known.answered(key, answer, time.monotonic())
        return answer

    async def _run(self, case: Case, message: Governed, context: Context) -> JSON:
        """Mint the tokens and let Tools run it; items and questions pass through, with secrets marked."""
        subject = case.subject
        assert subject is not None
        if not subject.read_only:
            case.opened = self._recording.append("opened_call", case)
        header = context.header
        header = replace(header, deadline=header.deadline - _MARGIN_S, tokens=self._mint(case, subject, message))
        relay = Relay(context.emit)

        async def ask(question: JSON) -> JSON:
            return await context.ask(redact(question)[0])

        try:
            reply = await self._bus.request(
                _TOOLS, message, header=header, on_item=relay.put, on_ask=ask, retry=subject.idempotent
            )
            await relay.finish()
        except AuraError as error:
            relay.cancel()
            raise case.marked(error) from None  # before it is kept for its idempotency key, too
        except BaseException:
            relay.cancel()
            raise
        return self._inspected(case, reply)

    # --- what else is governed ----------------------------------------------------------------------------------------

    @handles(ReadResource)
    async def read_resource(self, message: ReadResource, context: Context) -> JSON:
        """Decide on the reading of a resource."""
        case = Case(context.envelope.id, "resources/read", message.uri, context.envelope.header, message.server, {})
        return await self._recording.of(case, self._read(case, message, context, "unknown_resource"))

    @handles(GetPrompt)
    async def get_prompt(self, message: GetPrompt, context: Context) -> JSON:
        """Decide on the filling of a prompt."""
        case = Case(context.envelope.id, "prompts/get", message.name, context.envelope.header, message.server, {})
        return await self._recording.of(case, self._read(case, message, context, "unknown_prompt"))

    @handles(Complete)
    async def complete(self, message: Complete, context: Context) -> JSON:
        """Decide on a completion."""
        name = str(message.ref.get("name") or message.ref.get("uri") or "")
        case = Case(context.envelope.id, "completion/complete", name, context.envelope.header, message.server, {})
        return await self._recording.of(case, self._read(case, message, context, "unknown_prompt"))

    async def _read(
        self, case: Case, message: ReadResource | GetPrompt | Complete, context: Context, code: str
    ) -> JSON:
        snapshot = await self._prepare(case)
        if isinstance(message, ReadResource):
            case.subject = snapshot.resource(message.uri, message.server)
        elif isinstance(message, GetPrompt):
            case.subject = snapshot.prompt(message.name, message.server)
        else:
            case.subject = snapshot.reference(message.ref, message.server)
        case.arguments = _digest(message)
        self._enforce(case, self._judge(case), code)
        return await self._run(case, message, context)

    @handles(ListCatalogue)
    async def list_catalogue(self, message: ListCatalogue, context: Context) -> JSON:
        """What the caller may use, of what a virtual server shows."""
        principal = context.header.principal
        if principal is None:
            raise AuraError("unauthenticated", "the catalogue is shown to callers that are known")
        snapshot = await self._follower.snapshot(context.header)
        if message.what not in snapshot.listings:
            raise AuraError("malformed", f"there is no catalogue of {message.what!r}")
        held = self._roles.capabilities(principal.roles, principal.kind)
        return snapshot.visible(message.what, message.server, held)

    @handles(Probe)
    async def probe(self, message: Probe, context: Context) -> JSON:
        """Whether a call could be served now: by this actor, and by Tools."""
        own: dict[str, Any] = {"status": "ok", "latency_ms": 0.0, "detail": ""}
        try:
            self._recording.ready()
        except AuditError as error:
            own |= {"status": "failing", "detail": str(error)}
        parts = {str(self._bus.address): own}
        began = time.perf_counter()
        try:
            below = await self._bus.request(_TOOLS, message, header=context.header, patience_s=0.0)
        except AuraError as error:
            ms = round((time.perf_counter() - began) * 1000, 3)
            parts[str(_TOOLS)] = {"status": "down", "latency_ms": ms, "detail": str(error)}
            return {"ready": False, "parts": parts}
        return {"ready": own["status"] == "ok" and bool(below["ready"]), "parts": parts | below["parts"]}

    # --- steps --------------------------------------------------------------------------------------------------------

    async def _prepare(self, case: Case) -> Snapshot:
        try:
            self._recording.ready()
        except AuditError as error:
            raise AuraError("audit_failed", f"nothing runs unrecorded: {error}", outcome=Outcome.NOT_RUN) from error
        if case.header.principal is None:
            raise AuraError("unauthenticated", "a call needs a principal")
        case.held = self._roles.capabilities(case.principal.roles, case.principal.kind)
        snapshot = await self._follower.snapshot(case.header)
        case.catalogue = snapshot.version
        return snapshot

    def _judge(self, case: Case) -> Verdict:
        subject = case.subject
        if subject is None:
            case.verdict = _UNKNOWN
        else:
            case.verdict = authorize(case.name, subject.capability, subject.exposed, case.held)
        return case.verdict

    def _enforce(self, case: Case, verdict: Verdict, unknown: str = "unknown_tool") -> None:
        if verdict.hidden:
            kind = unknown.removeprefix("unknown_")
            raise AuraError(unknown, f"there is no {kind} {case.name[:128]!r}")
        if not verdict.allowed:
            raise AuraError("forbidden", verdict.reason)

    def _take(self, case: Case) -> None:
        case.clock = clock()
        caller = case.principal
        case.take = self._buckets.take(f"{caller.tenant}/{caller.id}", case.clock)
        if not case.take.allowed:
            case.verdict = Verdict(False, "rate.limit", "")
            wait_s = case.take.retry_after_s
            raise AuraError(
                "rate_limited",
                f"{caller.id} has used its {self._buckets.rate} calls a minute; "
                f"the next may come in {max(wait_s, 0.1):.1f} s",
                retry_after_s=round(wait_s + 0.0005, 3),
            )

    def _mint(self, case: Case, subject: Subject, message: Governed) -> dict[str, bytes]:
        def token(audience: str, contract: str) -> bytes:
            return self._minter.mint(
                Claims(
                    id=new_id(),
                    who=who(case.header.principal),
                    action=action_of(message, contract),
                    arguments=case.arguments,
                    policy=self._roles.version,
                    audience=audience,
                    expires=time.time() + self._ttl_s,
                )
            )

        tokens = {HERE: token(HERE, subject.contract)}
        if subject.audience != HERE:
            tokens[subject.audience] = token(subject.audience, "")
        return tokens

    def _inspected(self, case: Case, reply: JSON) -> JSON:
        """Mark the secrets in what goes back out, and note how it went."""
        meta = reply.get("_meta") or {}
        case.layers = meta.get("aura/layers", [])
        reply, case.redacted = redact(reply)
        if "rpc_error" in reply:
            case.outcome = "rpc_error"
        elif reply.get("resultType") == "input_required":
            case.outcome = "input_required"
        else:
            case.outcome = "tool_error" if reply.get("isError") else "ok"
        return reply


def _digest(message: Governed) -> str:
    try:
        return digest(covered(message))
    except (RecursionError, ValueError, TypeError) as error:
        raise AuraError("malformed", f"the arguments can't be hashed: {type(error).__name__}") from error
