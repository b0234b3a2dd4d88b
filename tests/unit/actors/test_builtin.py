"""The built-in tools: their contracts hold, and they say what is so."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from aura_ia_mcp.actors.approvals import Approvals
from aura_ia_mcp.actors.audit import Audit
from aura_ia_mcp.actors.boot import Boot
from aura_ia_mcp.actors.language import Language
from aura_ia_mcp.actors.ml import MLWorker
from aura_ia_mcp.actors.reasoning import Reasoning
from aura_ia_mcp.actors.safety import Safety
from aura_ia_mcp.actors.state import State
from aura_ia_mcp.actors.telemetry import Telemetry
from aura_ia_mcp.actors.tools import Tools
from aura_ia_mcp.actors.workflow import Workflow
from aura_ia_mcp.bus.envelope import Principal
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON, ListCatalogue, ReadResource, Report
from aura_ia_mcp.configs.settings import Settings

from .fakes import FakeModels
from .graph import GUEST, OPERATOR, Graph, code_of, until
from .inside import Router

NAMES = {
    "arbitrate_roles",
    "ask",
    "audit_log",
    "check_permission",
    "check_pii",
    "check_prompt",
    "echo",
    "evaluate_risk",
    "get_policy",
    "get_role_capabilities",
    "list_roles",
    "run_role_simulation",
    "suggest_role",
    "check_health",
    "get_system_status",
    "get_model_status",
    "get_activity_stats",
    "get_cluster_status",
    "get_documentation",
    "list_entities",
    "list_available_tools",
    "get_config",
    "analyze_emotion",
    "semantic_rank",
    "embed_text",
    "request_approval",
    "get_approval",
    "list_approvals",
}
INFERRING = {"analyze_emotion", "semantic_rank", "embed_text", "ask"}
FOR_READERS_OF_LOGS = {
    "get_recent_logs",
    "search_logs",
    "diagnose_issue",
    "get_security_audit",
    "verify_audit",
    "explain_decision",
}
FOR_OPERATORS = {"set_safe_mode", "execute_command", "decide_approval"}
ARGUMENTS: dict[str, JSON] = {
    "echo": {"text": "hello"},
    "get_documentation": {},
    "analyze_emotion": {"text": "what a day"},
    "semantic_rank": {"query": "fruit", "candidates": ["apple", "car"], "top_k": 1},
    "embed_text": {"texts": ["one", ""]},
    "arbitrate_roles": {"opinions": [{"role": "developer", "decision": "allow", "confidence": 0.9}]},
    "ask": {"request": "is everything healthy?"},
    "audit_log": {"action": "looked around", "details": {"seen": 3}},
    "check_permission": {"role_name": "developer", "action": "write_code"},
    "check_pii": {"text": "write to ada@example.org"},
    "check_prompt": {"text": "what a day"},
    "evaluate_risk": {"operation": "read the settings"},
    "get_role_capabilities": {"role_name": "developer"},
    "run_role_simulation": {"role_name": "developer", "actions": ["write_code", "merge"]},
    "suggest_role": {"task_description": "review the code and merge it"},
    "search_logs": {"query": "gone"},
    "execute_command": {"command": "echo hello"},
    "request_approval": {"operation": "echo", "arguments": {"text": "hello"}, "reason": "to see its form"},
    "set_safe_mode": {"enabled": False, "reason": "a test of its form"},
}
CLUSTER = {
    "nodes": [{"id": "n1", "name": "here", "alive": True, "resources": {"CPU": 2.0}}],
    "resources": {"total": {"CPU": 2.0}, "available": {"CPU": 1.5}},
    "actors": {
        "L6 Safety 0": {
            "name": "L6 Safety 0",
            "class": "Safety",
            "layer": "L6",
            "node": "here",
            "pid": 7,
            "state": "ALIVE",
            "restarts": 1,
            "addresses": {"safety/0": {"mailbox": 0}},
        }
    },
    "placement": {"replicas": {}, "placement": {}},
    "transport": "socket",
    "ray_address": "127.0.0.1:6379",
    "dashboard_url": "http://127.0.0.1:8265",
}


@pytest.fixture
async def graph(tmp_path: Path) -> AsyncIterator[Graph]:
    (tmp_path / "work").mkdir()
    made = {"safety": {"rate_limit": 1000}, "commands": {"roots": [tmp_path / "work"]}}
    graph = Graph(tmp_path, Settings.model_validate(made))
    await graph.ingress()
    below: dict[str, Callable[[Boot], Any]] = {
        "telemetry": Telemetry,
        "state": State,
        "approvals": Approvals,
        "audit": Audit,
        "language": Language,
    }
    above: dict[str, Callable[[Boot], Any]] = {
        "workflow": Workflow,
        "reasoning": Reasoning,
        "tools": Tools,
        "safety": Safety,
    }
    for role, make in below.items():
        await graph.start(role, make)
    ml = await graph.start("ml", lambda boot: MLWorker(boot, FakeModels()))
    await until(lambda: ml.state == "ready")
    await graph.follow()
    router = Router()
    router.route = {"kind": "tool", "name": "check_health"}
    await graph.peer("router", router)  # type: ignore[arg-type]
    for role, make in above.items():
        await graph.start(role, make)
    yield graph
    await graph.close()


async def entries(graph: Graph, principal: Principal = GUEST, server: str = "gateway") -> dict[str, JSON]:
    reply = await graph.request(ListCatalogue("tools", server=server), principal)
    return {entry["name"]: entry for entry in reply["entries"]}


async def cluster_reports(graph: Graph) -> None:
    peer = await graph.peer("cluster")
    await peer.request("telemetry", Report("cluster/0", CLUSTER))


async def test_every_shipped_tool_is_listed_to_those_who_may_call_it(graph: Graph) -> None:
    assert set(await entries(graph)) == NAMES
    assert set(await entries(graph, OPERATOR)) == NAMES | FOR_READERS_OF_LOGS | FOR_OPERATORS


async def test_every_tool_has_true_annotations_and_closed_schemas(graph: Graph) -> None:
    for name, entry in (await entries(graph, OPERATOR)).items():
        assert re.fullmatch("[a-z0-9_]+", name)
        assert set(entry["annotations"]) == {"readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"}
        assert entry["title"], name
        assert entry["description"], name
        for schema in (entry["inputSchema"], entry["outputSchema"]):
            jsonschema_rs.Draft202012Validator(schema, offline=True)
            assert schema["additionalProperties"] is False
            assert "title" not in schema
            # Providers of models refuse a whole request for one tool that has these at the top of its schema.
            assert not {"oneOf", "anyOf", "allOf", "not", "enum", "const", "if"} & schema.keys()


async def test_every_text_and_list_that_a_tool_takes_is_bounded(graph: Graph) -> None:
    def check(schema: JSON, where: str) -> None:
        if schema.get("type") == "string":
            assert "maxLength" in schema or "enum" in schema, where
        if schema.get("type") == "array":
            assert "maxItems" in schema, where
            check(schema["items"], where)
        for name, member in schema.get("properties", {}).items():
            check(member, f"{where}.{name}")

    for name, entry in (await entries(graph, OPERATOR)).items():
        check(entry["inputSchema"], name)


@pytest.mark.parametrize("principal", [GUEST, OPERATOR], ids=["guest", "operator"])
async def test_what_every_tool_returns_has_the_promised_form(graph: Graph, principal: Principal) -> None:
    await cluster_reports(graph)
    asked = await graph.call("request_approval", {"operation": "a test", "reason": "to see its form"})
    approval = {"approval_id": asked["structuredContent"]["approval_id"]}
    arguments = ARGUMENTS | {
        "get_approval": approval,
        "decide_approval": approval | {"decision": "approve"},
        "explain_decision": {"audit_id": asked["_meta"]["aura/audit_id"]},
    }
    for name, entry in (await entries(graph, principal)).items():
        reply = await graph.call(name, arguments.get(name, {}), principal)
        assert reply["isError"] is False, name
        validator = jsonschema_rs.Draft202012Validator(entry["outputSchema"])
        assert [str(e) for e in validator.iter_errors(reply["structuredContent"])] == [], name
        assert reply["content"][0]["text"]


async def test_a_virtual_server_shows_and_runs_its_own_tools_only(graph: Graph) -> None:
    shown = await entries(graph, server="ml")
    assert set(shown) == {"analyze_emotion", "semantic_rank", "embed_text", "get_model_status"}
    assert await code_of(graph.call("echo", {"text": "x"}, server="ml")) == "unknown_tool"
    assert await code_of(graph.call("get_model_status", server="nowhere")) == "unknown_tool"
    resources = await graph.request(ListCatalogue("resources", server="ml"))
    assert resources["entries"] == []


async def test_check_health_tells_of_a_part_that_is_gone(graph: Graph) -> None:
    before = (await graph.call("check_health"))["structuredContent"]
    assert before["status"] == "ok"
    assert {part for part, check in before["checks"].items() if check["status"] == "ok"} >= {
        "tools/0",
        "ml/0",
        "state/0",
        "audit/0",
        "approvals/0",
        "telemetry/0",
    }
    await graph.end("ml")
    after = (await graph.call("check_health"))["structuredContent"]
    assert after["status"] == "degraded"
    assert after["checks"]["ml/0"]["status"] == "down"


async def test_status_shows_what_ray_and_the_parts_reported(graph: Graph) -> None:
    await cluster_reports(graph)
    status = (await graph.call("get_system_status"))["structuredContent"]
    safety = next(actor for actor in status["actors"] if actor["name"] == "safety/0")
    assert (safety["layer"], safety["node"], safety["state"], safety["restarts"]) == ("L6", "here", "ALIVE", 1)
    assert status["resources"]["used"] == {"CPU": 0.5}
    assert status["safe_mode"] is False
    await graph.call("set_safe_mode", {"enabled": True, "reason": "a test"}, OPERATOR)
    assert (await graph.call("get_system_status"))["structuredContent"]["safe_mode"] is True
    cluster = (await graph.call("get_cluster_status"))["structuredContent"]
    assert cluster["actors_by_node"]["here"][0]["class"] == "Safety"


async def test_cluster_status_without_a_report_is_unavailable(graph: Graph) -> None:
    assert await code_of(graph.call("get_cluster_status")) == "unavailable"


async def test_guests_see_their_limits_and_no_paths_in_the_configuration(graph: Graph) -> None:
    guest = (await graph.call("get_config"))["structuredContent"]
    assert guest["settings"]["safety.rate_limit"] == {"value": 1000, "source": "set"}
    assert not any("dir" in key or "path" in key or key.startswith("system.") for key in guest["settings"])
    assert guest["complete"] is False
    operator = (await graph.call("get_config", principal=OPERATOR))["structuredContent"]
    assert "system.state_dir" in operator["settings"]


async def test_guests_see_nobody_elses_activity(graph: Graph) -> None:
    await graph.call("echo", {"text": "x"})
    await graph.call("echo", {"text": "x"}, OPERATOR)
    guest = (await graph.call("get_activity_stats"))["structuredContent"]
    assert guest["requests"] >= 2
    assert set(guest["by_principal"]) == {"local/guest"}
    operator = (await graph.call("get_activity_stats", principal=OPERATOR))["structuredContent"]
    assert operator["by_principal"]["local/operator"]["requests"] >= 1
    assert operator["by_tool"]["echo"]["requests"] == 2


async def test_a_caller_does_not_see_the_activity_of_the_same_id_in_another_tenant(graph: Graph) -> None:
    ours, theirs = (Principal("token:ci", tenant=tenant, roles=("guest",)) for tenant in ("ours", "theirs"))
    await graph.call("echo", {"text": "x"}, theirs)
    await graph.call("echo", {"text": "x"}, theirs)
    await graph.call("echo", {"text": "x"}, ours)
    seen = (await graph.call("get_activity_stats", principal=ours))["structuredContent"]["by_principal"]
    assert {name: counts["requests"] for name, counts in seen.items()} == {"ours/token:ci": 1}
    every = (await graph.call("get_activity_stats", principal=OPERATOR))["structuredContent"]["by_principal"]
    assert every["theirs/token:ci"]["requests"] == 2


async def test_documentation_is_read_by_topic_and_as_a_resource(graph: Graph) -> None:
    topics = (await graph.call("get_documentation"))["structuredContent"]["topics"]
    assert "audit" in {topic["topic"] for topic in topics}
    page = (await graph.call("get_documentation", {"topic": "audit"}))["structuredContent"]
    resource = await graph.request(ReadResource("aura://docs/audit"))
    assert resource["contents"][0]["text"] == page["text"]
    with pytest.raises(AuraError, match=r"there are .*audit") as caught:
        await graph.call("get_documentation", {"topic": "../../secrets"})
    assert caught.value.code == "invalid_arguments"
    assert "secrets" not in caught.value.failure.message.partition("there are")[0], "what was asked for isn't echoed"
    assert await code_of(graph.request(ReadResource("aura://docs/nothing"))) == "unknown_resource"


async def test_kinds_that_do_not_exist_are_absent_with_a_reason(graph: Graph) -> None:
    found: dict[str, Any] = (await graph.call("list_entities"))["structuredContent"]
    assert {row["kind"] for row in found["absent"]} == {"collections", "upstreams"}
    assert {row["kind"] for row in found["entities"]} == {"tools", "roles", "models", "workflows"}
    only = (await graph.call("list_entities", {"kind": "roles"}))["structuredContent"]
    assert {row["name"] for row in only["entities"]} >= {"guest", "agent", "auditor", "operator"}


async def test_available_tools_are_those_that_the_caller_may_call(graph: Graph) -> None:
    auditor = Principal("token:a", roles=("auditor",))
    found = (await graph.call("list_available_tools", principal=auditor))["structuredContent"]
    assert {tool["name"] for tool in found["tools"]} == (NAMES | FOR_READERS_OF_LOGS) - INFERRING
    assert await code_of(graph.call("list_available_tools", {"category": "no"})) == "invalid_arguments"


# --- what causes further calls ----------------------------------------------------------------------------------------


async def test_a_step_of_ask_is_a_call_of_its_own_that_names_its_cause(graph: Graph) -> None:
    reply = await graph.call("ask", {"request": "is everything healthy?"})
    layers = {row["layer"] for row in reply["_meta"]["aura/layers"]}
    assert layers >= {"L6", "L5", "L4", "L3", "L2", "L1"}
    step, asked = graph.records()
    assert (step["name"], asked["name"]) == ("check_health", "ask")
    assert (step["cause"], step["depth"], step["principal"]) == (asked["call"], 1, asked["principal"])
    assert "depth" not in asked
    assert reply["structuredContent"]["steps"][0]["audit_id"] == f"safety-0:{step['seq']}"


async def test_the_checks_of_a_diagnosis_are_calls_of_whoever_asked_for_it(graph: Graph) -> None:
    reply = await graph.call("diagnose_issue", {}, Principal("token:a", roles=("auditor",)))
    assert {row["status"] for row in reply["structuredContent"]["checks"]} == {"done"}
    *steps, asked = graph.records()
    assert len(steps) == len(reply["structuredContent"]["checks"])
    assert {(step["cause"], step["principal"]["id"]) for step in steps} == {(asked["call"], "token:a")}
