"""Other people's MCP clients against a running system, over HTTP and stdio."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp.types import TextContent

from tests.support.node import PINNED, Node
from tests.support.system import System, until

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(600)]

JSON = dict[str, Any]
_RUN_S = 60


def _printed(command: list[str], node: Node, home: Path) -> JSON:
    """The JSON that a Node program prints; HOME is a test's own, for some programs leave files there."""
    done = subprocess.run(
        command,
        env=node.env({"HOME": str(home)}),
        cwd=home,
        capture_output=True,
        text=True,
        timeout=_RUN_S,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: JSON = json.loads(done.stdout)
    return found


def _inspect(system: System, node: Node, home: Path, *arguments: str) -> JSON:
    token = system.token("inspector")
    reach = [system.url, "--transport", "http", "--header", f"Authorization: Bearer {token}"]
    return _printed([*node.script("mcp-inspector"), "--cli", *reach, *arguments], node, home)


@pytest.mark.node
def test_inspector_lists_tools_whose_schemas_it_has_nothing_against(system: System, node: Node, tmp_path: Path) -> None:
    listed = _inspect(system, node, tmp_path, "--method", "tools/list", "--strict")
    names = [tool["name"] for tool in listed["tools"]]
    assert names == sorted(names)
    assert {"echo", "semantic_rank"} <= set(names)


@pytest.mark.node
def test_inspector_calls_a_tool(system: System, node: Node, tmp_path: Path) -> None:
    said = _inspect(system, node, tmp_path, "--method", "tools/call", "--tool-name", "echo", "--tool-arg", "text=hello")
    assert said["structuredContent"] == {"text": "hello"}


def _typescript(system: System, node: Node, home: Path, tool: str, arguments: JSON) -> JSON:
    script = [str(node.node), str(PINNED / "client.mjs"), str(node.modules), system.url]
    return _printed([*script, tool, json.dumps(arguments), system.token("typescript")], node, home)


@pytest.mark.node
def test_the_typescript_sdk_opens_a_session_calls_a_tool_and_ends_the_session(
    system: System, node: Node, tmp_path: Path
) -> None:
    seen = _typescript(system, node, tmp_path, "echo", {"text": "hello"})
    assert seen["server"]["name"] == "aura-ia-mcp"
    assert (seen["protocol"], seen["session"]) == ("2025-11-25", True)
    assert "echo" in seen["tools"]
    assert seen["result"]["structuredContent"] == {"text": "hello"}


@pytest.mark.node
def test_the_typescript_sdk_sees_progress_in_order_and_before_the_result(
    system: System, node: Node, tmp_path: Path
) -> None:
    seen = _typescript(system, node, tmp_path, "test_wait", {"label": "typescript", "seconds": 0.4})
    assert [step["progress"] for step in seen["progress"]] == [0, 1, 2, 3]
    assert seen["result"]["structuredContent"] == {"waited": 0.4}


@pytest.mark.parametrize(("mode", "revision"), [("auto", "2026-07-28"), ("legacy", "2025-11-25")])
async def test_the_python_sdk_works_in_both_eras(system: System, mode: Any, revision: str) -> None:
    async with Client(system.url, mode=mode) as client:
        assert client.protocol_version == revision
        assert client.server_info is not None
        assert client.server_info.name == "aura-ia-mcp"
        tools = [tool.name for tool in (await client.list_tools()).tools]
        assert "echo" in tools
        answer = await client.call_tool("echo", {"text": "hello"})
        assert answer.structured_content == {"text": "hello"}
        refused = await client.call_tool("echo", {})
        assert refused.is_error
        assert isinstance(refused.content[0], TextContent)
        assert "text" in refused.content[0].text


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_python_sdk_sees_progress_in_both_eras(system: System, mode: Any) -> None:
    steps: list[float] = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        steps.append(progress)

    async with Client(system.url, mode=mode) as client:
        arguments = {"label": f"python-{mode}", "seconds": 0.3}
        answer = await client.call_tool("test_wait", arguments, progress_callback=on_progress)
    assert answer.structured_content == {"waited": 0.3}
    assert steps == [0, 1, 2]


async def test_the_ml_port_shows_and_runs_its_own_tools_alone(system: System) -> None:
    async with Client(system.ml_url, mode="legacy") as client:
        tools = {tool.name for tool in (await client.list_tools()).tools}
        assert tools == {"analyze_emotion", "semantic_rank", "embed_text"}
        assert (await client.call_tool("echo", {"text": "hello"})).is_error


def _stdio(system: System) -> StdioServerParameters:
    command = ["-m", "aura_ia_mcp.main", "--mode", "stdio"]
    return StdioServerParameters(command=sys.executable, args=command, cwd=str(system.root), env=system.env)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_stdio_joins_the_running_system_in_both_eras(system: System, mode: Any) -> None:
    supervisors = _supervisors(system)
    async with Client(_stdio(system), mode=mode) as client:
        assert "echo" in [tool.name for tool in (await client.list_tools()).tools]
        answer = await client.call_tool("echo", {"text": "over stdio"})
        assert answer.structured_content == {"text": "over stdio"}
        assert _supervisors(system) == supervisors, "a stdio server must never mean another system"
    until("the stdio server to end with its client", lambda: not _stdio_servers(system))


def _supervisors(system: System) -> set[int]:
    graph = "aura_ia_mcp.cluster.graph"
    return {process.pid for process in system.processes() if graph in (process.info["cmdline"] or [])}


def _stdio_servers(system: System) -> set[int]:
    return {process.pid for process in system.processes() if "stdio" in (process.info["cmdline"] or [])}
