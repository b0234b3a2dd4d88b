"""An actor as the audience of calls: what is checked before a tool runs, and what its reply tells of the way."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from aura_ia_mcp.actors.audience import Audience
from aura_ia_mcp.actors.boot import Boot
from aura_ia_mcp.actors.decision import action_of, covered
from aura_ia_mcp.bus.bus import Bus, Context, handles
from aura_ia_mcp.bus.envelope import Header, new_id
from aura_ia_mcp.bus.messages import JSON, CallTool
from aura_ia_mcp.bus.tokens import Claims, Minter, digest, who

from .graph import GUEST, Graph, code_of

BELOW = {"layer": "L1", "actor": "ml/0", "ms": 1.0}


class Runner:
    """An actor with one tool, which tells of a layer below and of something of its own."""

    def __init__(self, boot: Boot) -> None:
        self.audience = Audience(boot, {"look": self._look})
        self.ran: list[JSON] = []

    @handles(CallTool)
    async def call_tool(self, message: CallTool, context: Context) -> JSON:
        return await self.audience.run(message, context)

    async def _look(self, message: CallTool, context: Context, claims: Claims) -> JSON:
        self.ran.append(message.arguments)
        return {"content": [], "_meta": {"aura/layers": [BELOW], "aura/own": 1}}

    async def start(self, bus: Bus) -> None:
        pass

    async def stop(self) -> None:
        pass


@pytest.fixture
async def graph(tmp_path: Path) -> AsyncIterator[Graph]:
    graph = Graph(tmp_path)
    await graph.peer("tools")
    await graph.start("reasoning", Runner)
    yield graph
    await graph.close()


async def call(graph: Graph, message: CallTool, decided: CallTool | None = None, audience: str = "reasoning") -> JSON:
    """Call a tool with a token for `decided`, or for the very message."""
    allowed = decided or message
    claims = Claims(
        id=new_id(),
        who=who(GUEST),
        action=action_of(allowed),
        arguments=digest(covered(allowed)),
        policy="p",
        audience=audience,
        expires=time.time() + 60,
    )
    tokens = {"reasoning": Minter(graph.decision_root).mint(claims)}
    return await graph.peers["tools"].request("reasoning", message, header=Header(principal=GUEST, tokens=tokens))


async def test_the_reply_tells_this_layer_before_those_below_and_keeps_what_else_it_says(graph: Graph) -> None:
    meta = (await call(graph, CallTool("look", {"at": 1})))["_meta"]
    own, *below = meta["aura/layers"]
    assert (own["layer"], own["actor"], own["ms"] >= 0) == ("L4", "reasoning/0", True)
    assert (below, meta["aura/own"]) == ([BELOW], 1)


@pytest.mark.parametrize(
    ("decided", "audience"),
    [
        (CallTool("look", {"at": 2}), "reasoning"),
        (CallTool("leap", {"at": 1}), "reasoning"),
        (CallTool("look", {"at": 1}), "ml"),
    ],
)
async def test_a_token_for_another_call_or_another_actor_runs_nothing(
    graph: Graph, decided: CallTool, audience: str
) -> None:
    assert await code_of(call(graph, CallTool("look", {"at": 1}), decided, audience)) == "invalid_token"
    assert graph.actors["reasoning"].ran == []


async def test_a_tool_that_the_actor_does_not_have_is_unknown(graph: Graph) -> None:
    assert await code_of(call(graph, CallTool("leap", {}))) == "unknown_tool"


def test_without_the_key_that_checks_tokens_no_actor_is_made(tmp_path: Path) -> None:
    boot = replace(Graph(tmp_path).boot("reasoning"), audience_key=None)
    with pytest.raises(ValueError, match="reasoning/0 needs the key"):
        Audience(boot, {})
