from __future__ import annotations

from aura_ia_mcp.bus.messages import JSON
from aura_ia_mcp.gateway.catalogue import Catalogue
from aura_ia_mcp.gateway.exchange import Exchange
from aura_ia_mcp.gateway.graph import GUEST, Caller, Graph
from aura_ia_mcp.gateway.methods import Methods
from aura_ia_mcp.gateway.metrics import Metrics
from tests.wire.graph import TestGraph


class Answering(Exchange):
    """A client of the older era that answers whatever it is asked."""

    asked = 0

    async def ask(self, method: str, params: JSON) -> JSON:
        self.asked += 1
        return {"action": "accept"}


async def test_a_tool_that_asks_without_end_is_given_up() -> None:
    graph = TestGraph()
    exchange = Answering(Caller(GUEST), "2025-11-25", {"elicitation": {}}, {})
    methods = Methods(Graph(graph), Catalogue(Graph(graph)), 5.0, Metrics("1"))
    result = await methods.call_tool(exchange, {"name": "insatiable"})
    assert result["_meta"]["aura/error"]["code"] == "tool_failed"
    assert (exchange.asked, len(graph.calls)) == (8, 9)
