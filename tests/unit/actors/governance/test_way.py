"""The way of a governed call: its answer, its record, and what travels along it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from aura_ia_mcp.bus.envelope import Header, Principal
from aura_ia_mcp.bus.messages import (
    JSON,
    CallTool,
    Complete,
    GetPrompt,
    ListCatalogue,
    ReadResource,
)
from aura_ia_mcp.stores import timeline
from aura_ia_mcp.stores.audit import Written

from ..graph import GUEST, Graph, code_of, until
from .fixtures import TOKEN, Fixtures


async def test_an_allowed_call_answers_with_its_layers_and_its_audit_id(graph: Graph) -> None:
    reply = await graph.call("echo", {"text": "hello"})
    assert reply["structuredContent"] == {"text": "hello"}
    assert [row["layer"] for row in reply["_meta"]["aura/layers"]] == ["L6", "L5"]
    found = timeline.find(graph.paths.audit, reply["_meta"]["aura/audit_id"])
    assert found is not None
    record = found.record
    assert (record["name"], record["verdict"], record["rule"], record["outcome"]) == (
        "echo",
        "allow",
        "capability.allow",
        "ok",
    )


async def test_the_record_holds_what_the_verdict_was_made_of_and_no_argument(graph: Graph) -> None:
    meta = {"callId": "c1", "threadId": "t1", "private": "p", "aura/client": {"name": "codex", "version": "1"}}
    header = Header(principal=GUEST, session="session-secret", trace="00-" + "a" * 32 + "-" + "b" * 16 + "-01")
    await graph.request(CallTool("echo", {"text": "my words"}, meta=meta), header=header)
    (record,) = graph.records()
    assert record["principal"] == {"id": "guest", "kind": "agent", "tenant": "local", "roles": ["guest"]}
    assert record["capabilities"] == ["infer", "query", "status"]
    (bucket,) = record["buckets"]
    assert (bucket["class"], bucket["before"], bucket["after"], bucket["rate"]) == ("default", 100, 99, 100)
    assert record["client"] == {"callId": "c1", "threadId": "t1", "name": "codex", "version": "1"}
    assert record["trace"].startswith("00-aaaa")
    assert all(record[name] for name in ("policy", "roles", "catalogue", "contract", "args", "call", "session"))
    assert record["inputs"]["tool"]["name"] == "echo"
    assert record["matched"]
    text = str(record)
    assert "my words" not in text
    assert "session-secret" not in text


async def test_the_record_is_written_before_the_answer_leaves(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    writer, order = graph.writers["safety"], []
    append = writer.append

    def noted(kind: str, fields: dict[str, Any]) -> Written:
        order.append("recorded")
        return append(kind, fields)

    monkeypatch.setattr(writer, "append", noted)
    await graph.call("echo", {"text": "x"})
    order.append("answered")
    assert order == ["recorded", "answered"]


async def test_items_arrive_in_order_before_the_answer(graph: Graph) -> None:
    items: list[JSON] = []
    await graph.call("talk", on_item=items.append)
    assert [item["message"] for item in items] == ["step 0", "step 1", "step 2"]


async def test_a_question_travels_up_and_its_answer_down(graph: Graph) -> None:
    asked: list[JSON] = []

    async def on_ask(question: JSON) -> JSON:
        asked.append(question)
        return {"action": "accept", "content": {"name": "Ada"}}

    reply = await graph.call("question", on_ask=on_ask)
    assert reply["content"][0]["text"] == "Ada"
    assert asked == [{"method": "elicitation/create", "params": {"message": "name?"}}]


async def test_a_cancelled_call_stops_the_tool_and_is_recorded(graph: Graph, fixtures: Fixtures) -> None:
    fixtures.go.clear()
    task = asyncio.create_task(graph.call("count"))
    await asyncio.wait_for(fixtures.entered.wait(), 5)
    task.cancel()
    await until(lambda: fixtures.cancelled == 1 and len(graph.records()) == 1)
    assert graph.records()[0]["outcome"] == "cancelled"


async def test_resources_are_read_by_those_who_may_and_recorded(graph: Graph) -> None:
    reply = await graph.request(ReadResource("test://one"))
    assert reply["contents"][0]["text"] == "of test://one [redacted:aura_token]"
    assert (await graph.request(ReadResource("test://t/7/data")))["contents"][0]["uri"] == "test://t/7/data"
    assert await code_of(graph.request(ReadResource("test://t/7/8/data"))) == "unknown_resource"
    assert await code_of(graph.request(ReadResource("test://log"))) == "forbidden"
    assert [r["outcome"] for r in graph.records()] == ["ok", "ok", "refused", "refused"]
    listed = await graph.request(ListCatalogue("resources"))
    assert "test://log" not in {entry["uri"] for entry in listed["entries"]}


async def test_prompts_and_completions_pass_through_the_same_gate(graph: Graph) -> None:
    reply = await graph.request(GetPrompt("p", {"a": f"say {TOKEN}"}))
    assert reply["messages"][0]["content"]["text"] == "say [redacted:aura_token]"
    assert await code_of(graph.request(GetPrompt("q", {}))) == "unknown_prompt"
    done = await graph.request(Complete({"type": "ref/prompt", "name": "p"}, {"name": "a", "value": "x"}))
    assert done["completion"]["values"] == ["x!"]
    elsewhere = Complete({"type": "ref/prompt", "name": "p"}, {"name": "a", "value": "x"}, server="ml")
    assert await code_of(graph.request(elsewhere)) == "unknown_prompt"
    assert [r["server"] for r in graph.records() if r["what"] == "completion/complete"] == ["gateway", "ml"]
    nobody = Principal("n", roles=("none",))
    assert await code_of(graph.request(GetPrompt("p", {"a": "x"}), nobody)) == "forbidden"
    assert await code_of(graph.request(Complete({"type": "ref/prompt", "name": "p"}, {}), nobody)) == "forbidden"
