"""The shipped catalogue: in one event loop, without Ray and models, where that is enough; else in a whole system."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import jsonschema_rs
import pytest
from mcp.client import Client

from tests.support.inprocess import InProcess
from tests.support.system import System

JSON = dict[str, Any]
_NAME = re.compile(r"[a-z0-9_]+|codex-reply")
_HINTS = {"readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"}
_LONGEST = 64 - len("mcp__aura_gateway__")
# What the issue promises. Tools that come later join them; none of these may go.
PROMISED = {
    "analyze_emotion",
    "arbitrate_roles",
    "ask",
    "check_permission",
    "check_pii",
    "check_prompt",
    "evaluate_risk",
    "get_policy",
    "get_role_capabilities",
    "list_roles",
    "run_role_simulation",
    "suggest_role",
    "check_health",
    "echo",
    "embed_text",
    "get_activity_stats",
    "get_cluster_status",
    "get_config",
    "get_documentation",
    "get_model_status",
    "get_system_status",
    "list_available_tools",
    "list_approvals",
    "list_entities",
    "request_approval",
    "semantic_rank",
}

_ARGUMENTS: dict[str, JSON] = {
    "analyze_emotion": {"texts": ["I am so happy!", "What a dreadful day."]},
    "arbitrate_roles": {"opinions": [{"role": "developer", "decision": "allow", "confidence": 0.9}]},
    "ask": {"request": "Is everything in order with the system?"},
    "check_permission": {"role_name": "developer", "action": "write:code"},
    "check_pii": {"text": "write to ada@example.org"},
    "check_prompt": {"text": "hello"},
    "diagnose_issue": {"symptom": "calls are slow"},
    "echo": {"text": "hello"},
    "evaluate_risk": {"operation": "drop database customers"},
    "execute_command": {"command": "ls"},
    "embed_text": {"texts": ["hello"]},
    "get_role_capabilities": {"role_name": "developer"},
    "request_approval": {"operation": "water the plants", "reason": "they are dry"},
    "run_role_simulation": {"role_name": "developer", "actions": ["write:code", "read:secrets"]},
    "search_logs": {"query": "serves"},
    "semantic_rank": {"query": "fruit", "candidates": ["apple", "car"]},
    "set_safe_mode": {"enabled": False, "reason": "as it is"},
    "suggest_role": {"task_description": "write unit tests"},
}
# Of those that no guest sees, an operator does.
OPERATED = {"diagnose_issue", "execute_command", "get_recent_logs", "search_logs", "set_safe_mode"}


@pytest.fixture
async def aura(tmp_path: Path) -> AsyncIterator[InProcess]:
    """A system with nothing but what is shipped."""
    async with InProcess(tmp_path) as running:
        yield running


async def _rest(aura: InProcess, path: str, body: JSON | None = None) -> tuple[int, JSON]:
    base = aura.url.removesuffix("/mcp/stream")
    async with (
        aiohttp.ClientSession() as http,
        http.request("GET" if body is None else "POST", base + path, json=body) as answer,
    ):
        return answer.status, await answer.json()


async def _tools(aura: InProcess) -> list[JSON]:
    status, listed = await _rest(aura, "/mcp/tools/list")
    assert status == 200, listed
    tools: list[JSON] = listed["tools"]
    return tools


async def test_a_guest_sees_every_promised_tool_in_order_and_no_fixture_of_a_test(aura: InProcess) -> None:
    names = [tool["name"] for tool in await _tools(aura)]
    assert names == sorted(names)
    assert set(names) >= PROMISED
    assert not [name for name in names if name.startswith("test_")]


async def test_every_tool_has_a_name_that_codex_takes_both_schemas_and_true_hints(aura: InProcess) -> None:
    for tool in await _tools(aura):
        assert _NAME.fullmatch(tool["name"]), tool["name"]
        assert len(tool["name"]) <= _LONGEST, tool["name"]
        assert tool["title"], tool["name"]
        assert tool["description"], tool["name"]
        assert tool["annotations"].keys() == _HINTS, tool["name"]
        for schema in (tool["inputSchema"], tool["outputSchema"]):
            assert schema["type"] == "object", tool["name"]
            jsonschema_rs.Draft202012Validator(schema)


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_every_tool_keeps_its_output_schema_in_a_whole_system(model: None, system: System) -> None:
    called = set()
    async with Client(system.url) as client:
        for tool in (await client.list_tools()).tools:
            if tool.name not in PROMISED:
                continue
            answer = await client.call_tool(tool.name, _ARGUMENTS.get(tool.name, {}))
            assert not answer.is_error, (tool.name, answer.content)
            assert tool.output_schema is not None, tool.name
            jsonschema_rs.Draft202012Validator(tool.output_schema).validate(answer.structured_content)
            called.add(tool.name)
    assert called == PROMISED


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_tool_for_operators_keeps_its_output_schema_in_a_whole_system(system: System) -> None:
    system.token("catalogue", "operator", kind="human")
    schemas = {tool["name"]: tool.get("outputSchema", False) for tool in system.tools(principal="catalogue")}
    assert schemas.keys() >= OPERATED
    for name in sorted(OPERATED):
        answer = system.call(name, _ARGUMENTS.get(name, {}), principal="catalogue")
        assert not answer["isError"], (name, answer["content"])
        jsonschema_rs.Draft202012Validator(schemas[name]).validate(answer["structuredContent"])


async def test_a_tool_whose_model_is_not_loaded_says_unavailable_and_what_to_do(aura: InProcess) -> None:
    status, answer = await _rest(aura, "/mcp/tools/call", {"name": "embed_text", "arguments": {"texts": ["hello"]}})
    assert status == 503
    error = answer["error"]
    assert (error["code"], error["outcome"]) == ("unavailable", "not_run")
    assert error["recovery"]
