"""L6: decides whether a call may run, and records what it decided before the answer leaves."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from aura_ia_mcp.bus.address import Address
from aura_ia_mcp.bus.bus import Bus, Context, handles
from aura_ia_mcp.bus.envelope import Header
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
from aura_ia_mcp.bus.tokens import Minter
from aura_ia_mcp.stores.audit import AuditError

from .approval_drafts import OBSERVED
from .boot import Boot
from .briefing import briefed
from .case import Case
from .consent import Consent
from .decision import Governed, given
from .enforcing import enforce, refused_for_now
from .follower import Follower
from .inspector import Inspector
from .judging import Judging
from .layers import layers_of
from .meaning import Meaning
from .minting import Minting, digest_of
from .once import Once
from .passing import Passing
from .rates import Rates, Taken
from .readiness import probed
from .recording import Recording
from .relay import Relay
from .reporting import Reporter
from .results import Results
from .rules import RulesFollower
from .safemode import SafeMode
from .sealed_state import Seal
from .snapshot import Snapshot

_TOOLS = Address("tools")
_APPROVALS = "approvals"
_MARGIN_S = 0.05


class Safety:
    """Decides on every governed message.

    Promises: what isn't allowed by a rule doesn't run; a caller makes at most its rate of calls; each decision and its
    outcome is in the audit before the caller hears of it, and while the audit can't be written nothing runs; what may
    change something, or needs somebody's consent, is recorded before it runs, too; consent is used up by one run
    (`Consent`), and so is an idempotency key (`Once`).

    On the way of a call it asks Tools, and where that call needs it Approvals (consent), State (keys, and rates that
    several replicas share) and the ML worker (texts read by their meaning). Rules, trust and safe mode are followed,
    never asked for (`RulesFollower`, `SafeMode`).

    Args:
        boot: `decision_root` and `audit` among it.
    """

    def __init__(self, boot: Boot) -> None:
        if boot.decision_root is None:
            raise ValueError("Safety needs the root of the decision tokens")
        settings = boot.settings.safety
        self._boot = boot
        self._rates = Rates(settings.rate_limit, boot.settings.cluster.replicas.get("safety", 1))
        self._minting = Minting(Minter(boot.decision_root), settings.token_ttl_s)
        self._seal = Seal(boot.decision_root)
        self._recording = Recording(boot.audit, boot.address)
        self._inspector = Inspector(settings)

    async def start(self, bus: Bus) -> None:
        """Begin to follow the catalogue, the rules and the switch."""
        self._bus = bus
        patience_s = self._boot.settings.bus.patience_s
        self._follower = Follower(bus, self._boot.settings)
        self._rules = RulesFollower(bus, patience_s, self._follower.rules_changed)
        self._safe_mode = SafeMode(bus, patience_s)
        meaning = Meaning(bus, self._minting)
        self._results = Results(self._inspector, meaning)
        self._judging = Judging(bus, self._rules, self._safe_mode, self._inspector, meaning)
        self._consent = Consent(
            bus, self._seal, self._recording, self._boot.audit.digest, self._boot.settings.approvals.answer_within_s
        )
        self._once = Once(bus, self._boot.settings.safety)
        self._reporter = Reporter(bus, self._figures)
        await self._inspector.warm()
        for part in (self._rules, self._safe_mode, self._follower, self._reporter):
            part.start()

    async def stop(self) -> None:
        """End it."""
        for part in (self._reporter, self._follower, self._safe_mode, self._rules):
            await part.stop()
        await self._once.stop()
        await self._inspector.close()

    def _figures(self) -> JSON:
        rules, switch = self._rules.now, self._safe_mode.known
        return dict(self._recording.counts) | {
            "rules": rules.version if rules else None,
            "rules_fault": rules.fault if rules else "",
            "safe_mode": switch.enabled if switch else None,
        }

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
        case.arguments = digest_of(message)
        self._take(case)
        message = self._consent.resumed(case, message)
        case.arguments = digest_of(message) if case.resumed else case.arguments
        await self._decide(case, message)
        message = briefed(message, snapshot, case)
        if message.key:
            return await self._once.run(case, message, lambda: self._run(case, message, context))
        return await self._run(case, message, context)

    async def _run(self, case: Case, message: Governed, context: Context) -> JSON:
        """Gain consent, mint the tokens, let Tools run it; items and questions pass through, cleaned."""
        subject = case.subject
        assert subject is not None
        asked = await self._consent.gain(case, message, context)
        if asked is not None:
            return asked
        if not subject.read_only and not case.opened:
            case.opened = self._recording.append("opened_call", case)
        header = context.header
        tokens = self._minting.tokens(case, subject, message)
        header = replace(header, deadline=header.deadline - _MARGIN_S, tokens=tokens)
        clean = partial(self._results.clean, case)
        relay = Relay(context.emit, Passing(self._results, case).clean)

        async def ask(question: JSON) -> JSON:
            return await context.ask(await clean(question))

        try:
            reply = await self._bus.request(
                _TOOLS, message, header=header, on_item=relay.put, on_ask=ask, retry=subject.idempotent
            )
            await relay.finish()
        except AuraError as error:
            relay.cancel()
            raise await self._results.error(case, error) from None  # before it is kept for its idempotency key, too
        except BaseException:
            relay.cancel()
            raise
        return self._consent.carried(case, message, await self._cleaned(case, reply, header))

    async def _cleaned(self, case: Case, reply: JSON, header: Header) -> JSON:
        """The reply as it may leave, and how it went."""
        meta = reply.get("_meta") or {}
        case.layers = layers_of(reply)
        if (version := meta.get("aura/safe_mode_version")) is not None:  # State's own word; here it holds from now on
            await self._safe_mode.reached(version, header)
        if OBSERVED in meta:
            reply = await self._observed(case, reply, meta)
        reply = await self._results.result(case, reply)
        if "rpc_error" in reply:
            case.outcome = "rpc_error"
        elif reply.get("resultType") == "input_required":
            case.outcome = "input_required"
        else:
            case.outcome = "tool_error" if reply.get("isError") else "ok"
        return reply

    async def _observed(self, case: Case, reply: JSON, meta: JSON) -> JSON:
        """The reply without what is for the Role engine, which hears it if Approvals said it."""
        seen = meta[OBSERVED]
        if case.subject is not None and case.subject.audience == _APPROVALS:
            await self._judging.observed(seen["principal"], seen["what"])
        return reply | {"_meta": {name: value for name, value in meta.items() if name != OBSERVED}}

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
        case.arguments = digest_of(message)
        await self._decide(case, message, code)
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
        caller = await self._judging.caller(principal, message.server, context.header)
        return snapshot.visible(message.what, message.server, caller)

    @handles(Probe)
    async def probe(self, message: Probe, context: Context) -> JSON:
        """Whether a call could be served now: by this actor, and by Tools."""
        return await probed(self._bus, message, context, self._fault())

    def _fault(self) -> str:
        """Why no call could be decided now, or ""."""
        try:
            self._recording.ready()
        except AuditError as error:
            return str(error)
        if self._rules.now is None:
            return "the Role engine hasn't told which rules are in force; its log says why, if its files are faulty"
        if self._safe_mode.known is None:
            return "State hasn't told whether safe mode is on"
        return ""

    # --- steps --------------------------------------------------------------------------------------------------------

    async def _prepare(self, case: Case) -> Snapshot:
        try:
            self._recording.ready()
        except AuditError as error:
            raise AuraError("audit_failed", f"nothing runs unrecorded: {error}", outcome=Outcome.NOT_RUN) from error
        if case.header.principal is None:
            raise AuraError("unauthenticated", "a call needs a principal")
        await self._judging.prepare(case)
        snapshot = await self._follower.snapshot(case.header)
        case.catalogue = snapshot.version
        return snapshot

    async def _decide(self, case: Case, message: Governed, unknown: str = "unknown_tool") -> None:
        """Pass, or refuse; what the verdict's rate classes allow is taken last."""
        verdict = await self._judging.judge(case, given(message))
        enforce(case, verdict, unknown)
        policy = case.standing.rules.policy
        taken = await self._rates.take(verdict.rates, case.principal, case.name, policy, self._bus, case.header)
        self._counted(case, taken)

    def _take(self, case: Case) -> None:
        """Count the call, whatever comes of it: before it costs anything more."""
        self._counted(case, [self._rates.take_default(case.principal, case.standing.rules.policy)])

    def _counted(self, case: Case, taken: list[Taken]) -> None:
        case.taken += taken
        for each in taken:
            if not each.take.allowed:
                case.rule = f"rate.{each.rate}"
                raise refused_for_now(case, each)
