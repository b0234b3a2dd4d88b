"""Consent on the wire: the whole of Aura in one loop, asked by clients of both eras, over HTTP and over stdio."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from mcp.client import Client as SdkClient
from mcp_types import ElicitResult, TextContent

from aura_ia_mcp.actors.sources import ToolCall
from aura_ia_mcp.gateway.client import Client, ClientError
from aura_ia_mcp.gateway.stdio import bridge
from aura_ia_mcp.stores.tokens import TokenStore
from tests.support.inprocess import InProcess, settings
from tests.unit.actors.graph import Scripted, define, text_result

from .conftest import BOTH, MODERN, modern_request, request

JSON = dict[str, Any]
POLICY = """version: 1
rules:
  - {id: everything, effect: allow}
  - {id: ask.user, match: {tools: [confirmed, chat]}, effect: confirm}
  - {id: ask.other, match: {tools: [approved]}, effect: approve}
"""
FORMS: JSON = {"elicitation": {"form": {}}}
ENVELOPE = "io.modelcontextprotocol/clientCapabilities"


class Fixtures(Scripted):
    def __init__(self) -> None:
        super().__init__(confirmed=self._run, approved=self._run, chat=self._chat)
        self.runs = 0

    async def _run(self, arguments: JSON, call: ToolCall) -> JSON:
        self.runs += 1
        return text_result(f"run {self.runs}")

    async def _chat(self, arguments: JSON, call: ToolCall) -> JSON:
        self.runs += 1
        if call.inputs is not None:
            return text_result(f"hello {call.inputs['q']['action']} {call.state}")
        ask = {
            "method": "elicitation/create",
            "params": {"message": "name?", "requestedSchema": {"type": "object", "properties": {}}},
        }
        return {"resultType": "input_required", "inputRequests": {"q": ask}, "requestState": "own"}


@dataclass
class Whole:
    """A system, and who decides in it."""

    system: InProcess
    fixtures: Fixtures
    http: aiohttp.ClientSession
    operator: str
    asked: list[str] = field(default_factory=list)

    async def modern(self, tool: str, came: JSON | None = None, action: str = "accept", **more: Any) -> JSON:
        """tools/call of the newer era; with what came, go on from there. The whole answer."""
        params: JSON = {"name": tool, "arguments": {}}
        if came is not None:
            params["inputResponses"] = {name: {"action": action, "content": {}} for name in came["inputRequests"]}
            params["requestState"] = came["requestState"]
        message, headers = modern_request("tools/call", params | more, 1, {ENVELOPE: FORMS})
        async with self.http.post(self.system.url, json=message, headers=headers | {"Accept": BOTH}) as response:
            answer: JSON = await response.json()
            return answer

    def sdk(self, action: str, mode: str) -> SdkClient:
        async def on_elicit(context: Any, params: Any) -> ElicitResult:
            self.asked.append(params.message)
            return ElicitResult(action=action, content={} if action == "accept" else None)

        return SdkClient(self.system.url, mode=mode, elicitation_callback=on_elicit)

    async def decide(self, approval: str, decision: str = "approve") -> JSON:
        async with Client(self.system.url, self.operator) as client:
            given = {"approval_id": approval, "decision": decision, "reason": "so"}
            return await client.call_tool("decide_approval", given)


@pytest.fixture
async def whole(tmp_path: Path) -> AsyncIterator[Whole]:
    file = tmp_path / "policy.yaml"
    file.write_text(POLICY)
    fixtures = Fixtures()
    made = settings(tmp_path, safety={"policy_file": file})
    for name in fixtures.functions:
        fixtures.definitions[name] = define(name, read_only=False, idempotent=False)
    async with InProcess(tmp_path, made, sources=[lambda: fixtures]) as system:
        store = TokenStore(system.actors["state"]._database)  # type: ignore[attr-defined]
        token, _ = store.create("boss", ("operator",), kind="human")
        async with aiohttp.ClientSession() as http:
            yield Whole(system, fixtures, http, token)


def _failure(result: Any) -> JSON:
    found: JSON = result.meta["aura/error"]
    return found


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_user_who_accepts_lets_the_call_run(whole: Whole, mode: str) -> None:
    async with whole.sdk("accept", mode) as client:
        result = await client.call_tool("confirmed", {})
    assert isinstance(result.content[0], TextContent)
    assert result.content[0].text == "run 1"
    (message,) = whole.asked
    assert message.startswith("May confirmed run?")


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize("action", ["decline", "cancel"])
async def test_a_user_who_does_not_leaves_it_to_an_operator(whole: Whole, mode: str, action: str) -> None:
    async with whole.sdk(action, mode) as client:
        refused = await client.call_tool("confirmed", {})
        assert refused.is_error
        failure = _failure(refused)
        assert failure["code"] == "confirmation_required"
        assert not whole.fixtures.runs
        assert not (await whole.decide(failure["approval_id"])).get("isError")
        assert not (await client.call_tool("confirmed", {})).is_error
    assert len(whole.asked) == 1


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_call_that_somebody_else_must_approve_runs_when_repeated(whole: Whole, mode: str) -> None:
    async with whole.sdk("accept", mode) as client:
        failure = _failure(await client.call_tool("approved", {}))
        assert failure["code"] == "approval_required"
        assert f"aura approvals approve {failure['approval_id']}" in failure["recovery"]
        decided = await whole.decide(failure["approval_id"])
        assert "aura/observed" not in decided["_meta"]
        assert not (await client.call_tool("approved", {})).is_error
        assert (await client.call_tool("approved", {})).is_error
    assert not whole.asked, "nobody approves what he asked for"


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_tool_that_asks_back_and_needs_consent_asks_twice(whole: Whole, mode: str) -> None:
    async with whole.sdk("accept", mode) as client:
        result = await client.call_tool("chat", {})
    assert isinstance(result.content[0], TextContent)
    assert result.content[0].text == "hello accept own"
    assert [message.split("\n")[0] for message in whole.asked] == ["May chat run?", "name?"]


async def test_what_a_modern_client_carries_is_opaque_and_good_once(whole: Whole) -> None:
    came = (await whole.modern("confirmed"))["result"]
    assert came["resultType"] == "input_required"
    assert "confirmed" not in came["requestState"]
    ran = (await whole.modern("confirmed", came))["result"]
    assert ran["content"][0]["text"] == "run 1"
    again = (await whole.modern("confirmed", came))["result"]
    assert again["isError"]
    assert again["_meta"]["aura/error"]["code"] == "approval_used"
    assert whole.fixtures.runs == 1


async def test_an_altered_state_is_an_invalid_parameter(whole: Whole) -> None:
    came = (await whole.modern("confirmed"))["result"]
    state = came["requestState"]
    altered = state[:-3] + ("A" if state[-3] != "A" else "B") + state[-2:]
    answer = await whole.modern("confirmed", came, requestState=altered)
    assert answer["error"]["code"] == -32602
    assert "requestState was altered" in answer["error"]["message"]
    foreign = await whole.modern("chat", came)
    assert foreign["error"]["code"] == -32602
    assert whole.fixtures.runs == 0


@pytest.mark.parametrize(("action", "runs"), [("accept", 1), ("decline", 0)])
async def test_the_command_lines_client_asks_its_user(whole: Whole, action: str, runs: int) -> None:
    async with Client(whole.system.url) as client:
        result = await client.call_tool("confirmed", {}, on_ask=lambda _: {"action": action})
        assert bool(result.get("isError")) is not bool(runs)
        result = await client.call_tool("chat", {})
        assert result["_meta"]["aura/error"]["code"] == "confirmation_required"
        with pytest.raises(ClientError):
            await client.call_tool("nothing", [])  # type: ignore[arg-type]
    assert whole.fixtures.runs == runs


async def test_over_rest_nobody_can_be_asked(whole: Whole) -> None:
    base = whole.system.url.removesuffix("/mcp/stream")
    async with whole.http.post(f"{base}/mcp/tools/call", json={"name": "confirmed", "arguments": {}}) as response:
        assert response.status == 403
        error = (await response.json())["error"]
    assert error["code"] == "confirmation_required"
    assert error["approval_id"]


class Lines:
    """Standard output of a bridge, line by line."""

    def __init__(self) -> None:
        self.lines: asyncio.Queue[JSON] = asyncio.Queue()

    def write(self, data: bytes) -> None:
        for line in data.splitlines():
            self.lines.put_nowait(json.loads(line))

    async def drain(self) -> None:
        pass

    async def next(self) -> JSON:
        return await asyncio.wait_for(self.lines.get(), 10)


async def test_over_stdio_an_older_client_is_asked_by_a_request(whole: Whole) -> None:
    stdin, out = asyncio.StreamReader(), Lines()
    served = asyncio.create_task(bridge(whole.system.url, stdin, out))

    def say(message: JSON) -> None:
        stdin.feed_data(json.dumps(message).encode() + b"\n")

    hello = {
        "protocolVersion": "2025-06-18",
        "capabilities": {"elicitation": {}},
        "clientInfo": {"name": "t", "version": "1"},
    }
    say(request(0, "initialize", hello))
    await out.next()
    say({"jsonrpc": "2.0", "method": "notifications/initialized"})
    say(request(1, "tools/call", {"name": "confirmed", "arguments": {}}))
    asked = await out.next()
    assert asked["method"] == "elicitation/create"
    assert "title" not in asked["params"]["requestedSchema"]
    say({"jsonrpc": "2.0", "id": asked["id"], "result": {"action": "accept", "content": {}}})
    assert (await out.next())["result"]["content"][0]["text"] == "run 1"
    stdin.feed_eof()
    await served


async def test_over_stdio_a_modern_client_is_asked_by_an_answer(whole: Whole) -> None:
    stdin, out = asyncio.StreamReader(), Lines()
    served = asyncio.create_task(bridge(whole.system.url, stdin, out))
    meta = {"io.modelcontextprotocol/protocolVersion": MODERN, ENVELOPE: FORMS}
    params: JSON = {"name": "confirmed", "arguments": {}, "_meta": meta}
    stdin.feed_data(json.dumps(request(1, "tools/call", params)).encode() + b"\n")
    came = (await out.next())["result"]
    answers = {name: {"action": "accept", "content": {}} for name in came["inputRequests"]}
    more = params | {"inputResponses": answers, "requestState": came["requestState"]}
    stdin.feed_data(json.dumps(request(2, "tools/call", more)).encode() + b"\n")
    assert (await out.next())["result"]["content"][0]["text"] == "run 1"
    stdin.feed_eof()
    await served
