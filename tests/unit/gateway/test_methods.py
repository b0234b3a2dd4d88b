from __future__ import annotations

import time
from typing import Any

import pytest
from mcp_types.jsonrpc import INVALID_PARAMS

from aura_ia_mcp.bus.messages import JSON
from aura_ia_mcp.gateway.catalogue import Catalogue
from aura_ia_mcp.gateway.graph import GUEST, Caller, Graph
from aura_ia_mcp.gateway.jsonrpc import RpcError
from aura_ia_mcp.gateway.methods import Methods
from aura_ia_mcp.gateway.metrics import Metrics
from aura_ia_mcp.gateway.rest import RestExchange
from tests.wire.graph import TestGraph


class Answering(RestExchange):
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


async def call(graph: TestGraph, meta: JSON) -> tuple[str, float]:
    """Call `echo`; the idempotency key and the seconds that the graph was given."""
    methods = Methods(Graph(graph), Catalogue(Graph(graph)), 5.0, Metrics("1"))
    exchange = RestExchange(Caller(GUEST), "2026-07-28", {}, meta, "from the header")
    exchange.modern = True
    began = time.monotonic()
    await methods.call_tool(exchange, {"name": "echo"})
    message, header = graph.calls[-1]
    assert header.deadline is not None
    return message.key, header.deadline - began


@pytest.mark.parametrize(
    ("meta", "key"),
    [
        ({}, "from the header"),
        ({"callId": ""}, "from the header"),
        ({"callId": "a"}, ":a"),
        ({"callId": 0}, ":0"),
        ({"callId": 7, "threadId": "t"}, "t:7"),
    ],
)
async def test_a_call_id_is_the_key_as_text_or_integer(meta: JSON, key: str) -> None:
    assert (await call(TestGraph(), meta))[0] == key


@pytest.mark.parametrize(
    ("named", "least", "most"), [(2, 2, 3), (0.5, 0.5, 2), (7200, 3600, 3602), (1e300, 3600, 3602)]
)
async def test_a_named_deadline_holds_up_to_an_hour(named: float, least: float, most: float) -> None:
    assert least <= (await call(TestGraph(), {"aura/timeout_s": named}))[1] < most


WRONG_IDS: list[Any] = [1.5, True, None, [], {}]
WRONG_TIMES: list[Any] = [0, -1, True, None, "5", [], float("nan")]


@pytest.mark.parametrize(
    "meta",
    [*({"callId": value} for value in WRONG_IDS), *({"aura/timeout_s": value} for value in WRONG_TIMES)],
)
async def test_a_wrong_type_in_meta_is_refused_before_anything_runs(meta: dict[str, Any]) -> None:
    graph = TestGraph()
    with pytest.raises(RpcError) as refused:
        await call(graph, meta)
    assert refused.value.code == INVALID_PARAMS
    assert next(iter(meta)) in refused.value.message
    assert graph.calls == []
