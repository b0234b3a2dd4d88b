"""What lies around actors that cause calls: a caller with grants, an ingress, a router and rules, in a test's hand."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Any

from aura_ia_mcp.bus.bus import Bus, Context, handles
from aura_ia_mcp.bus.envelope import Header, Principal, new_id
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.keys import audience_key
from aura_ia_mcp.bus.messages import JSON, CallTool, Reenter, Route, RulesChanged
from aura_ia_mcp.bus.peer import Peer
from aura_ia_mcp.bus.tokens import Claims, Minter, Verifier, digest, grant, who

from .graph import GUEST, Graph

PARENT = "c0ffee00c0ffee00"
Answer = Callable[[JSON, Context], Awaitable[JSON]]


def reply(structured: JSON, audit_id: str = "a1") -> JSON:
    return {"content": [], "structuredContent": structured, "isError": False, "_meta": {"aura/audit_id": audit_id}}


def fact(name: str, capability: str = "status", **more: Any) -> JSON:
    plain: JSON = {"category": "c", "risk": "low", "exposed": True, "read_only": True, "destructive": False}
    return {"name": name, "capability": capability, "open_world": False, "input_schema": {}} | plain | more


class Ingress:
    """Answers steps as a test says, and checks their grant as the real one does."""

    def __init__(self, decision_root: bytes) -> None:
        self._verifier = Verifier("gateway", audience_key(decision_root, "gateway"))
        self.answers: dict[str, Answer] = {}
        self.asked: list[Reenter] = []
        self.running = 0
        self.most = 0
        self.cancelled: list[str] = []

    @handles(Reenter)
    async def reenter(self, message: Reenter, context: Context) -> JSON:
        header = context.envelope.header
        self._verifier.verify(
            header.tokens.get("gateway"),
            action=grant(message.parent),
            arguments=None,
            who=who(header.principal),
            delivery=None,
        )
        self.asked.append(message)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            return await self.answers.get(message.tool, _echo)(message.arguments, context)
        except asyncio.CancelledError:
            self.cancelled.append(message.tool)
            raise
        finally:
            self.running -= 1

    async def start(self, bus: Bus) -> None:
        pass

    async def stop(self) -> None:
        pass


async def _echo(arguments: JSON, context: Context) -> JSON:
    del context
    await asyncio.sleep(0)
    return reply({"given": arguments})


def fails(code: str, message: str = "no", **more: Any) -> Answer:
    async def answer(arguments: JSON, context: Context) -> JSON:
        raise AuraError(code, message, **more)

    return answer


class Router:
    """Routes as a test says."""

    def __init__(self) -> None:
        self.route: JSON = {}
        self.asked: list[Route] = []

    @handles(Route)
    async def on_route(self, message: Route, context: Context) -> JSON:
        self.asked.append(message)
        plain = {"kind": "none", "name": "", "arguments": {}, "confidence": 0.9, "margin": 0.5, "asks": "", "why": []}
        told = {"alternatives": [], "destructive": False, "language": "en", "meaning": True}
        layers = [{"layer": "L2", "actor": "router/0", "ms": 1.0}, {"layer": "L1", "actor": "ml/0", "ms": 0.5}]
        return plain | told | self.route | {"_meta": {"aura/layers": layers}}


class Shown:
    """Publishes the shipped rules, as the Role engine does."""

    def __init__(self) -> None:
        folder = files("aura_ia_mcp.configs")
        policy, roles = ((folder / f"{name}.yaml").read_text("utf-8") for name in ("policy", "roles"))
        self.event = RulesChanged(policy, "p1", roles, "r1")


class Inside:
    """A graph with actors under test below a caller that stands where Tools does.

    Args:
        graph: of peers.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.ingress = Ingress(graph.decision_root)
        self.router = Router()
        self._minter = Minter(graph.decision_root)

    async def start(self) -> Peer:
        await self.graph.peer("gateway", self.ingress)
        await self.graph.peer("router", self.router)  # type: ignore[arg-type]
        roles = await self.graph.peer("roles")
        roles.publish("rules", Shown().event)
        return await self.graph.peer("tools")

    def tokens(self, principal: Principal, *, tool: str = "", arguments: Any = None, **claims: Any) -> dict[str, bytes]:
        """What Safety mints for a call of a tool that re-enters."""

        def mint(audience: str, action: str, covered: Any) -> bytes:
            made: JSON = {
                "id": new_id(),
                "who": who(principal),
                "action": action,
                "arguments": digest(covered),
                "policy": "p",
                "audience": audience,
                "expires": time.time() + 60,
            }
            return self._minter.mint(Claims(**(made | claims)))

        tokens = {audience: mint(audience, grant(PARENT), None) for audience in ("gateway", "workflow")}
        if tool:
            claims.setdefault("call", PARENT)
            tokens["reasoning"] = mint("reasoning", f"call:{tool}", arguments)
        return tokens

    async def call(
        self, tool: str, arguments: JSON, facts: list[JSON], principal: Principal = GUEST, **more: Any
    ) -> JSON:
        """Call a tool of Reasoning as Tools does."""
        header = more.pop("header", None) or Header(principal=principal, session="s")
        header = header.with_tokens(self.tokens(principal, tool=tool, arguments=arguments))
        message = CallTool(tool, arguments, meta={"aura/tools": facts})
        return await self.graph.peers["tools"].request("reasoning", message, header=header, **more)


__all__ = ["Ingress", "Inside", "Router", "fact", "fails", "reply"]
