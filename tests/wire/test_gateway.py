"""Where the gateway listens, how it stops, and what it tells of itself."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from aura_ia_mcp.bus.envelope import Principal
from aura_ia_mcp.configs.paths import Paths
from aura_ia_mcp.configs.settings import Settings
from aura_ia_mcp.gateway.ports import ListenError
from aura_ia_mcp.gateway.server import Gateway

from .conftest import Start, request
from .graph import TestGraph


def made(root: Path, **section: Any) -> tuple[Settings, Paths]:
    settings = Settings.model_validate({"system": {"state_dir": root}, "gateway": section})
    return settings, Paths.of(settings)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.1.2.3", "example.com"])
async def test_it_refuses_to_let_strangers_in(tmp_path: Path, host: str) -> None:
    settings, paths = made(tmp_path, host=host)
    with pytest.raises(ListenError, match=r"gateway\.anonymous = false"):
        await Gateway(settings, paths, TestGraph(), "1").start()
    assert not paths.ingress.exists()


async def test_a_taken_port_is_blamed_on_its_holder(tmp_path: Path) -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    settings, paths = made(tmp_path, servers=[{"name": "gateway", "port": port}])
    with pytest.raises(ListenError) as refused:
        await Gateway(settings, paths, TestGraph(), "1").start()
    assert f"port {port} is taken" in str(refused.value)
    assert f"pid {os.getpid()}" in str(refused.value)
    assert not paths.ingress.exists()
    server.close()
    await server.wait_closed()


async def test_the_ingress_socket_is_for_its_owner_alone(start: Start) -> None:
    running = await start()
    ingress = running.paths.ingress
    assert stat.S_IMODE(ingress.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(ingress.stat().st_mode) == 0o600
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(ingress))) as http,
        http.get("http://whatever/live") as response,
    ):
        assert response.status == 200
    await running.gateway.stop(0)
    assert not ingress.exists()


async def test_a_stale_socket_is_replaced(start: Start, tmp_path: Path) -> None:
    _, paths = made(tmp_path / ".aura")
    paths.run.mkdir(parents=True)
    paths.ingress.touch()
    assert (await start()).gateway.urls


async def test_a_virtual_server_opens_when_one_of_its_tools_exists(start: Start) -> None:
    graph = TestGraph()
    tools, graph.tools = graph.tools, []
    running = await start(graph, servers=[{"name": "gateway", "port": 0}, {"name": "ml", "port": 0, "tools": ["echo"]}])
    assert list(running.gateway.endpoints) == ["gateway"]
    graph.tools = tools
    await asyncio.wait_for(graph.subscribed.wait(), 5)
    graph.changed("tools", "v2")
    async with asyncio.timeout(10):
        while "ml" not in running.gateway.endpoints:  # noqa: ASYNC110 - nothing in there sets an event of ours
            await asyncio.sleep(0.02)
    async with running.http.post(
        running.gateway.endpoints["ml"].replace("/mcp/stream", "/mcp/tools/call"), json={"name": "echo"}
    ) as response:
        assert response.status == 200
    assert graph.calls[0][0].server == "ml"


async def test_a_virtual_server_of_tools_for_operators_opens_at_once_and_by_one_question(start: Start) -> None:
    graph = TestGraph()
    graph.for_operators = {"echo"}
    running = await start(
        graph, servers=[{"name": "gateway", "port": 0}, {"name": "ops", "port": 0, "tools": ["echo"]}]
    )
    assert list(running.gateway.endpoints) == ["gateway", "ops"]
    asked = [how["header"].principal for _, message, how in graph.requests if message.kind == "catalogue.list"]
    assert [principal.id for principal in asked] == ["gateway"]
    async with running.http.get(running.gateway.endpoints["ops"].replace("stream", "tools/list")) as response:
        assert "echo" not in [tool["name"] for tool in (await response.json())["tools"]]


async def test_after_a_restart_without_the_graph_no_call_is_an_http_error_and_all_goes_on_when_it_is_back(
    start: Start,
) -> None:
    graph = TestGraph()
    graph.token("t1", Principal("token:ci"))
    first = await start(graph)
    old = await first.open(token="t1")
    await first.gateway.stop(0)
    graph.down = {"safety", "state"}
    running = await start(graph)
    call = {"name": "mirror", "arguments": {"region": "eu"}}
    token = {"Authorization": "Bearer t1"}
    guest = await running.open()
    replies = [
        await guest.ask(1, "tools/call", call),
        await running.post(request(1, "tools/call", call), **old.headers),
        await running.modern("tools/call", call),
        await running.modern("tools/call", call, Mcp_Param_Region="eu"),
        await running.modern("tools/call", call, **token),
    ]
    for reply in replies:
        assert (reply.status, reply.answer["result"]["isError"]) == (200, True)
        error = reply.answer["result"]["_meta"]["aura/error"]
        assert (error["code"], error["outcome"]) == ("not_delivered", "not_run")
    assert graph.calls == []
    graph.down = set()
    assert not (await guest.ask(2, "tools/call", call)).answer["result"]["isError"]
    assert not (await running.modern("tools/call", call, Mcp_Param_Region="eu", **token)).answer["result"]["isError"]
    assert (await running.post(request(2, "tools/call", call), **old.headers)).status == 404


async def test_stopping_lets_a_call_end_and_takes_no_other(start: Start) -> None:
    running = await start()
    talk = await running.open()
    stream = await talk.stream()
    call = asyncio.create_task(talk.call(1, "slow"))
    await asyncio.wait_for(running.graph.event(running.graph.started, "slow").wait(), 5)
    stopping = asyncio.create_task(running.gateway.stop(5))
    await asyncio.sleep(0)
    late = await asyncio.gather(talk.call(2, "echo"), return_exceptions=True)
    if not isinstance(late[0], BaseException):
        assert late[0].json["result"]["_meta"]["aura/error"]["code"] == "stopping"
    running.graph.event(running.graph.release, "slow").set()
    assert (await call).json["result"]["content"][0]["text"] == "slow done"
    await asyncio.wait_for(stopping, 5)
    assert await stream.rest() == []


async def test_stopping_does_not_wait_for_ever(start: Start) -> None:
    running = await start()
    talk = await running.open()
    call = asyncio.create_task(talk.call(1, "slow"))
    await asyncio.wait_for(running.graph.event(running.graph.started, "slow").wait(), 5)
    await asyncio.wait_for(running.gateway.stop(0.05), 5)
    await asyncio.wait_for(running.graph.event(running.graph.cancelled, "slow").wait(), 5)
    await asyncio.gather(call, return_exceptions=True)


async def test_it_reports_to_telemetry(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aura_ia_mcp.gateway.server._REPORT_S", 0.01)
    running = await start()
    await running.open()
    async with asyncio.timeout(10):
        while not any(report.figures["sessions"] for report in running.graph.reports):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    report = running.graph.reports[-1]
    assert report.source == "gateway/0"
    assert report.figures["pid"] == os.getpid()
    assert report.figures["rss_bytes"] > 0


async def test_idle_sessions_end(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aura_ia_mcp.gateway.server._REPORT_S", 0.01)
    running = await start(session_idle_s=0.05)
    talk = await running.open()
    async with asyncio.timeout(10):
        while len(running.gateway._sessions):  # noqa: ASYNC110 - nothing in there sets an event of ours
            await asyncio.sleep(0.01)
    assert (await talk.ask(1, "ping")).status == 404


async def test_many_calls_leave_nothing_behind(start: Start) -> None:
    running = await start()
    talk = await running.open()
    message = request(1, "tools/call", {"name": "count", "arguments": {}, "_meta": {"progressToken": 1}})
    for number in range(300):
        await running.post({**message, "id": number}, **talk.headers)
    session = next(iter(running.gateway._sessions))
    assert session.open == {}
    assert session.events.held_bytes <= 1_048_576
    assert running.gateway._door.in_flight == 0
