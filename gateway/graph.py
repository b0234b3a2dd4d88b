"""The one place of the gateway that talks to the bus."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aura_ia_mcp.bus.address import Address
from aura_ia_mcp.bus.bus import Bus, OnAsk, OnItem
from aura_ia_mcp.bus.envelope import Header, Principal
from aura_ia_mcp.bus.errors import AuraError, ErrorType, Failure
from aura_ia_mcp.bus.messages import (
    Authenticate,
    CallTool,
    Complete,
    GetPrompt,
    ListCatalogue,
    Message,
    Probe,
    ReadResource,
    Report,
)
from aura_ia_mcp.bus.routing import replica_of

from .jsonrpc import JSON
from .sentences import joined, seconds

GUEST = Principal("guest", kind="agent", roles=("guest",))
_ITSELF = Principal("gateway", kind="service", roles=("operator",))
_LIST_S = 10.0
_AUTHENTICATE_S = 5.0
_RETRY_S = 2.0
_STATE = Address("state")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Caller:
    """On whose behalf a message enters the graph.

    Args:
        principal: who asks.
        session: a public name of the client's session, or "".
        server: the virtual server it came in by.
        trace: W3C `traceparent`, or "".
    """

    principal: Principal
    session: str = ""
    server: str = "gateway"
    trace: str = ""


class Graph:
    """Asks the graph on behalf of callers.

    Every method raises `AuraError`, and nothing else, when the graph refuses or fails; cancelling the awaiting task
    cancels the work down there.

    Args:
        bus: how to reach the actors.
        replicas: how many replicas Safety has.
    """

    def __init__(self, bus: Bus, replicas: int = 1) -> None:
        self._bus = bus
        self._replicas = replicas

    async def list(self, caller: Caller, what: str) -> JSON:
        """The catalogue's entries of one kind that the caller may see: {"entries", "version", "absent"}."""
        return await self._ask(caller, ListCatalogue(what, server=caller.server), _LIST_S)

    async def list_whole(self, server: str, what: str) -> JSON:
        """What a virtual server shows, whoever may use it; the first Safety that answers tells, and none is waited for.

        For the gateway's own decisions, never for a client: it is asked in the gateway's own name, which is used for
        nothing else.
        """
        message = ListCatalogue(what, server=server)
        *others, last = self.gates
        for gate in others:
            with suppress(AuraError):
                return await self._list_whole(gate, message)
        return await self._list_whole(last, message)

    async def _list_whole(self, gate: Address, message: ListCatalogue) -> JSON:
        header = Header(principal=_ITSELF, deadline=time.monotonic() + _LIST_S)
        return await self._request(gate, message, header, patience_s=0.0)

    async def call(
        self,
        caller: Caller,
        message: CallTool,
        *,
        timeout_s: float,
        retry: bool = False,
        on_item: OnItem | None = None,
        on_ask: OnAsk | None = None,
    ) -> JSON:
        """Run a tool; the reply is MCP's CallToolResult or InputRequiredResult.

        Args:
            caller: who calls.
            message: the call.
            timeout_s: seconds until nobody waits any more.
            retry: whether the tool may run twice, so that a broken connection is no error.
            on_item: hears progress and logs, in order.
            on_ask: answers the tool's questions.
        """
        return await self._ask(caller, message, timeout_s, retry=retry, on_item=on_item, on_ask=on_ask)

    async def reenter(self, message: CallTool, header: Header, *, on_ask: OnAsk) -> JSON:
        """Run a tool for a call that is under way: `header` says for whom, until when, and how deep."""
        assert header.principal is not None  # a grant is for somebody
        return await self._request(self.gate(header.principal), message, header, on_ask=on_ask)

    async def read(self, caller: Caller, uri: str, *, timeout_s: float) -> JSON:
        """Read a resource; the reply is MCP's ReadResourceResult."""
        return await self._ask(caller, ReadResource(uri, server=caller.server), timeout_s)

    async def prompt(self, caller: Caller, message: GetPrompt, *, timeout_s: float) -> JSON:
        """Fill a prompt; the reply is MCP's GetPromptResult or InputRequiredResult."""
        return await self._ask(caller, message, timeout_s)

    async def complete(self, caller: Caller, message: Complete, *, timeout_s: float) -> JSON:
        """Complete an argument; the reply is MCP's CompleteResult."""
        return await self._ask(caller, message, timeout_s)

    async def authenticate(self, digest: str) -> JSON:
        """Who holds the token with this SHA-256: {"principal": {...} | None, "expires_at"}.

        Raises:
            AuraError: of type `unavailable` whatever kept it from being told: nothing that the caller wants has run.
        """
        header = Header(deadline=time.monotonic() + _AUTHENTICATE_S)
        try:
            return await self._request(_STATE, Authenticate(digest), header)
        except AuraError as error:
            if error.failure.type == ErrorType.UNAVAILABLE:
                raise
            message = f"nobody could tell whose token this is: {error}"
            raise AuraError("unavailable", message, retry_after_s=_RETRY_S) from error

    async def probe(self, deadline_s: float) -> JSON:
        """Can everybody's calls be served now? {"ready", "parts"}; a replica that doesn't answer is a part, too.

        Each replica of Safety is asked once, and State, which knows whose a token is; with no patience for a restart.
        Never raises.
        """
        replies = await asyncio.gather(*(self._probe(address, deadline_s) for address in (*self.gates, _STATE)))
        parts = {name: part for reply in reversed(replies) for name, part in reply["parts"].items()}
        return {"ready": all(reply["ready"] for reply in replies), "parts": parts}

    async def _probe(self, gate: Address, deadline_s: float) -> JSON:
        began = time.perf_counter()
        try:
            header = Header(deadline=time.monotonic() + deadline_s)
            return await self._request(gate, Probe(), header, patience_s=0.0)
        except AuraError as error:
            ms = round((time.perf_counter() - began) * 1000, 3)
            detail = joined(error.failure.message, error.failure.recovery)
            return {"ready": False, "parts": {str(gate): {"status": "down", "latency_ms": ms, "detail": detail}}}

    async def report(self, source: str, figures: JSON) -> None:
        """Tell telemetry how the gateway is; does nothing while telemetry is away."""
        try:
            await self._bus.send(Address("telemetry"), Report(source, figures))
        except AuraError as error:
            log.debug("no report to telemetry: %s", error)

    @property
    def gates(self) -> tuple[Address, ...]:
        """Every Safety."""
        return tuple(Address("safety", replica) for replica in range(self._replicas))

    def gate(self, principal: Principal) -> Address:
        """The Safety that decides for a principal; always the same one."""
        return Address("safety", replica_of(principal.id, self._replicas))

    async def _ask(self, caller: Caller, message: Message, timeout_s: float, **more: Any) -> JSON:
        header = Header(
            principal=caller.principal,
            session=caller.session,
            trace=caller.trace,
            deadline=time.monotonic() + timeout_s,
        )
        return await self._request(self.gate(caller.principal), message, header, **more)

    async def _request(self, target: Address, message: Message, header: Header, **more: Any) -> JSON:
        try:
            return await self._bus.request(target, message, header=header, **more)
        except AuraError:
            raise
        except (OverflowError, UnicodeEncodeError) as error:
            raise AuraError("invalid_arguments", f"a value can't travel to the tool: {error}") from None
        except Exception as error:
            log.exception("%s to %s failed in the gateway", message.kind, target)
            raise AuraError(
                "handler_failed", f"{message.kind} failed in the gateway: {type(error).__name__}"
            ) from error


def refusal(failure: Failure) -> JSON:
    """A failure as MCP's CallToolResult: text for a person or a model, and the whole of it in `_meta`."""
    text = joined(failure.message, failure.recovery, "\n")
    if failure.retry_after_s is not None:
        text += f"\nRetry after {seconds(failure.retry_after_s)} s."
    meta: JSON = {"aura/error": failure.as_dict()}
    if failure.audit_id:
        meta["aura/audit_id"] = failure.audit_id
    if failure.receipt:
        meta["aura/receipt"] = failure.receipt
    return {"content": [{"type": "text", "text": text}], "isError": True, "_meta": meta}
