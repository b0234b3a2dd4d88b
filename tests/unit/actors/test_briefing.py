"""A request for an approval, through Safety: what it binds is Safety's word, not the client's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aura_ia_mcp.actors.approval_drafts import NAMED
from aura_ia_mcp.actors.approvals import Approvals
from aura_ia_mcp.actors.safety import Safety
from aura_ia_mcp.actors.tools import Tools
from aura_ia_mcp.bus.messages import JSON, CallTool

from .graph import GUEST, OPERATOR, Graph

FORGED: JSON = {"contract": "forged", "policy": "forged", "risk": {"level": "low", "score": 0, "factors": []}}


@pytest.fixture
async def graph(tmp_path: Path) -> AsyncIterator[Graph]:
    made = Graph(tmp_path)
    await made.start("approvals", Approvals)
    await made.start("tools", Tools)
    await made.start("safety", Safety)
    yield made
    await made.close()


async def requested(graph: Graph, operation: str) -> JSON:
    """What a request by a guest, who says himself what the tool is, comes to."""
    given = {"operation": operation, "reason": "a test", "arguments": {"text": "hello"}}
    reply = await graph.request(CallTool("request_approval", given, meta={NAMED: FORGED}), GUEST)
    asked = {"approval_id": reply["structuredContent"]["approval_id"]}
    found: JSON = (await graph.call("get_approval", asked, OPERATOR))["structuredContent"]
    return found


async def test_the_contract_of_the_named_tool_is_safetys_word(graph: Graph) -> None:
    found = await requested(graph, "echo")
    record = next(each for each in graph.records() if each["name"] == "get_approval")
    contract = graph.actors["tools"].catalogue.tools["echo"].definition.fingerprint
    assert (found["tool"], found["contract"], found["policy"]) == ("echo", contract, record["policy"])


@pytest.mark.parametrize("operation", ["execute_command", "no_such_tool", "restart the server"])
async def test_a_tool_that_the_caller_can_not_see_is_words_to_it(graph: Graph, operation: str) -> None:
    found = await requested(graph, operation)
    assert (found["tool"], found["operation"], found["contract"], found["policy"]) == ("", operation, "", "")
