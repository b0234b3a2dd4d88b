"""A call's way through Safety and Tools: what runs, what doesn't, and what is recorded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from aura_ia_mcp.actors.safety import Safety
from aura_ia_mcp.actors.sources import Offer, RpcError, ToolCall
from aura_ia_mcp.actors.tools import Tools
from aura_ia_mcp.bus.envelope import Header, Principal
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import (
    JSON,
    CallTool,
    Complete,
    GetPrompt,
    ListCatalogue,
    Message,
    Probe,
    ReadResource,
    Subscribe,
)
from aura_ia_mcp.configs.settings import Settings
from aura_ia_mcp.gateway.graph import refusal
from aura_ia_mcp.stores import timeline
from aura_ia_mcp.stores.audit import AuditError, Written
from aura_ia_mcp.stores.database import Database
from aura_ia_mcp.stores.records import RecordStore

from .graph import GUEST, OPERATOR, Graph, Scripted, code_of, define, text_result, until

TOKEN = "aura_" + "x" * 43


class Fixtures(Scripted):
    """Tools that tests look into."""

    def __init__(self) -> None:
        super().__init__(
            count=self._count,
            write=self._count,
            hidden=self._count,
            locked=self._count,
            slow=self._slow,
            leak=self._leak,
            fail=self._fail,
            blurt=self._blurt,
            blurt_once=self._blurt,
            explain=self._explain,
            talk=self._talk,
            question=self._question,
        )
        self.definitions["write"] = define("write", read_only=False, idempotent=False)
        self.definitions["blurt_once"] = define("blurt_once", read_only=False, idempotent=False)
        self.definitions["hidden"] = define("hidden", exposed=False)
        self.definitions["locked"] = define("locked", capability="read_logs")
        self.definitions["slow"] = define("slow", timeout_s=0.2, concurrency=1)
        self.runs = 0
        self.cancelled = 0
        self.go = asyncio.Event()
        self.go.set()
        self.entered = asyncio.Event()

    async def _count(self, arguments: JSON, call: ToolCall) -> JSON:
        self.runs += 1
        self.entered.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return text_result(f"run {self.runs}")

    async def _slow(self, arguments: JSON, call: ToolCall) -> JSON:
        self.entered.set()
        await asyncio.Event().wait()
        return {}

    async def _leak(self, arguments: JSON, call: ToolCall) -> JSON:
        await call.log("info", f"token {TOKEN}")
        return {"content": [{"type": "text", "text": TOKEN}], "structuredContent": {"password": "hunter2"}}

    async def _fail(self, arguments: JSON, call: ToolCall) -> JSON:
        raise ValueError(f"no such thing as {arguments.get('what')}")

    async def _blurt(self, arguments: JSON, call: ToolCall) -> JSON:
        self.runs += 1
        if "table" in arguments:
            raise AuraError("unavailable", f"no connection with {TOKEN}", recovery=f"Renew {TOKEN}.")
        raise ValueError(f"{arguments.get('before', '')}refused: {TOKEN}")

    async def _explain(self, arguments: JSON, call: ToolCall) -> JSON:
        raise RpcError(-32021, "needs sampling", {"requiredCapabilities": {"sampling": {}}})

    async def _talk(self, arguments: JSON, call: ToolCall) -> JSON:
        for step in range(3):
            await call.progress(step, 2, f"step {step}")
        return text_result("done")

    async def _question(self, arguments: JSON, call: ToolCall) -> JSON:
        answer = await call.ask("elicitation/create", {"message": "name?"})
        return text_result(str(answer["content"]["name"]))

    def resources(self) -> list[Offer]:
        return [
            Offer({"uri": "test://one", "name": "one"}),
            Offer({"uri": "test://log", "name": "log"}, "read_logs"),
        ]

    def resource_templates(self) -> list[Offer]:
        return [Offer({"uriTemplate": "test://t/{id}/data", "name": "t"})]

    async def read(self, uri: str, call: ToolCall) -> JSON | None:
        if not uri.startswith("test://"):
            return None
        return {"contents": [{"uri": uri, "text": f"of {uri} {TOKEN}"}]}

    def prompts(self) -> list[Offer]:
        return [Offer({"name": "p", "arguments": [{"name": "a"}]})]

    async def get_prompt(self, name: str, arguments: JSON, call: ToolCall) -> JSON:
        return {"messages": [{"role": "user", "content": {"type": "text", "text": arguments["a"]}}]}

    async def complete(self, ref: JSON, argument: JSON, context: JSON, call: ToolCall) -> JSON | None:
        return {"completion": {"values": [argument["value"] + "!"]}}


@pytest.fixture
def fixtures() -> Fixtures:
    return Fixtures()


@pytest.fixture
async def graph(tmp_path: Path, fixtures: Fixtures) -> AsyncIterator[Graph]:
    graph = Graph(tmp_path)
    await graph.start("tools", Tools, lambda: fixtures)
    await graph.start("safety", Safety)
    yield graph
    await graph.close()


# --- the way of a call -----------------------------------------------------------------------------------------------


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


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tool", "arguments", "code", "rule"),
    [
        ("no_such_tool", {}, "unknown_tool", "exposure.unknown"),
        ("hidden", {}, "unknown_tool", "exposure.hidden"),
        ("locked", {}, "forbidden", "capability.missing"),
    ],
)
async def test_what_no_rule_allows_is_refused_recorded_and_not_run(
    graph: Graph, fixtures: Fixtures, tool: str, arguments: JSON, code: str, rule: str
) -> None:
    assert await code_of(graph.call(tool, arguments)) == code
    assert fixtures.runs == 0
    (record,) = graph.records()
    assert (record["verdict"], record["rule"], record["outcome"], record["error"]["code"]) == (
        "deny",
        rule,
        "refused",
        code,
    )


async def test_a_hidden_tool_and_an_unknown_one_look_alike_to_those_who_may_not_see_it(graph: Graph) -> None:
    errors = []
    for tool in ("hidden", "absent"):
        with pytest.raises(AuraError) as caught:
            await graph.call(tool)
        failure = caught.value.failure.as_dict() | {"audit_id": "", "receipt": ""}
        errors.append({k: v.replace(tool, "X") if isinstance(v, str) else v for k, v in failure.items()})
    assert errors[0] == errors[1]
    assert (await graph.call("hidden", principal=OPERATOR))["content"]


async def test_a_tool_that_is_not_listed_is_not_callable_and_the_other_way_round(graph: Graph) -> None:
    for principal in (GUEST, OPERATOR, Principal("a", roles=("auditor",)), Principal("n", roles=("none",))):
        listed = {e["name"] for e in (await graph.request(ListCatalogue("tools"), principal))["entries"]}
        for tool in ("count", "hidden", "locked", "echo"):
            refused = await code_of(graph.call(tool, {"text": "x"}, principal)) in ("forbidden", "unknown_tool")
            assert refused == (tool not in listed), (principal.id, tool)


async def test_an_agent_with_the_operators_role_is_still_no_operator(graph: Graph) -> None:
    assert await code_of(graph.call("hidden", principal=replace(OPERATOR, kind="agent"))) == "unknown_tool"


async def test_nobody_calls_without_a_principal(graph: Graph) -> None:
    assert await code_of(graph.call("echo", {"text": "x"}, None)) == "unauthenticated"
    assert await code_of(graph.request(ListCatalogue("tools"), None)) == "unauthenticated"


async def test_call_101_of_a_minute_is_refused_and_the_one_after_the_wait_runs(
    graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("aura_ia_mcp.actors.rates.clock", lambda: now)
    for _ in range(100):
        await graph.call("echo", {"text": "x"})
    with pytest.raises(AuraError) as caught:
        await graph.call("echo", {"text": "x"})
    failure = caught.value.failure
    assert (failure.code, failure.outcome) == ("rate_limited", "not_run")
    assert failure.retry_after_s == pytest.approx(0.6, abs=0.01)
    assert graph.records()[-1]["rule"] == "rate.default"
    assert (await graph.call("echo", {"text": "x"}, OPERATOR))["structuredContent"]
    assert len((await graph.request(ListCatalogue("tools")))["entries"]) > 5
    now += failure.retry_after_s or 0
    assert (await graph.call("echo", {"text": "x"}))["structuredContent"]


async def test_wrong_arguments_are_named_with_what_was_expected_and_got(graph: Graph) -> None:
    with pytest.raises(AuraError) as caught:
        await graph.call("echo", {"text": 5, "more": 1})
    failure = caught.value.failure
    assert failure.code == "invalid_arguments"
    assert 'arguments.text: the value is not of type "string" (got integer 5)' in failure.message
    assert "'more' was unexpected" in failure.message
    assert failure.audit_id


# --- decision tokens -------------------------------------------------------------------------------------------------


async def intercepted(graph: Graph) -> tuple[CallTool, Header]:
    """A call as Safety would send it to Tools, caught before it got there: its token is unspent."""
    caught: list[tuple[CallTool, Header]] = []
    await graph.request(ListCatalogue("tools"))
    safety = graph.peers["safety"]
    request = safety.request

    async def catch(target: Any, message: Any, **more: Any) -> JSON:
        caught.append((message, more["header"]))
        raise AuraError("unavailable", "caught by the test")

    safety.request = catch  # type: ignore[method-assign]
    assert await code_of(graph.call("count", {"a": 1})) == "unavailable"
    safety.request = request  # type: ignore[method-assign]
    return caught[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"token": lambda token: {}},
        {"token": lambda token: {"tools": token[:-1] + bytes([token[-1] ^ 1])}},
        {"token": lambda token: {"tools": bytes([token[0] ^ 1]) + token[1:]}},
        {"token": lambda token: {"ml": token}},
        {"arguments": {"a": 2}},
        {"tool": "write"},
        {"inputs": {"x": 1}},
        {"state": "s"},
        {"principal": OPERATOR},
        {"principal": replace(GUEST, tenant="other")},
        {"principal": replace(GUEST, roles=("guest", "operator"))},
        {"principal": replace(GUEST, kind="human")},
    ],
    ids=[
        "none",
        "signature",
        "claims",
        "audience",
        "arguments",
        "tool",
        "inputs",
        "state",
        "principal",
        "tenant",
        "roles",
        "kind",
    ],
)
async def test_tools_runs_only_what_the_token_covers(graph: Graph, fixtures: Fixtures, changes: dict[str, Any]) -> None:
    message, header = await intercepted(graph)
    altered = dict(changes)
    sent = header
    if "token" in altered:
        sent = sent.with_tokens(altered.pop("token")(header.tokens["tools"]))
    if "principal" in altered:
        sent = replace(sent, principal=altered.pop("principal"))
    tools = graph.peers["safety"]
    assert await code_of(tools.request("tools", CallTool(**(message.payload() | altered)), header=sent)) == (
        "invalid_token"
    )
    assert fixtures.runs == 0
    assert (await tools.request("tools", message, header=header))["content"]  # it was only the change


async def test_a_token_is_good_for_one_run(graph: Graph, fixtures: Fixtures) -> None:
    message, header = await intercepted(graph)
    safety = graph.peers["safety"]
    assert (await safety.request("tools", message, header=header))["content"]
    assert await code_of(safety.request("tools", message, header=header)) == "invalid_token"
    assert fixtures.runs == 1


@pytest.mark.parametrize(
    "message",
    [
        ReadResource("test://one"),
        GetPrompt("p", {"a": "x"}),
        Complete({"type": "ref/prompt", "name": "p"}, {"name": "a", "value": "x"}),
    ],
    ids=lambda message: message.kind,
)
async def test_tools_reads_fills_and_completes_nothing_without_a_token(graph: Graph, message: Message) -> None:
    assert await graph.request(message)
    sent = graph.peers["safety"].request("tools", message, header=Header(principal=GUEST))
    assert await code_of(sent) == "invalid_token"


async def test_a_decision_on_an_older_contract_does_not_hold(graph: Graph, fixtures: Fixtures) -> None:
    await graph.call("count")
    fixtures.definitions["count"] = define("count", meta={}, risk="high", open_world=True)
    graph.actors["tools"].catalogue.refresh()  # Safety hasn't heard of it
    assert await code_of(graph.call("count")) == "invalid_token"
    assert fixtures.runs == 1


# --- idempotency -----------------------------------------------------------------------------------------------------


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


# --- secrets ---------------------------------------------------------------------------------------------------------


async def test_secrets_leave_neither_in_results_nor_in_logs_nor_into_the_record(graph: Graph) -> None:
    items: list[JSON] = []
    reply = await graph.call("leak", on_item=items.append)
    assert reply["content"][0]["text"] == "[redacted:aura_token]"
    assert reply["structuredContent"] == {"password": "[redacted:member]"}
    assert items[0]["data"] == "token [redacted:aura_token]"
    assert await code_of(graph.call("fail", {"what": TOKEN})) == "tool_failed"
    await code_of(graph.call(TOKEN))
    raw = b"".join(path.read_bytes() for path in graph.paths.audit.rglob("*.jsonl"))
    assert TOKEN.encode() not in raw
    assert graph.records()[0]["redacted"]["found"] == {"aura_token": 2, "member": 1}, "item and result"


# --- Tools -----------------------------------------------------------------------------------------------------------


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


# --- resources, prompts, completion ----------------------------------------------------------------------------------


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


# --- when the record fails -------------------------------------------------------------------------------------------


def break_audit(graph: Graph, monkeypatch: pytest.MonkeyPatch, *, ready: bool) -> None:
    def full(*_: Any) -> str:
        raise AuditError("no space left on device")

    monkeypatch.setattr(graph.writers["safety"], "append", full)
    if not ready:
        monkeypatch.setattr(graph.writers["safety"], "ready", full)


async def test_nothing_runs_while_the_record_cannot_be_written(
    graph: Graph, fixtures: Fixtures, monkeypatch: pytest.MonkeyPatch
) -> None:
    await graph.call("echo", {"text": "the rules are known"})
    break_audit(graph, monkeypatch, ready=False)
    with pytest.raises(AuraError) as caught:
        await graph.call("count")
    assert (caught.value.code, caught.value.failure.outcome) == ("audit_failed", "not_run")
    assert fixtures.runs == 0
    assert (await graph.request(Probe()))["ready"] is False
    monkeypatch.undo()
    assert (await graph.request(Probe()))["ready"] is True
    assert (await graph.call("count"))["content"]


async def test_an_answer_whose_record_fails_does_not_leave(
    graph: Graph, fixtures: Fixtures, monkeypatch: pytest.MonkeyPatch
) -> None:
    await graph.call("count")
    break_audit(graph, monkeypatch, ready=True)
    with pytest.raises(AuraError) as caught:
        await graph.call("count")
    assert (caught.value.code, caught.value.failure.outcome) == ("audit_failed", "unknown")


async def test_what_changes_something_is_recorded_before_it_runs_too(
    graph: Graph, fixtures: Fixtures, monkeypatch: pytest.MonkeyPatch
) -> None:
    await graph.call("write")
    (opened,), (record,) = graph.records("opened_call"), graph.records()
    assert record["opened"] == f"safety-0:{opened['seq']}"
    break_audit(graph, monkeypatch, ready=True)
    with pytest.raises(AuraError) as caught:
        await graph.call("write")
    assert (caught.value.code, caught.value.failure.outcome) == ("audit_failed", "not_run")
    assert fixtures.runs == 1


async def test_a_call_that_ran_and_whose_end_cannot_be_recorded_is_told_with_the_record_of_its_beginning(
    graph: Graph, fixtures: Fixtures, monkeypatch: pytest.MonkeyPatch
) -> None:
    await graph.call("echo", {"text": "the rules are known"})
    append = graph.writers["safety"].append

    def full_at_the_end(kind: str, fields: dict[str, Any]) -> Written:
        if kind == "opened_call":
            return append(kind, fields)
        raise AuditError("no space left on device")

    monkeypatch.setattr(graph.writers["safety"], "append", full_at_the_end)
    with pytest.raises(AuraError, match="how it ended can't be recorded: no space") as caught:
        await graph.call("write")
    (opened,), failure = graph.records("opened_call"), caught.value.failure
    assert (failure.code, failure.outcome, failure.audit_id) == ("audit_failed", "unknown", f"safety-0:{opened['seq']}")
    assert "before you repeat it" in failure.recovery
    assert fixtures.runs == 1


# --- faults ----------------------------------------------------------------------------------------------------------


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


# --- secrets in errors ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [{}, {"table": True}, {"before": "x" * 980}])
async def test_a_secret_in_a_tools_error_reaches_neither_the_caller_nor_the_record(
    graph: Graph, arguments: JSON
) -> None:
    with pytest.raises(AuraError) as caught:
        await graph.call("blurt", arguments)
    failure = caught.value.failure
    for text in (str(caught.value), failure.message, failure.recovery, str(graph.records()[-1])):
        assert TOKEN not in text
        assert "aura_xxx" not in text
    assert "[redacted" in failure.message
    assert failure.audit_id


async def test_a_failure_that_an_idempotency_key_keeps_has_its_secrets_marked(graph: Graph, fixtures: Fixtures) -> None:
    for _ in range(2):
        with pytest.raises(AuraError, match="redacted:aura_token") as caught:
            await graph.call("blurt_once", key="k")
        assert TOKEN not in str(caught.value.failure)
    assert fixtures.runs == 1
    kept = graph.actors["safety"]._once._known._ended.values()
    assert TOKEN not in str([ended.failure for ended in kept])
    with closing(Database.of(graph.settings, graph.paths)) as database:
        (noted,) = RecordStore(database).all("idempotency").values()
    assert "redacted:aura_token" in str(noted["ended"])
    assert TOKEN not in str(noted)


async def test_results_and_refusals_carry_a_receipt_of_their_record(graph: Graph) -> None:
    reply = await graph.call("hidden", principal=OPERATOR)
    with pytest.raises(AuraError) as caught:
        await graph.call("hidden")
    shown = refusal(caught.value.failure)
    for meta in (reply["_meta"], shown["_meta"]):
        audit_id, _, line_hash = meta["aura/receipt"].rpartition(":")
        writer, _, seq = audit_id.partition(":")
        assert audit_id == meta["aura/audit_id"]
        line = (graph.paths.audit / writer / "00000001.jsonl").read_bytes().splitlines()[int(seq) - 1]
        assert sha256(line).hexdigest() == line_hash
