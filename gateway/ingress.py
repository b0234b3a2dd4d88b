"""The re-entry port: an action caused inside begins here as a new request, and passes every layer anew."""

from __future__ import annotations

from dataclasses import replace

from aura_ia_mcp.bus.bus import Bus, Context, handles
from aura_ia_mcp.bus.envelope import MAX_DEPTH
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON, CallTool, Reenter
from aura_ia_mcp.bus.tokens import Verifier, grant, who

from .graph import Graph

AUDIENCE = "gateway"
CLIENT = {"name": "aura-inside"}


class Ingress:
    """Answers `Reenter`, and nothing else.

    Promises: the new request has the principal, session, trace and deadline of the call that caused it, names that call
    as its cause, lies one deeper, and is decided like any other. Without a grant of Safety's for that very call and
    principal nothing begins. When the one that waits goes away, the new request is cancelled.

    Args:
        key: checks grants.
        replicas: how many replicas Safety has.
    """

    def __init__(self, key: bytes, replicas: int) -> None:
        self._verifier = Verifier(AUDIENCE, key)
        self._replicas = replicas

    async def start(self, bus: Bus) -> None:
        """Ready at once."""
        self._graph = Graph(bus, self._replicas)

    async def stop(self) -> None:
        """Nothing to close."""

    @handles(Reenter)
    async def reenter(self, message: Reenter, context: Context) -> JSON:
        """Begin a new request."""
        header = context.envelope.header
        principal = header.principal
        self._verifier.verify(
            header.tokens.get(AUDIENCE),
            action=grant(message.parent),
            arguments=None,
            who=who(principal),
            delivery=None,
        )
        if header.depth >= MAX_DEPTH:
            raise AuraError(
                "invalid_arguments",
                f"{message.tool} would be the {header.depth + 1}th call inside another; at most {MAX_DEPTH} may nest",
                recovery="Let the steps call tools that don't begin further steps.",
            )
        call = CallTool(message.tool, message.arguments, server=message.server, meta={"aura/client": CLIENT})
        fresh = replace(header, cause=message.parent, hops=0, depth=header.depth + 1, tokens={})
        return await self._graph.reenter(call, fresh, on_ask=context.ask)
