"""Clients that aren't ours to change, and the two that are: the Python SDK's, stdio, and the CLI's."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from mcp.client import Client as SdkClient
from mcp_types import ElicitResult, TextContent

from aura_ia_mcp.bus.envelope import Principal
from aura_ia_mcp.gateway.client import Client, ClientError, NotRunningError
from aura_ia_mcp.gateway.stdio import bridge

from .conftest import MODERN, Running, Start, request

PREFIX = "io.modelcontextprotocol"
ENVELOPE = {f"{PREFIX}/protocolVersion": MODERN, f"{PREFIX}/clientCapabilities": {}}


# --- the Python SDK --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("mode", "version"), [("auto", MODERN), ("legacy", "2025-11-25")])
async def test_the_python_sdk_speaks_to_us_in_both_eras(running: Running, mode: Any, version: str) -> None:
    told: list[float] = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        told.append(progress)

    async def on_elicit(context: Any, params: Any) -> ElicitResult:
        return ElicitResult(action="accept", content={})

    async with SdkClient(running.url, mode=mode, elicitation_callback=on_elicit) as client:
        assert client.protocol_version == version
        assert len((await client.list_tools()).tools) == 10
        result = await client.call_tool("echo", {"text": "hi"})
        assert isinstance(result.content[0], TextContent)
        assert result.content[0].text == "hi"
        await client.call_tool("count", {}, progress_callback=on_progress)
        assert told == [1, 2, 3]
        refused = await client.call_tool("refuse", {"code": "forbidden"})
        assert refused.is_error
        asked = await client.call_tool("input", {})
        assert isinstance(asked.content[0], TextContent)
        assert asked.content[0].text == "input accept"
        read = await client.read_resource("test://text")
        assert read.contents


# --- the CLI's client ------------------------------------------------------------------------------------------------


@pytest.fixture(params=["socket", "url"])
def target(request: pytest.FixtureRequest, running: Running) -> str:
    return str(running.paths.ingress) if request.param == "socket" else running.url


async def test_our_client_lists_calls_and_asks_for_health(running: Running, target: str) -> None:
    progress: list[tuple[float, float | None, str | None]] = []
    async with Client(target) as client:
        assert len(await client.list_tools()) == 10
        assert (await client.health())[0] is True
        result = await client.call_tool("echo", {"text": "x"}, key="k", timeout_s=3)
        assert result["structuredContent"] == {"text": "x"}
        await client.call_tool("count", {}, on_progress=lambda *told: progress.append(told))
        refused = await client.call_tool("refuse", {"code": "rate_limited"})
        assert refused["_meta"]["aura/error"]["code"] == "rate_limited"
        assert (await client.call_tool("mirror", {"region": "eu"}))["isError"] is False
    assert [done for done, _, _ in progress] == [1, 2, 3]
    message, header = running.graph.calls[0]
    assert message.key == "k"
    assert header.remaining_s <= 3


async def test_our_client_shows_its_token_and_is_told_when_it_is_wrong(running: Running, target: str) -> None:
    running.graph.token("t1", Principal("token:op", roles=("operator",)))
    async with Client(target, "t1") as client:
        await client.call_tool("echo", {})
    assert running.graph.calls[0][1].principal == Principal("token:op", roles=("operator",))
    async with Client(target, "wrong") as client:
        for attempt in (client.list_tools(), client.call_tool("echo", {})):
            with pytest.raises(ClientError) as refused:
                await attempt
            assert (refused.value.status, refused.value.failure["code"]) == (401, "unauthenticated")


async def test_a_call_that_our_client_gives_up_is_cancelled(running: Running, target: str) -> None:
    async with Client(target) as client:
        call = asyncio.create_task(client.call_tool("slow", {}))
        await asyncio.wait_for(running.graph.event(running.graph.started, "slow").wait(), 5)
        call.cancel()
        await asyncio.wait_for(running.graph.event(running.graph.cancelled, "slow").wait(), 5)


async def test_our_client_answers_for_its_user_and_goes_on(running: Running, target: str) -> None:
    asked: list[Any] = []

    def on_ask(question: Any) -> Any:
        asked.append(question)
        return {"action": "accept", "content": {}}

    async with Client(target) as client:
        result = await client.call_tool("input", {}, on_ask=on_ask)
        assert result["content"][0]["text"] == "input accept"
        assert [question["method"] for question in asked] == ["elicitation/create"]
        with pytest.raises(ClientError, match="more than 8 times"):
            await client.call_tool("insatiable", {}, on_ask=on_ask)
        with pytest.raises(ClientError, match="elicitation"):
            await client.call_tool("input", {})


async def test_our_client_says_that_nothing_runs(tmp_path: Any) -> None:
    async with Client(tmp_path / "none.sock") as client:
        for attempt in (client.health(), client.list_tools(), client.call_tool("echo", {})):
            with pytest.raises(NotRunningError, match="aura serve"):
                await attempt


# --- stdio -----------------------------------------------------------------------------------------------------------


class Pipe:
    """A client of the bridge: what it writes, and the lines it gets."""

    def __init__(self, limit: int = 2**20) -> None:
        self.stdin = asyncio.StreamReader(limit=limit)
        self.lines: asyncio.Queue[bytes] = asyncio.Queue()

    def write(self, data: bytes) -> None:
        for line in data.splitlines(keepends=True):
            assert line.endswith(b"\n")
            self.lines.put_nowait(line)

    async def drain(self) -> None:
        """Never behind."""

    def send(self, message: Any) -> None:
        self.stdin.feed_data((message if isinstance(message, bytes) else json.dumps(message).encode()) + b"\n")

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(10):
            found: dict[str, Any] = json.loads(await self.lines.get())
            return found

    async def answer(self, number: Any) -> dict[str, Any]:
        while (message := await self.next()).get("id") != number or "method" in message:
            pass
        return message

    async def initialize(self, **capabilities: Any) -> dict[str, Any]:
        info = {"name": "t", "version": "1"}
        params = {"protocolVersion": "2025-11-25", "capabilities": capabilities, "clientInfo": info}
        self.send(request(0, "initialize", params))
        answer = await self.next()
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return answer


@asynccontextmanager
async def bridged(target: Any, token: str | None = None, limit: int = 2**20) -> AsyncIterator[Pipe]:
    """A bridge, ended by the end of its input, whose exit status is 0."""
    pipe = Pipe(limit)
    task = asyncio.create_task(bridge(target, pipe.stdin, pipe, token))
    try:
        yield pipe
        pipe.stdin.feed_eof()
        async with asyncio.timeout(10):
            assert await task == 0
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_stdio_carries_a_session_of_the_older_era(running: Running) -> None:
    running.graph.token("t1", Principal("token:ci"))
    async with bridged(running.paths.ingress, "t1") as pipe:
        assert (await pipe.initialize())["result"]["protocolVersion"] == "2025-11-25"
        pipe.send(request("a", "tools/list"))
        assert len((await pipe.answer("a"))["result"]["tools"]) == 10
        params = {"name": "count", "arguments": {}, "_meta": {"progressToken": 1}}
        pipe.send(request("b", "tools/call", params))
        found = [await pipe.next() for _ in range(4)]
        assert [m["params"]["progress"] for m in found[:3]] == [1, 2, 3]
        assert found[3]["id"] == "b"
    assert running.graph.calls[0][1].principal == Principal("token:ci")
    assert len(running.gateway._sessions) == 0


async def test_stdio_carries_questions_and_their_answers(running: Running) -> None:
    async with bridged(running.paths.ingress) as pipe:
        await pipe.initialize(elicitation={})
        pipe.send(request(1, "tools/call", {"name": "ask", "arguments": {}}))
        question = await pipe.next()
        assert question["method"] == "elicitation/create"
        pipe.send({"jsonrpc": "2.0", "id": question["id"], "result": {"action": "cancel"}})
        assert (await pipe.answer(1))["result"]["content"][0]["text"] == "answered cancel"


async def test_stdio_carries_cancellation_in_the_older_era(running: Running) -> None:
    async with bridged(running.paths.ingress) as pipe:
        await pipe.initialize()
        pipe.send(request(1, "tools/call", {"name": "slow", "arguments": {}}))
        pipe.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}})
        assert (await pipe.answer(1))["error"]["code"] == -32800


async def test_stdio_holds_a_bounded_number_of_requests(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aura_ia_mcp.gateway.stdio._MAX_OPEN", 2)
    async with bridged(running.paths.ingress) as pipe:
        await pipe.initialize()
        for number in (1, 2, 3):
            pipe.send(request(number, "tools/call", {"name": "slow", "arguments": {}}))
        refused = (await pipe.answer(3))["error"]
        assert (refused["code"], "the 2 that may be open" in refused["message"]) == (-32010, True)
        running.graph.event(running.graph.release, "slow").set()
        answered = [await pipe.next(), await pipe.next()]
        assert {message["id"] for message in answered} == {1, 2}
        pipe.send(request(4, "ping"))
        assert (await pipe.answer(4))["result"] == {}


async def test_stdio_carries_the_newer_era_and_its_cancellation(running: Running) -> None:
    async with bridged(running.url) as pipe:
        pipe.send(request(1, "server/discover", {"_meta": ENVELOPE}))
        assert (await pipe.answer(1))["result"]["supportedVersions"] == [MODERN]
        call = {"name": "mirror", "arguments": {"region": "eu"}, "_meta": ENVELOPE}
        pipe.send(request(2, "tools/call", call))
        assert (await pipe.answer(2))["result"]["isError"] is False
        pipe.send(request(3, "tools/call", {"name": "slow", "arguments": {}, "_meta": ENVELOPE}))
        await asyncio.wait_for(running.graph.event(running.graph.started, "slow").wait(), 5)
        pipe.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 3}})
        await asyncio.wait_for(running.graph.event(running.graph.cancelled, "slow").wait(), 5)


async def test_stdio_carries_changes(running: Running) -> None:
    async with bridged(running.paths.ingress) as pipe:
        await pipe.initialize()
        await asyncio.wait_for(running.graph.subscribed.wait(), 5)
        running.graph.changed("tools", "v2")
        assert (await pipe.next())["method"] == "notifications/tools/list_changed"


async def test_the_end_of_input_cancels_what_still_runs(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aura_ia_mcp.gateway.stdio._LAST_ANSWERS_S", 0.05)
    async with bridged(running.paths.ingress) as pipe:
        await pipe.initialize()
        pipe.send(request(1, "tools/call", {"name": "slow", "arguments": {}}))
        await asyncio.wait_for(running.graph.event(running.graph.started, "slow").wait(), 5)
    await asyncio.wait_for(running.graph.event(running.graph.cancelled, "slow").wait(), 5)
    assert len(running.gateway._sessions) == 0


async def test_answers_that_are_on_their_way_at_the_end_of_input_still_come(running: Running) -> None:
    async with bridged(running.paths.ingress) as pipe:
        await pipe.initialize()
        pipe.send(request(1, "tools/call", {"name": "echo", "arguments": {"text": "last"}}))
    assert (await pipe.answer(1))["result"]["content"][0]["text"] == "last"


@pytest.mark.parametrize(
    ("line", "code"),
    [(b"nonsense", -32700), (b"[]", -32600), (b"\xff\xfe", -32700), (b"[" * 5000, -32700), (b"x" * 70_000, -32600)],
)
async def test_a_bad_line_is_refused_and_the_next_one_served(running: Running, line: bytes, code: int) -> None:
    async with bridged(running.paths.ingress, limit=65_536) as pipe:
        pipe.send(line)
        refused = await pipe.next()
        assert (refused["error"]["code"], refused["id"]) == (code, None)
        assert "result" in await pipe.initialize()


async def test_a_system_that_is_not_there_is_said_so_per_request(tmp_path: Any) -> None:
    async with bridged(tmp_path / "none.sock") as pipe:
        pipe.send(request(1, "initialize", {}))
        refused = await pipe.next()
        assert refused["id"] == 1
        assert "aura serve" in refused["error"]["message"]


async def test_a_wrong_token_is_said_so_per_request(running: Running) -> None:
    async with bridged(running.paths.ingress, "wrong") as pipe:
        pipe.send(request(1, "initialize", {}))
        refused = await pipe.next()
        assert (refused["id"], "token" in refused["error"]["message"]) == (1, True)


async def test_a_restarted_system_gets_a_new_session_and_the_same_request(start: Start) -> None:
    first = await start()
    async with bridged(first.paths.ingress) as pipe:
        await pipe.initialize()
        pipe.send(request(1, "logging/setLevel", {"level": "error"}))
        await pipe.answer(1)
        await first.gateway.stop(0)
        pipe.send(request(2, "tools/call", {"name": "echo", "arguments": {}}))
        assert "aura serve" in (await pipe.answer(2))["error"]["message"]
        second = await start()
        pipe.send(request(3, "tools/call", {"name": "log", "arguments": {"level": "info"}}))
        assert (await pipe.answer(3))["result"]["isError"] is False
        assert len(second.graph.calls) == 1
        assert next(iter(second.gateway._sessions)).log_level == "error"


MAIN = """
import asyncio, sys
from aura_ia_mcp.gateway.stdio import main
sys.exit(asyncio.run(main(sys.argv[1])))
"""


async def test_the_stdio_process_prints_nothing_but_the_protocol(running: Running, tmp_path: Any) -> None:
    said = tmp_path / "said"
    info = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    lines = [request(1, "initialize", info), request(2, "tools/call", {"name": "echo", "arguments": {"text": "x"}})]
    said.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with said.open("rb") as stdin:
        for piped in (False, True):
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-c",
                MAIN,
                str(running.paths.ingress),
                stdin=asyncio.subprocess.PIPE if piped else stdin,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            async with asyncio.timeout(30):
                out, err = await process.communicate(said.read_bytes() if piped else None)
            assert (process.returncode, err) == (0, b"")
            assert {json.loads(line)["id"] for line in out.splitlines()} == {1, 2}
