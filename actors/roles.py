"""L2: the rules in force, how far principals are trusted, and what tools ask about roles."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from aura_ia_mcp.bus.bus import Bus, Context, handles
from aura_ia_mcp.bus.envelope import Principal
from aura_ia_mcp.bus.errors import AuraError, RefusedError
from aura_ia_mcp.bus.messages import JSON, CallTool, Embed, Observed, RulesChanged
from aura_ia_mcp.bus.tokens import Claims
from aura_ia_mcp.judgement.roles import Roles
from aura_ia_mcp.judgement.roles.meaning import fits
from aura_ia_mcp.judgement.roles.trust import MOVES
from aura_ia_mcp.stores.audit import AuditError
from aura_ia_mcp.stores.rules_archive import RulesArchive

from .audience import Audience
from .boot import Boot
from .reporting import Reporter
from .role_answers import ANSWERS, AnswerError
from .role_exceptions import exceptions
from .rulefiles import Loaded, RuleFileError, RuleFiles
from .sources import result
from .trust import TrustLedger

log = logging.getLogger(__name__)

TOPIC = "rules"
_PERIOD_S = 1.0
_EMBED_S = 1.0


class RoleEngine:
    """Owns the rule files, keeps trust, and runs the role tools.

    Both files are looked at every second. Good ones take over together: their texts are archived beside the records, a
    record `rules_changed` is written, and one retained event `RulesChanged` is published on the topic `rules`. Bad ones
    leave the old rules in force, and the event's `fault` says why; if there are none yet, nothing is published, so that
    nothing governed runs, and the figures tell the fault.

    Args:
        boot: `audience_key` among it.
        clock: Unix seconds, for delegations and trust.
        period_s: between two looks at the files.
    """

    def __init__(self, boot: Boot, clock: Callable[[], float] = time.time, period_s: float = _PERIOD_S) -> None:
        self._boot = boot
        self._clock = clock
        self._period_s = period_s
        self._audience = Audience(boot, dict.fromkeys(ANSWERS, self._answer))
        self._files = RuleFiles(boot.settings.safety)
        self._archive = RulesArchive(boot.paths.audit)
        self._loaded: Loaded | None = None
        self._fault = ""
        self._watching: asyncio.Task[None] | None = None

    async def start(self, bus: Bus) -> None:
        """Read the files, and begin to watch them."""
        self._bus = bus
        self._trust = TrustLedger(bus, self._clock)
        self._trust.start()
        await self.look()
        self._watching = asyncio.create_task(self._watch(), name="watch the rule files")
        self._reporter = Reporter(bus, self._figures)
        self._reporter.start()

    async def stop(self) -> None:
        """End; trust that moved is written first."""
        await self._reporter.stop()
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        await self._trust.stop()

    # --- the rules ----------------------------------------------------------------------------------------------------

    async def look(self) -> None:
        """Take over what stands in the files now, or say why not."""
        parse = await asyncio.to_thread(self._files.poll)
        if parse is None:
            return
        try:
            loaded = await asyncio.to_thread(parse)
            await asyncio.to_thread(self._archive.keep, (loaded.event.policy, loaded.event.roles))
        except RuleFileError as error:
            self._refuse(str(error))
        except OSError as error:
            self._refuse(f"new rules can't be archived: {error}; make room under {self._boot.paths.audit}")
            self._files.forget()  # tried again with the next look
        else:
            self._take(loaded)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._period_s)
            try:
                await self.look()
            except Exception:  # the watch must outlive whatever a file does to it
                log.exception("the rule files could not be looked at; the rules in force stay")

    def _refuse(self, fault: str) -> None:
        if fault == self._fault:  # told already
            return
        self._fault = fault
        now = "the old rules stay in force" if self._loaded else "no rules are in force, so nothing governed runs"
        log.error("%s; %s", fault, now)
        if self._loaded is not None:
            event = self._loaded.event
            self._bus.publish(TOPIC, RulesChanged(**(event.payload() | {"fault": fault})))

    def _take(self, loaded: Loaded) -> None:
        """Record the rules, then put them in force: no decision is made by rules that no record names."""
        event = loaded.event
        versions = {"policy_version": event.policy_version, "roles_version": event.roles_version}
        try:
            self._boot.audit.append("rules_changed", versions | exceptions(loaded.roles, self._clock()))
        except AuditError as error:
            self._refuse(f"new rules can't be recorded: {error}")
            self._files.forget()  # tried again with the next look
            return
        self._loaded, self._fault = loaded, ""
        self._bus.publish(TOPIC, event)
        log.info("policy %s and roles %s are in force", event.policy_version, event.roles_version)

    @property
    def _roles(self) -> Roles:
        if self._loaded is None:
            raise AuraError("unavailable", f"no rules are in force: {self._fault}", recovery="Mend the file.")
        return self._loaded.roles

    def _figures(self) -> JSON:
        event = self._loaded.event if self._loaded else None
        return {
            "policy_version": event.policy_version if event else None,
            "roles_version": event.roles_version if event else None,
            "rules_fault": self._fault,
            "trusted": len(self._trust),
        }

    # --- trust --------------------------------------------------------------------------------------------------------

    @handles(Observed)
    async def observed(self, message: Observed, context: Context) -> JSON:
        """Safety saw something: the principal's trust moves."""
        if context.envelope.source.role != "safety":
            raise RefusedError(
                "forbidden", f"{context.envelope.source} doesn't observe; only Safety's word moves trust"
            )
        if message.what not in MOVES:
            raise AuraError("malformed", f"{message.what!r} moves no trust; there are {', '.join(MOVES)}")
        principal = Principal.from_dict(message.principal)
        base = float(self._roles.trust_of(principal.roles))
        self._trust.observe(principal.name, base, message.what)
        return {}

    # --- tools --------------------------------------------------------------------------------------------------------

    @handles(CallTool)
    async def call_tool(self, message: CallTool, context: Context) -> JSON:
        """Run one of the tools of this audience."""
        return await self._audience.run(message, context)

    async def _answer(self, message: CallTool, context: Context, claims: Claims) -> JSON:
        del claims
        near = await self._meaning(message, context) if message.tool == "suggest_role" else None
        try:
            found = ANSWERS[message.tool](self._roles, message.arguments, self._clock(), near)
        except AnswerError as error:
            raise AuraError("invalid_arguments", f"{message.tool}: {error}") from error
        return result(found)

    async def _meaning(self, message: CallTool, context: Context) -> dict[str, float] | None:
        """How much the task's meaning speaks for each capability; None while no model can say."""
        try:
            async with asyncio.timeout(_EMBED_S):
                reply = await self._bus.request(
                    "ml",
                    Embed([message.arguments["task_description"]], needs=True),
                    header=context.header,
                    patience_s=0.0,
                )
        except (AuraError, TimeoutError) as error:
            log.debug("roles are ranked without meaning: %s", error)
            return None
        if not fits(reply["needs_version"]):
            log.warning("roles are ranked without meaning: the model %s is another release's", reply["needs_version"])
            return None
        needs: dict[str, float] = reply["needs"][0]
        return needs
