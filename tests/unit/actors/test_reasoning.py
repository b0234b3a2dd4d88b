"""ask, evaluate_risk and diagnose_issue: what is run, what isn't, and what is said about it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import jsonschema_rs
import pytest

from aura_ia_mcp.actors import builtin
from aura_ia_mcp.actors.builtin.reasoning import tools
from aura_ia_mcp.actors.language import Language
from aura_ia_mcp.actors.reasoning import Reasoning
from aura_ia_mcp.actors.workflow import Workflow
from aura_ia_mcp.bus.bus import Bus, Context, handles
from aura_ia_mcp.bus.envelope import Header, Principal
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON, CallTool, Compose
from aura_ia_mcp.configs.settings import Settings
from aura_ia_mcp.judgement import plans

from .graph import GUEST, OPERATOR, Graph, code_of, until
from .inside import PARENT, Inside, fact, fails, reply

AGENT = Principal("a1", roles=("agent",))
FACTS = [
    fact("ask"),
    fact("check_health"),
    fact("get_system_status"),
    fact("get_cluster_status"),
    fact("get_model_status"),
    fact("get_activity_stats"),
    fact("get_recent_logs", "read_logs"),
    fact("delete_documents", "upsert_memory", read_only=False, destructive=True, risk="high"),
    fact("execute_command", "operate", read_only=False, destructive=True, open_world=True, risk="critical"),
]
SCHEMAS = {tool.definition.name: tool.definition for tool in tools(Settings())}


@pytest.fixture
async def inside(tmp_path: Path) -> AsyncIterator[Inside]:
    inside = Inside(Graph(tmp_path))
    await inside.start()
    await inside.graph.start("workflow", Workflow)
    await inside.graph.start("language", Language)
    reasoning = await inside.graph.start("reasoning", Reasoning)
    await until(lambda: reasoning._follower.now is not None)
    yield inside
    await inside.graph.close()


async def ask(inside: Inside, request: str = "please", principal: Principal = AGENT, **arguments: object) -> JSON:
    return found("ask", await inside.call("ask", {"request": request} | arguments, FACTS, principal))


def found(tool: str, answer: JSON) -> JSON:
    """A result that is of the form that the tool promises."""
    structured: JSON = answer["structuredContent"]
    schema = SCHEMAS[tool].output_schema
    assert schema is not None
    jsonschema_rs.validate(schema, structured)
    return structured


def ran(inside: Inside) -> list[str]:
    return [message.tool for message in inside.ingress.asked]


# --- ask -------------------------------------------------------------------------------------------------------------


async def test_a_tool_is_run_as_a_new_request_and_its_result_is_the_answer(inside: Inside) -> None:
    async def health(arguments: JSON, context: Context) -> JSON:
        return reply({"status": "ok", "checks": {"a": {}, "b": {}}}, "rec-7")

    inside.ingress.answers["check_health"] = health
    inside.router.route = {"kind": "tool", "name": "check_health", "why": ["the word health"]}
    told = await ask(inside, "is all well?", GUEST, context="today")
    assert (inside.router.asked[0].request, inside.router.asked[0].context) == ("is all well?", "today")
    assert [(message.parent, message.tool) for message in inside.ingress.asked] == [(PARENT, "check_health")]
    assert (told["route"]["name"], told["route"]["confidence"], told["route"]["why"]) == (
        "check_health",
        0.9,
        ["the word health"],
    )
    assert (told["status"], told["steps"][0]["audit_id"]) == ("done", "rec-7")
    assert told["answer"] == "check_health: status ok; checks (2)"
    assert (told["risk"]["level"], told["composed"]) == ("low", False)
    assert any("no language engine" in note for note in told["notes"])


async def test_the_way_down_is_shown_layer_by_layer(inside: Inside) -> None:
    inside.router.route = {"kind": "tool", "name": "check_health"}
    answer = await inside.call("ask", {"request": "x"}, FACTS, GUEST)
    layers = answer["_meta"]["aura/layers"]
    assert [row["layer"] for row in layers] == ["L4", "L3", "L2", "L1", "L1"]
    assert [row["actor"] for row in layers] == ["reasoning/0", "workflow/0", "router/0", "ml/0", "language/0"]
    assert answer["content"][0]["text"].startswith("check_health")


async def test_a_plan_of_several_steps_needs_orchestrate(inside: Inside) -> None:
    inside.router.route = {"kind": "workflow", "name": "system_check"}
    told = await ask(inside, principal=GUEST)
    assert (told["status"], ran(inside)) == ("planned", [])
    assert "orchestrate" in told["answer"]
    assert len(told["plan"]["steps"]) == 5
    told = await ask(inside, principal=AGENT)
    assert (told["status"], len(ran(inside))) == ("done", 5)


async def test_plan_only_stops_before_anything_runs(inside: Inside) -> None:
    inside.router.route = {"kind": "workflow", "name": "diagnose"}
    told = await ask(inside, plan_only=True)
    assert (told["status"], told["steps"], ran(inside)) == ("planned", [], [])
    assert told["plan"]["order"][0] == ["health", "status", "models", "activity"]
    assert {each["id"] for each in told["plan"]["left_out"]} == {"errors", "alerts"}
    assert any("read_logs" in note for note in told["notes"])


async def test_it_asks_back_when_the_router_does(inside: Inside) -> None:
    inside.router.route = {
        "kind": "tool",
        "name": "check_health",
        "asks": "Health or status?",
        "alternatives": [{"kind": "tool", "name": "get_system_status", "confidence": 0.4}],
    }
    told = await ask(inside)
    assert (told["asks"], told["answer"], told["status"]) == ("Health or status?", "Health or status?", "not_run")
    assert told["route"]["alternatives"][0]["name"] == "get_system_status"
    assert ran(inside) == []


@pytest.mark.parametrize(
    ("route", "says"),
    [
        ({"kind": "none"}, "I don't know"),
        ({"kind": "tool", "name": "ask"}, "I don't know"),
        ({"kind": "model", "name": "general"}, "language model"),
        ({"kind": "tool", "name": "ghost"}, "Nothing was run: nothing that you may use does that"),
        ({"kind": "tool", "name": "execute_command"}, "nothing that you may use does that"),
        ({"kind": "tool", "name": "get_recent_logs"}, "capability read_logs"),
        ({"kind": "workflow", "name": "dance"}, "there is no plan 'dance'"),
    ],
)
async def test_what_cannot_be_run_is_said_and_nothing_runs(inside: Inside, route: JSON, says: str) -> None:
    inside.router.route = route
    told = await ask(inside)
    assert says in told["answer"]
    assert (told["status"], told["plan"]["steps"], ran(inside)) == ("not_run", [], [])


async def test_what_the_caller_may_not_use_is_neither_offered_nor_asked_about(inside: Inside) -> None:
    inside.router.route = {
        "kind": "tool",
        "name": "execute_command",
        "asks": "To run a command, please say: the command (command).",
        "why": ["to run a command"],
        "alternatives": [
            {"kind": "tool", "name": name, "confidence": 0.2} for name in ("get_recent_logs", "check_health")
        ],
    }
    told = await ask(inside)
    assert told["answer"].startswith("Nothing was run: nothing that you may use does that")
    assert [each["name"] for each in told["route"]["alternatives"]] == ["check_health"]
    assert "command" not in str(told)
    assert "the command" in (await ask(inside, principal=OPERATOR))["asks"]
    inside.router.route["name"] = "get_recent_logs"
    told = await ask(inside)
    assert (told["asks"], "capability read_logs" in told["answer"]) == ("", True)


@pytest.mark.parametrize(
    ("second", "asks"),
    [
        ("check_health", "Do you mean to check whether every part is healthy (check_health)? Otherwise"),
        ("set_safe_mode", ""),
    ],
)
async def test_a_question_which_was_meant_names_only_what_the_caller_may_use(
    inside: Inside, second: str, asks: str
) -> None:
    words = f"Do you mean to run a command (execute_command) or to do another thing ({second})?"
    inside.router.route = {"kind": "none", "asks": words}
    told = await ask(inside)
    assert told["asks"].startswith(asks)
    assert told["answer"].startswith(asks or "Nothing was run: nothing that you may use does that")
    assert "execute_command" not in str(told)


async def test_a_destructive_request_never_becomes_a_read(inside: Inside) -> None:
    inside.router.route = {"kind": "tool", "name": "check_health", "destructive": True}
    told = await ask(inside, "delete all logs")
    assert ran(inside) == []
    assert "asks to destroy" in told["answer"]
    inside.router.route = {"kind": "tool", "name": "delete_documents", "destructive": True}
    told = await ask(inside, "delete the old documents")
    assert ran(inside) == ["delete_documents"]
    assert told["risk"]["level"] in ("high", "critical")


async def test_what_is_denied_by_its_risk_is_not_run(inside: Inside) -> None:
    inside.router.route = {"kind": "tool", "name": "delete_documents", "destructive": True}
    told = await ask(inside, "drop database production, all of it, permanently, on friday night")
    assert (told["risk"]["level"], ran(inside)) == ("denied", [])


async def test_refused_steps_are_told_with_what_to_do_and_the_rest_is_partial(inside: Inside) -> None:
    inside.ingress.answers["get_cluster_status"] = fails(
        "approval_required", "somebody has to agree", recovery="Ask bob.", audit_id="rec-2"
    )
    inside.router.route = {"kind": "workflow", "name": "system_check"}
    told = await ask(inside)
    rows = {row["id"]: row for row in told["steps"]}
    assert told["status"] == "partial"
    assert (rows["cluster"]["status"], rows["cluster"]["audit_id"]) == ("refused", "rec-2")
    assert rows["cluster"]["error"]["recovery"] == "Ask bob."
    assert "cluster (get_cluster_status): refused: somebody has to agree. Ask bob." in told["answer"].splitlines()


async def test_steps_that_lie_too_deep_are_told_as_failed(inside: Inside) -> None:
    inside.ingress.answers["check_health"] = fails("invalid_arguments", "it would be the 5th call inside another")
    inside.router.route = {"kind": "tool", "name": "check_health"}
    told = await ask(inside)
    assert (told["status"], told["steps"][0]["status"]) == ("failed", "failed")
    assert "5th call" in told["answer"]


async def test_cancelling_ask_cancels_its_steps(inside: Inside) -> None:
    async def hang(arguments: JSON, context: Context) -> JSON:
        return await asyncio.Future()

    inside.ingress.answers["check_health"] = hang
    inside.router.route = {"kind": "tool", "name": "check_health"}
    running = asyncio.create_task(ask(inside))
    await until(lambda: inside.ingress.running == 1)
    running.cancel()
    await until(lambda: inside.ingress.cancelled == ["check_health"])


async def test_at_its_deadline_ask_tells_what_is_there(inside: Inside) -> None:
    async def hang(arguments: JSON, context: Context) -> JSON:
        return await asyncio.Future()

    inside.ingress.answers["get_cluster_status"] = hang
    inside.router.route = {"kind": "workflow", "name": "system_check"}
    header = Header(principal=AGENT, deadline=time.monotonic() + 1.0)
    told = found("ask", await inside.call("ask", {"request": "x"}, FACTS, AGENT, header=header))
    assert told["status"] == "partial"
    assert {row["status"] for row in told["steps"] if row["id"] != "cluster"} == {"done"}


async def test_progress_of_the_steps_reaches_the_caller(inside: Inside) -> None:
    items: list[JSON] = []
    inside.router.route = {"kind": "workflow", "name": "system_check"}
    await inside.call("ask", {"request": "x"}, FACTS, AGENT, on_item=items.append)
    assert [item["progress"] for item in items] == [1, 2, 3, 4, 5]


class Speaker:
    """A language engine of a test."""

    @handles(Compose)
    async def compose(self, message: Compose, context: Context) -> JSON:
        return {"text": f"{len(message.material)} steps, all well.", "model": "test"}

    async def start(self, bus: Bus) -> None:
        pass

    async def stop(self) -> None:
        pass


async def test_with_a_language_engine_the_answer_is_in_its_words(inside: Inside) -> None:
    await inside.graph.end("language")
    await inside.graph.peer("language", Speaker())
    inside.router.route = {"kind": "tool", "name": "check_health"}
    told = await ask(inside)
    assert (told["answer"], told["composed"], told["notes"]) == ("1 steps, all well.", True, [])


async def test_while_language_is_away_its_layer_is_not_claimed(inside: Inside) -> None:
    await inside.graph.end("language")
    inside.router.route = {"kind": "tool", "name": "check_health"}
    answer = await inside.call("ask", {"request": "x"}, FACTS, GUEST)
    assert "language/0" not in [row["actor"] for row in answer["_meta"]["aura/layers"]]
    assert found("ask", answer)["status"] == "done"


@pytest.mark.parametrize(("role", "whom"), [("router", "Router"), ("workflow", "Workflow")])
async def test_a_part_that_is_away_is_named_and_reasoning_is_not_taken_for_it(
    inside: Inside, role: str, whom: str
) -> None:
    inside.router.route = {"kind": "tool", "name": "check_health"}
    await inside.graph.end(role)
    header = Header(principal=GUEST, deadline=time.monotonic() + 1.0)
    with pytest.raises(AuraError, match=whom) as caught:
        await inside.call("ask", {"request": "x"}, FACTS, GUEST, header=header)
    assert caught.value.code == "unavailable"
    assert caught.value.failure.retry_after_s


async def test_nothing_runs_without_a_token_or_without_a_grant(inside: Inside) -> None:
    tools_peer, message = inside.graph.peers["tools"], CallTool("ask", {"request": "x"}, meta={"aura/tools": FACTS})
    inside.router.route = {"kind": "tool", "name": "check_health"}
    grants = inside.tokens(GUEST)
    own = {"reasoning": inside.tokens(GUEST, tool="ask", arguments={"request": "x"})["reasoning"]}
    for tokens in ({}, grants, own, own | {"workflow": b"x" * 50}):
        header = Header(principal=GUEST, tokens=tokens)
        assert await code_of(tools_peer.request("reasoning", message, header=header)) == "invalid_token"
    assert ran(inside) == []


# --- evaluate_risk ---------------------------------------------------------------------------------------------------


async def risk(inside: Inside, operation: str, principal: Principal = GUEST, **context: object) -> JSON:
    arguments = {"operation": operation, "context": context}
    return found("evaluate_risk", await inside.call("evaluate_risk", arguments, FACTS, principal))


async def test_risk_is_told_with_its_factors(inside: Inside) -> None:
    told = await risk(inside, "drop database production")
    assert told["level"] in ("critical", "denied")
    assert sum(factor["share"] for factor in told["factors"]) == told["score"]
    assert (await risk(inside, "read a config file"))["level"] == "low"
    told = await risk(inside, "sudo rm -fr /", OPERATOR)
    assert told["denied"]
    assert any("command.destroy_files" in note for note in told["notes"])


async def test_the_trust_is_the_callers_the_roles_or_the_contexts(inside: Inside) -> None:
    own = (await risk(inside, "delete a branch"))["score"]
    assert (await risk(inside, "delete a branch", OPERATOR))["score"] < own
    assert (await risk(inside, "delete a branch", role="administrator"))["score"] < own
    assert (await risk(inside, "delete a branch", trust=5))["score"] < own
    told = await risk(inside, "delete a branch", role="wizard", colour="red")
    assert told["score"] == own
    assert any("wizard" in note for note in told["notes"])
    assert any("context.colour" in note for note in told["notes"])


# --- diagnose_issue --------------------------------------------------------------------------------------------------


def answers(inside: Inside, **results: JSON) -> None:
    for tool, result in results.items():

        async def say(arguments: JSON, context: Context, result: JSON = result) -> JSON:
            return reply(result)

        inside.ingress.answers[tool] = say


async def diagnose(inside: Inside, principal: Principal = OPERATOR, **arguments: object) -> JSON:
    return found("diagnose_issue", await inside.call("diagnose_issue", arguments, FACTS, principal))


async def test_nothing_wrong_is_said_plainly(inside: Inside) -> None:
    told = await diagnose(inside)
    assert (told["healthy"], told["findings"], told["likely_cause"]) == (True, [], None)
    assert "Nothing is wrong" in told["notes"][0]
    assert len(told["checks"]) == 5


async def test_what_the_checks_show_becomes_a_cause_and_a_remedy(inside: Inside) -> None:
    answers(
        inside,
        get_model_status={"workers": [{"name": "ml/0", "state": "loading"}]},
        get_activity_stats={"errors": 0, "denials": 3},
    )
    told = await diagnose(inside, symptom="analyze_emotion says unavailable")
    assert [each["id"] for each in told["findings"]] == ["models_loading", "refusals"]
    assert told["findings"][0]["where"] == ["workers.ml/0.state"]
    assert "started a short while ago" in told["likely_cause"]
    assert not told["healthy"]


async def test_a_check_that_is_refused_is_no_proof_of_health(inside: Inside) -> None:
    inside.ingress.answers["get_recent_logs"] = fails("forbidden", "no")
    told = await diagnose(inside)
    assert (told["healthy"], told["likely_cause"]) == (False, None)
    assert told["findings"][0]["id"] == "unchecked"


async def test_without_any_check_it_claims_nothing(inside: Inside) -> None:
    answer = await inside.call("diagnose_issue", {}, [], OPERATOR)
    told = found("diagnose_issue", answer)
    assert (told["healthy"], told["checks"], len(told["left_out"])) == (False, [], 6)
    assert "No check could be run" in told["notes"][0]


async def test_an_unknown_tool_and_a_call_of_nobody_are_refused(inside: Inside) -> None:
    assert await code_of(inside.call("dance", {}, FACTS)) == "unknown_tool"
    with pytest.raises(AuraError):
        await inside.call("ask", {"request": "x"}, FACTS, replace(GUEST, id="x"), header=Header(principal=GUEST))


# --- the shipped plans ------------------------------------------------------------------------------------------------


def test_the_steps_of_the_shipped_plans_fit_the_schemas_of_their_tools() -> None:
    names = [module.name for module in iter_modules(builtin.__path__)]
    made = [import_module(f"{builtin.__name__}.{name}") for name in names]
    known = {
        tool.definition.name: tool.definition.input_schema
        for module in made
        if hasattr(module, "tools")
        for tool in module.tools(Settings())
    }
    values = {"request": "why", "context": "a text", "service": "tools", "tool": "echo"}
    facts = [fact(name, input_schema=schema) for name, schema in known.items()]
    steps = [
        step
        for name in plans.shipped().by_name
        for step in plans.shipped().plan({"kind": "workflow", "name": name}, facts, frozenset({"status"}), values).steps
    ]
    assert len(steps) > 15
    for step in steps:
        jsonschema_rs.validate(known[step.tool], step.arguments)
