"""How Tools runs what its sources offer, and tells what there is."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from aura_ia_mcp.actors.safety import Safety
from aura_ia_mcp.actors.tools import Tools
from aura_ia_mcp.bus.envelope import Header
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import (
    JSON,
    ListCatalogue,
    Probe,
    Subscribe,
)
from aura_ia_mcp.configs.settings import Settings

from ..graph import GUEST, Graph, code_of, define, until
from .fixtures import Fixtures


async def test_a_tools_own_fault_reaches_the_caller_as_its_message(
    graph: Graph, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(AuraError) as caught:
        await graph.call("fail", {"what": "that"})
    assert caught.value.failure.message == "fail: no such thing as that"
    assert (caught.value.code, caught.value.failure.outcome) == ("tool_failed", "failed")
    assert "Traceback" in caplog.text


async def test_a_json_rpc_error_of_a_tool_comes_back_as_data(graph: Graph) -> None:
    reply = await graph.call("explain")
    assert reply["rpc_error"]["code"] == -32021
    assert graph.records()[0]["outcome"] == "rpc_error"


async def test_a_tool_ends_at_its_own_limit_and_makes_room(graph: Graph) -> None:
    assert await code_of(graph.call("slow")) == "deadline_exceeded"
    assert await code_of(graph.call("slow")) == "deadline_exceeded"


async def test_a_tool_ends_at_the_calls_deadline(graph: Graph, fixtures: Fixtures) -> None:
    fixtures.go.clear()
    header = Header(principal=GUEST).within(0.3)
    assert await code_of(graph.call("count", header=header)) == "deadline_exceeded"
    await until(lambda: len(graph.records()) == 1)
    assert graph.records()[0]["error"]["code"] == "deadline_exceeded"


async def test_one_call_too_many_of_a_tool_is_refused_at_once(graph: Graph, fixtures: Fixtures) -> None:
    first = asyncio.create_task(code_of(graph.call("slow")))
    await asyncio.wait_for(fixtures.entered.wait(), 5)
    assert await code_of(graph.call("slow")) == "too_many_calls"
    assert await first == "deadline_exceeded"


async def test_a_changed_catalogue_reaches_safety_and_then_its_listeners(graph: Graph, fixtures: Fixtures) -> None:
    await graph.call("count")
    heard: list[JSON] = []

    async def listen() -> None:
        async for item in graph.peers["gateway"].stream("safety", Subscribe("catalogue"), header=Header()):
            heard.append(item)
            names = {e["name"] for e in (await graph.request(ListCatalogue("tools")))["entries"]}
            if "fresh" in names:
                return

    task = asyncio.create_task(listen())
    await until(lambda: bool(heard))
    fixtures.definitions["fresh"] = define("fresh")
    fixtures.functions["fresh"] = fixtures.functions["count"]
    fixtures.listener.changed("tools")
    await asyncio.wait_for(task, 5)
    assert (await graph.call("fresh"))["content"]
    fixtures.listener.updated("test://one")


async def test_a_source_that_is_absent_is_named_with_its_reason(graph: Graph, fixtures: Fixtures) -> None:
    await graph.call("count")
    fixtures.absent = lambda: "the upstream is down; start it"  # type: ignore[method-assign]
    fixtures.listener.changed("tools")
    await until(lambda: "count" not in graph.actors["tools"].catalogue.tools)
    async with asyncio.timeout(5):
        reply = await graph.request(ListCatalogue("tools"))
        while not reply["absent"]:
            reply = await graph.request(ListCatalogue("tools"))
    assert reply["absent"] == [{"source": "scripted", "reason": "the upstream is down; start it"}]


async def test_a_tool_with_a_taken_name_or_a_schema_that_is_none_is_left_out_and_told(
    graph: Graph, fixtures: Fixtures
) -> None:
    fixtures.definitions["echo"] = define("echo")
    fixtures.definitions["odd"] = replace(define("odd"), input_schema={"type": "array"})
    fixtures.definitions["far"] = replace(
        define("far"), input_schema={"type": "object", "properties": {"a": {"$ref": "http://127.0.0.1:9/s.json"}}}
    )
    catalogue = graph.actors["tools"].catalogue
    catalogue.refresh()
    assert {"odd", "far"}.isdisjoint(catalogue.tools)
    assert catalogue.tools["echo"].source.name == "builtin"
    reasons = " ".join(absent.reason for absent in catalogue.absent)
    assert all(f"tool {name}" in reasons for name in ("echo", "odd", "far"))


async def test_tools_gone_is_told_and_healed(graph: Graph, fixtures: Fixtures) -> None:
    await graph.call("count")
    await graph.end("tools")
    with pytest.raises(AuraError) as caught:
        await graph.call("count", header=Header(principal=GUEST).within(0.5))
    assert caught.value.code in ("not_delivered", "deadline_exceeded")
    assert (await graph.request(Probe()))["ready"] is False
    await graph.start("tools", Tools, lambda: fixtures)
    assert (await graph.call("count"))["content"]
    assert (await graph.request(Probe()))["ready"] is True


async def test_a_call_before_tools_has_told_its_catalogue_waits_for_it(tmp_path: Path) -> None:
    graph = Graph(tmp_path, Settings.model_validate({"bus": {"patience_s": 5}}))
    await graph.start("safety", Safety)
    task = asyncio.create_task(graph.call("echo", {"text": "x"}))
    await asyncio.sleep(0)
    await graph.start("tools", Tools)
    assert (await asyncio.wait_for(task, 10))["structuredContent"] == {"text": "x"}
    await graph.close()
