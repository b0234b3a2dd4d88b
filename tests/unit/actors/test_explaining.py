"""The tool that explains recorded decisions: to whom it says what."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from aura_ia_mcp.actors.audit import Audit
from aura_ia_mcp.actors.safety import Safety
from aura_ia_mcp.actors.tools import Tools
from aura_ia_mcp.bus.envelope import Principal
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON

from .graph import GUEST, OPERATOR, Graph, code_of

AUDITOR = Principal("token:auditor", roles=("auditor",))


@pytest.fixture
async def graph(tmp_path: Path) -> AsyncIterator[Graph]:
    graph = Graph(tmp_path)
    for role, make in (("audit", Audit), ("tools", Tools), ("safety", Safety)):
        await graph.start(role, make)
    yield graph
    await graph.close()


async def explained(graph: Graph, audit_id: str, principal: Principal = AUDITOR) -> JSON:
    reply = await graph.call("explain_decision", {"audit_id": audit_id}, principal)
    found: JSON = reply["structuredContent"]
    return found


async def refused(graph: Graph, tool: str, principal: Principal = GUEST) -> str:
    with pytest.raises(AuraError) as caught:
        await graph.call(tool, {}, principal)
    audit_id = caught.value.failure.audit_id
    assert audit_id
    return audit_id


async def test_a_refusal_is_explained_from_the_id_that_came_with_it(graph: Graph) -> None:
    found = await explained(graph, await refused(graph, "get_recent_logs"))
    assert (found["verdict"], found["rule"]) == ("deny", "capability.missing")
    assert {step["part"]: step["verdict"] for step in found["steps"]}["roles"] == "missing"
    assert "list_roles" in found["remedy"]


async def test_what_ran_is_explained_with_its_layers(graph: Graph) -> None:
    reply = await graph.call("echo", {"text": "hello"})
    found = await explained(graph, reply["_meta"]["aura/audit_id"])
    assert [step["layer"] for step in found["steps"] if step["verdict"] == "ran"] == ["L5"]
    assert [rule["rule"] for rule in found["rules"] if rule["decided"]] == ["capability.allow"]


async def test_records_that_belong_to_it_are_named(graph: Graph) -> None:
    reply = await graph.call("set_safe_mode", {"enabled": False, "reason": "a test"}, OPERATOR)
    found = await explained(graph, reply["_meta"]["aura/audit_id"], OPERATOR)
    assert [(each["kind"], each["relation"]) for each in found["related"]] == [
        ("opened_call", "its opening, before it ran")
    ]
    assert found["cut"] == ""


async def test_a_hidden_tool_stays_hidden_from_those_who_do_not_operate(graph: Graph) -> None:
    audit_id = await refused(graph, "set_safe_mode")
    assert (await explained(graph, audit_id))["rule"] == "exposure.unknown"
    assert (await explained(graph, audit_id, OPERATOR))["rule"] == "exposure.hidden"


async def test_another_tenants_record_is_as_if_there_were_none(graph: Graph) -> None:
    reply = await graph.call("echo", {"text": "hello"}, replace(GUEST, tenant="elsewhere"))
    audit_id = reply["_meta"]["aura/audit_id"]
    codes = [await code_of(explained(graph, wanted)) for wanted in (audit_id, "safety-0:99999", "../x:1", "nonsense")]
    assert codes == ["invalid_arguments"] * 4
    assert (await explained(graph, audit_id, OPERATOR))["asked"]["principal"] == "elsewhere/guest"


async def test_who_may_not_read_logs_gets_no_explanation(graph: Graph) -> None:
    assert await code_of(explained(graph, "safety-0:1", GUEST)) == "forbidden"


async def test_a_record_without_a_decision_is_said(graph: Graph) -> None:
    with pytest.raises(AuraError, match="holds no decision"):
        await explained(graph, "safety-0:1", OPERATOR)
