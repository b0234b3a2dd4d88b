"""Hypothesis at the JSON-RPC entry: whatever comes, the answer is stated, soon, and the gateway lives on."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aura_ia_mcp.configs.paths import Paths
from aura_ia_mcp.configs.settings import Settings
from aura_ia_mcp.gateway.server import Gateway

from .conftest import BOTH, MODERN
from .graph import TestGraph

METHODS = [
    "initialize",
    "ping",
    "tools/list",
    "tools/call",
    "resources/read",
    "resources/subscribe",
    "prompts/get",
    "completion/complete",
    "logging/setLevel",
    "server/discover",
    "notifications/cancelled",
    "notifications/initialized",
]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
META = st.fixed_dictionaries(
    {},
    optional={
        "progressToken": VALUES,
        "callId": VALUES,
        "threadId": VALUES,
        "aura/timeout_s": VALUES,
        "io.modelcontextprotocol/protocolVersion": VALUES | st.just(MODERN),
        "io.modelcontextprotocol/clientCapabilities": VALUES | st.just({}),
        "io.modelcontextprotocol/clientInfo": VALUES,
        "io.modelcontextprotocol/logLevel": VALUES,
    },
)
PARAMS = st.fixed_dictionaries(
    {},
    optional={
        "_meta": META | VALUES,
        "name": st.sampled_from(["echo", "count", "log", "input", "ask", "refuse", "x"]) | VALUES,
        "arguments": st.dictionaries(st.text(max_size=5), VALUES, max_size=3) | VALUES,
        "uri": VALUES,
        "level": VALUES,
        "cursor": VALUES,
        "requestId": VALUES,
        "ref": VALUES,
        "argument": VALUES,
        "inputResponses": VALUES,
        "requestState": VALUES,
        "protocolVersion": VALUES | st.just("2025-06-18"),
        "capabilities": VALUES | st.just({}),
        "clientInfo": VALUES | st.just({"name": "x", "version": "1"}),
    },
)
MESSAGES = st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0")},
    optional={
        "id": st.integers() | st.text(max_size=5) | VALUES,
        "method": st.sampled_from(METHODS) | VALUES,
        "params": PARAMS | VALUES,
        "result": VALUES,
        "error": VALUES,
    },
)
BODIES = (
    MESSAGES.map(lambda m: json.dumps(m).encode())
    | VALUES.map(lambda v: json.dumps(v).encode())
    | st.binary(max_size=60)
)
TEXT = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "MCP-Protocol-Version": st.sampled_from([MODERN, "2025-06-18", "2024-11-05"]) | TEXT,
        "Mcp-Method": st.sampled_from(METHODS) | TEXT,
        "Mcp-Name": st.just("echo") | TEXT,
        "Mcp-Session-Id": TEXT,
        "Last-Event-ID": TEXT,
        "Idempotency-Key": TEXT,
        "traceparent": TEXT,
        "Accept": st.sampled_from([BOTH, "application/json", "text/event-stream"]) | TEXT,
    },
)

# Only what the specification or system.md names: a session limit may say 429 or 503.
STATED = {200, 202, 400, 404, 405, 406, 408, 410, 413, 415, 429, 503}


def test_whatever_is_posted_the_answer_is_stated_and_soon(tmp_path: Path) -> None:
    with asyncio.Runner() as runner:
        section = {"servers": [{"name": "gateway", "port": 0}], "max_sessions": 20}
        made = Settings.model_validate({"system": {"state_dir": tmp_path}, "gateway": section})
        gateway = Gateway(made, Paths.of(made), TestGraph(), "0")
        [url] = runner.run(gateway.start())
        timeout = aiohttp.ClientTimeout(total=5)

        async def opened() -> aiohttp.ClientSession:
            return aiohttp.ClientSession(timeout=timeout)

        client = runner.run(opened())
        try:
            _fuzz(runner, client, url)
        finally:
            runner.run(client.close())
            runner.run(gateway.stop(0.2))


def _fuzz(runner: asyncio.Runner, client: aiohttp.ClientSession, url: str) -> None:
    async def session() -> str:
        params = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "f", "version": "1"}}
        message = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}
        async with client.post(url, json=message) as response:
            return response.headers["Mcp-Session-Id"]

    async def post(body: bytes, headers: dict[str, str]) -> tuple[int, bytes, str]:
        sent = {"Content-Type": "application/json", "Accept": BOTH} | headers
        async with client.post(url, data=body, headers=sent) as response:
            return response.status, await response.read(), response.content_type

    @settings(max_examples=300, suppress_health_check=list(HealthCheck))
    @given(BODIES, HEADERS, st.booleans())
    def fuzz(body: bytes, headers: dict[str, str], in_session: bool) -> None:
        if in_session:
            headers = headers | {"Mcp-Session-Id": runner.run(session())}
        status, answer, content_type = runner.run(post(body, headers))
        assert status in STATED, (status, answer)
        if content_type == "application/json" and status != 202 and answer:
            _check(json.loads(answer))

    fuzz()


def _check(answer: Any) -> None:
    assert answer["jsonrpc"] == "2.0"
    assert ("result" in answer) != ("error" in answer)
    if "error" in answer:
        assert isinstance(answer["error"]["code"], int)
        assert answer["error"]["code"] != -32603, answer
        assert answer["error"]["message"]
