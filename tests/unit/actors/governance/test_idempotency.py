"""A call with an idempotency key runs once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from aura_ia_mcp.actors.safety import Safety
from aura_ia_mcp.actors.tools import Tools
from aura_ia_mcp.configs.settings import Settings

from ..graph import GUEST, OPERATOR, Graph, code_of, until
from .fixtures import Fixtures


async def test_the_same_key_gives_the_same_answer_and_runs_once(graph: Graph, fixtures: Fixtures) -> None:
    first = await graph.call("write", {"a": 1}, key="k")
    again = await graph.call("write", {"a": 1}, key="k")
    assert fixtures.runs == 1
    assert again["content"] == first["content"]
    assert [(r["outcome"], r.get("replayed", False)) for r in graph.records()] == [("ok", False), ("replayed", True)]


async def test_a_duplicate_waits_for_the_first(graph: Graph, fixtures: Fixtures) -> None:
    fixtures.go.clear()
    calls = [asyncio.create_task(graph.call("write", key="k")) for _ in range(3)]
    await asyncio.wait_for(fixtures.entered.wait(), 5)
    await asyncio.sleep(0)
    fixtures.go.set()
    replies = await asyncio.wait_for(asyncio.gather(*calls), 5)
    assert fixtures.runs == 1
    assert {reply["content"][0]["text"] for reply in replies} == {"run 1"}


async def test_the_same_key_with_other_arguments_or_another_tool_is_refused(graph: Graph) -> None:
    await graph.call("write", {"a": 1}, key="k")
    assert await code_of(graph.call("write", {"a": 2}, key="k")) == "idempotency_conflict"
    assert await code_of(graph.call("count", {"a": 1}, key="k")) == "idempotency_conflict"


async def test_keys_of_two_principals_have_nothing_in_common(graph: Graph, fixtures: Fixtures) -> None:
    await graph.call("write", {"a": 1}, key="k")
    await graph.call("write", {"a": 2}, OPERATOR, key="k")
    assert fixtures.runs == 2


async def test_one_name_in_two_tenants_is_two_principals(tmp_path: Path, fixtures: Fixtures) -> None:
    graph = Graph(tmp_path / "tenants", Settings.model_validate({"safety": {"rate_limit": 1}}))
    await graph.start("tools", Tools, lambda: fixtures)
    await graph.start("safety", Safety)
    for tenant in ("one", "two"):
        await graph.call("write", {"tenant": tenant}, replace(GUEST, tenant=tenant), key="k")
    assert fixtures.runs == 2
    assert await code_of(graph.call("write", {}, replace(GUEST, tenant="one"))) == "rate_limited"
    await graph.close()


async def test_without_a_key_every_call_runs(graph: Graph, fixtures: Fixtures) -> None:
    await graph.call("write")
    await graph.call("write")
    assert fixtures.runs == 2


async def test_a_key_whose_call_did_not_run_may_be_used_again(graph: Graph) -> None:
    assert await code_of(graph.call("echo", {"text": 1}, key="k")) == "invalid_arguments"
    assert await code_of(graph.call("echo", {"text": 1}, key="k")) == "invalid_arguments"
    assert (await graph.call("echo", {"text": "x"}, key="k"))["structuredContent"]


async def test_what_may_have_changed_something_is_not_repeated_after_it_was_cancelled(
    graph: Graph, fixtures: Fixtures
) -> None:
    fixtures.go.clear()
    task = asyncio.create_task(graph.call("write", key="k"))
    await asyncio.wait_for(fixtures.entered.wait(), 5)
    task.cancel()
    await until(lambda: fixtures.cancelled == 1 and len(graph.records()) == 1)
    assert await code_of(graph.call("write", key="k")) == "cancelled"
    assert fixtures.runs == 1
