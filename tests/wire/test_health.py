"""Health and metrics, over plain HTTP."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from unittest.mock import Mock

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from aura_ia_mcp.bus.envelope import Principal
from aura_ia_mcp.gateway.arrival import Entrance

from .conftest import Running, Start
from .graph import TestGraph


async def get(running: Running, path: str, **headers: str) -> tuple[int, Any]:
    async with running.http.get(running.base + path, headers=headers) as response:
        body = await response.read()
        return response.status, json.loads(body) if response.content_type == "application/json" else body.decode()


async def test_health_tells_the_truth_and_why(running: Running) -> None:
    running.graph.ready = False
    status, report = await get(running, "/health")
    assert (status, report["ready"]) == (503, False)
    assert report["reasons"] == ["tools/0: loading"]
    assert (await get(running, "/live"))[0] == 200


async def test_health_is_ready_when_a_call_can_be_served(running: Running) -> None:
    assert (await get(running, "/health"))[0] == 200


async def test_health_fails_with_a_reason_when_nobody_answers(running: Running) -> None:
    running.graph.down.add("safety")
    status, report = await get(running, "/health")
    assert status == 503
    assert "safety" in report["reasons"][0]


async def test_health_names_the_replica_that_is_missing(start: Start) -> None:
    graph = TestGraph()
    graph.down.add("safety/1")
    running = await start(graph, replicas={"safety": 2})
    status, report = await get(running, "/health")
    assert (status, [reason.partition(":")[0] for reason in report["reasons"]]) == (503, ["safety/1"])


async def test_many_health_checks_are_one_probe(running: Running) -> None:
    await asyncio.gather(*(get(running, "/health") for _ in range(20)))
    asked = [how["target"] for _, message, how in running.graph.requests if message.kind == "probe"]
    assert asked == ["safety/0", "state/0"]


async def test_metrics_count_calls_by_tool_and_outcome_and_hold_no_ids(running: Running) -> None:
    talk = await running.open()
    await talk.ask(0, "tools/list")
    await talk.call("very-special-id", "echo", text="x")
    await talk.call(2, "refuse", code="rate_limited")
    await talk.call(3, "no_such_tool")
    await running.post(b"nonsense")
    status, page = await get(running, "/metrics")
    assert status == 200
    for line in (
        'aura_tool_calls_total{outcome="ok",tool="echo"} 1.0',
        'aura_tool_calls_total{outcome="rate_limited",tool="refuse"} 1.0',
        'aura_tool_calls_total{outcome="validation",tool="other"} 1.0',
        'aura_requests_rejected_total{reason="malformed"} 1.0',
        "aura_sessions 1.0",
        'aura_build_info{version="1.2.3"} 1.0',
    ):
        assert line in page
    assert "very-special-id" not in page
    assert talk.headers["Mcp-Session-Id"] not in page


@pytest.mark.parametrize(
    ("local", "peer", "token", "status"),
    [
        (False, "10.0.0.9", "", 401),
        (False, "10.0.0.9", "wrong", 401),
        (False, "10.0.0.9", "t1", 200),
        (False, "127.0.0.1", "", 200),
        (True, "127.0.0.1", "", 200),
    ],
)
async def test_another_machine_needs_a_token_for_the_metrics(
    start: Start, local: bool, peer: str, token: str, status: int
) -> None:
    running = await start(anonymous=False)
    running.graph.token("t1", Principal("token:ci"))
    transport = Mock(spec=asyncio.Transport)
    transport.get_extra_info.side_effect = {"peername": (peer, 4242)}.get
    headers = {"Host": "localhost"} | ({"Authorization": f"Bearer {token}"} if token else {})
    asked = make_mocked_request("GET", "/metrics", headers=headers, transport=transport)
    answer = await running.gateway._door.entrance(Entrance("gateway", unix=False, local=local))(asked)
    assert isinstance(answer, web.Response)
    assert isinstance(answer.body, bytes)
    assert (answer.status, b"aura_build_info" in answer.body) == (status, status == 200)
