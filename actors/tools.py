"""L5: the catalogue and the running of tools."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable

from aura_ia_mcp.bus.bus import Bus, Context, handles
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import (
    JSON,
    CallTool,
    CatalogueChanged,
    Complete,
    GetPrompt,
    ListCatalogue,
    Ping,
    Probe,
    ReadResource,
    ResourceUpdated,
)
from aura_ia_mcp.bus.run import takes_no_threads
from aura_ia_mcp.bus.tokens import Claims, Verifier
from aura_ia_mcp.judgement.inspection.redaction import redact_text

from .boot import Boot
from .builtin import Builtin
from .catalogue import Catalogue, Runnable, Servers
from .decision import check
from .definition import HERE
from .layers import passed
from .readiness import part, reached
from .relay import Relay
from .replicas import Replicas, addresses
from .reporting import Reporter
from .sources import RpcError, ToolCall, ToolSource

log = logging.getLogger(__name__)

TOPIC = "catalogue"
_MARGIN_S = 0.02
_PING_S = 0.3
_BUSY_RETRY_S = 1.0
_MOST_MESSAGE_CHARS = 1000


class Tools:
    """Lists and runs what its sources offer.

    Runs only what Safety decided: each call carries a token for this very tool, contract, arguments and caller.
    A tool ends at its own time-out or the call's deadline, whichever is first, and at most so many run at once as its
    definition says. A tool's own fault becomes `tool_failed` with its message; the trace stays in the log.

    Args:
        boot: `audience_key` and `sources` among it.
    """

    def __init__(self, boot: Boot) -> None:
        if boot.audience_key is None:
            raise ValueError("Tools needs the key that checks decision tokens")
        self._boot = boot
        self._settings = boot.settings.tools
        self._verifier = Verifier(HERE, boot.audience_key)
        self._servers = Servers.of(boot.settings)
        self._replicas: dict[str, Replicas] = {}
        self.catalogue = Catalogue([])

    async def start(self, bus: Bus) -> None:
        """Start the sources and tell what there is."""
        self._bus = bus
        builtin = Builtin(self._boot, self.catalogue, bus)
        self.catalogue.sources = [builtin, *(make() for make in self._boot.sources)]
        for source in self.catalogue.sources:
            try:
                await source.start(self)
            except Exception as error:
                log.exception("the source %s did not start", source.name)
                self.catalogue.failed[source.name] = (
                    f"it did not start: {_plain(error)}; the log of Tools has the trace"
                )
        self._publish(self.catalogue.refresh())
        self._reporter = Reporter(bus, self._figures)
        self._reporter.start()

    async def stop(self) -> None:
        """Stop the sources, the last one first."""
        await self._reporter.stop()
        for source in reversed(self.catalogue.sources):
            try:
                await source.stop()
            except Exception:
                log.exception("the source %s did not stop in order", source.name)

    # --- what sources say ---------------------------------------------------------------------------------------------

    def changed(self, what: str) -> None:
        """A source offers something else now."""
        log.info("a source changed its %s", what)
        self._publish(self.catalogue.refresh())

    def updated(self, uri: str) -> None:
        """A resource has new content."""
        self._bus.publish(TOPIC, ResourceUpdated(uri))

    def _publish(self, kinds: list[str]) -> None:
        for kind in kinds:
            self._bus.publish(TOPIC, CatalogueChanged(kind, self.catalogue.versions[kind]))

    def _figures(self) -> JSON:
        return {
            "tools": len(self.catalogue.tools),
            "running": sum(runnable.running for runnable in self.catalogue.tools.values()),
            "breakers": {name: state for found in self._replicas.values() for name, state in found.states().items()},
            "absent": [absent.as_dict() for absent in self.catalogue.absent],
        }

    # --- what Safety asks ---------------------------------------------------------------------------------------------

    @handles(ListCatalogue)
    async def list_catalogue(self, message: ListCatalogue, context: Context) -> JSON:
        """Everything of one kind, or what one virtual server shows of it; who may see it is for Safety to say."""
        del context
        entries = self.catalogue.entries(message.what)
        if message.server and message.what == "tools":
            entries = [entry for entry in entries if self._servers.shows(message.server, entry["name"])]
        return {
            "entries": entries,
            "version": self.catalogue.versions.get(message.what, ""),
            "absent": [absent.as_dict() for absent in self.catalogue.absent],
        }

    @handles(CallTool)
    async def call_tool(self, message: CallTool, context: Context) -> JSON:
        """Run a tool."""
        began = time.perf_counter()
        runnable = self.catalogue.tools.get(message.tool)
        if runnable is None or not self._servers.shows(message.server, message.tool):
            raise AuraError("unknown_tool", f"there is no tool {message.tool!r}")
        definition = runnable.definition
        claims = check(self._verifier, message, context, HERE, definition.fingerprint)
        runnable.check.check(message.tool, message.arguments)
        most = definition.concurrency or self._settings.concurrency
        if runnable.running >= most:
            raise AuraError(
                "too_many_calls", f"{message.tool} runs {most} times at once already", retry_after_s=_BUSY_RETRY_S
            )
        if definition.reenters:  # it waits for other calls: the mailboxes bound it, and it holds no slot
            return passed(await self._within(runnable, message, context, claims), self._bus.address, began)
        runnable.running += 1
        try:
            reply = await self._within(runnable, message, context, claims)
        finally:
            runnable.running -= 1
        return passed(reply, self._bus.address, began)

    @handles(ReadResource)
    async def read_resource(self, message: ReadResource, context: Context) -> JSON:
        """Read a resource from the first source that knows the URI."""
        check(self._verifier, message, context, HERE)
        call = ToolCall(context, server=message.server)
        for source in self._present():
            found = await self._guard(f"reading {message.uri}", source.read(message.uri, call))
            if found is not None:
                return found
        raise AuraError("unknown_resource", f"there is no resource {message.uri!r}")

    @handles(GetPrompt)
    async def get_prompt(self, message: GetPrompt, context: Context) -> JSON:
        """Fill a prompt."""
        check(self._verifier, message, context, HERE)
        source = self.catalogue.prompt_source(message.name)
        if source is None:
            raise AuraError("unknown_prompt", f"there is no prompt {message.name!r}")
        call = ToolCall(
            context, server=message.server, client=message.client, inputs=message.inputs, state=message.state
        )
        work = source.get_prompt(message.name, message.arguments, call)
        return _given(f"prompt {message.name}", await self._guard(f"prompt {message.name}", work))

    @handles(Complete)
    async def complete(self, message: Complete, context: Context) -> JSON:
        """Complete an argument, from the first source that knows the reference."""
        check(self._verifier, message, context, HERE)
        call = ToolCall(context, server=message.server)
        for source in self._present():
            work = source.complete(message.ref, message.argument, message.context, call)
            found = await self._guard("completion", work)
            if found is not None:
                return found
        return {"completion": {"values": [], "total": 0, "hasMore": False}}

    @handles(Probe)
    async def probe(self, message: Probe, context: Context) -> JSON:
        """Whether calls can be run; the model workers' states are told, and aren't needed for that."""
        del message
        parts = {str(self._bus.address): part("ok", 0.0, "")}
        workers = addresses(self._boot.settings, "ml")
        within_s = min(_PING_S, context.header.remaining_s / 4)  # a worker that hangs mustn't make this actor look dead
        asked = (reached(self._bus, address, Ping(), context.header, within_s) for address in workers)
        for address, (found, _) in zip(workers, await asyncio.gather(*asked), strict=True):
            parts[str(address)] = found
        return {"ready": True, "parts": parts}

    def _present(self) -> list[ToolSource]:
        failed = self.catalogue.failed
        return [source for source in self.catalogue.sources if source.name not in failed and source.absent() is None]

    # --- running ------------------------------------------------------------------------------------------------------

    async def _within(self, runnable: Runnable, message: CallTool, context: Context, claims: Claims) -> JSON:
        definition = runnable.definition
        left_s = context.header.remaining_s - _MARGIN_S
        own_s = definition.timeout_s or self._settings.timeout_s
        limit_s = min(left_s, own_s)
        try:
            async with asyncio.timeout(limit_s) as scope:
                if definition.audience != HERE:
                    return await self._forward(runnable, message, context, limit_s)
                call = ToolCall(
                    context,
                    message.server,
                    message.client,
                    message.era,
                    message.meta,
                    message.inputs,
                    message.state,
                    claims.sandbox,
                )
                work = runnable.source.call(message.tool, message.arguments, call)
                return _given(message.tool, await self._guard(message.tool, work))
        except TimeoutError:
            if not scope.expired():
                raise AuraError("tool_failed", f"{message.tool}: a time-out inside the tool") from None
            whose = "its own limit" if own_s <= left_s else "the call's deadline"
            raise AuraError(
                "deadline_exceeded", f"{message.tool} did not end within {limit_s:.1f} s, {whose}"
            ) from None

    async def _guard(self, what: str, work: Awaitable[JSON | None]) -> JSON | None:
        try:
            return await work
        except RpcError as error:
            return error.reply()
        except (AuraError, TimeoutError):
            raise
        except Exception as error:
            if takes_no_threads(error):  # this process ends: no fault of the tool's
                raise
            log.exception("%s failed", what)
            raise AuraError("tool_failed", f"{what}: {_plain(error)}") from error

    async def _forward(self, runnable: Runnable, message: CallTool, context: Context, limit_s: float) -> JSON:
        """Let an actor that has the hardware run it."""
        audience = runnable.definition.audience
        replicas = self._replicas.get(audience)
        if replicas is None:
            replicas = self._replicas[audience] = Replicas(audience, self._boot.settings)
        tokens = {name: token for name, token in context.envelope.header.tokens.items() if name != HERE}
        header = context.header.within(limit_s - _MARGIN_S / 2).with_tokens(tokens)
        relay = Relay(context.emit)
        try:
            reply = await replicas.request(
                self._bus,
                message,
                header,
                on_item=relay.put,
                on_ask=context.ask,
                retry=runnable.definition.idempotent,
            )
            await relay.finish()
        except BaseException:
            relay.cancel()
            raise
        return reply


def _given(what: str, reply: JSON | None) -> JSON:
    if not isinstance(reply, dict):
        raise AuraError("tool_failed", f"{what} gave no result")
    return reply


def _plain(error: Exception) -> str:
    """An exception's message for the caller: its text, with secrets marked (before a cut could hide one), bounded."""
    text, _ = redact_text(str(error).strip() or type(error).__name__)
    return text if len(text) <= _MOST_MESSAGE_CHARS else text[:_MOST_MESSAGE_CHARS] + "…"
