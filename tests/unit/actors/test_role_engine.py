from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from aura_ia_mcp.actors.boot import Boot
from aura_ia_mcp.actors.builtin import roles as builtin
from aura_ia_mcp.actors.decision import action_of, covered
from aura_ia_mcp.actors.roles import RoleEngine
from aura_ia_mcp.actors.state import State
from aura_ia_mcp.bus.bus import handles
from aura_ia_mcp.bus.envelope import Header, Principal, new_id
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON, CallTool, Embed, Observed, Subscribe
from aura_ia_mcp.bus.tokens import Claims, Minter, digest, who
from aura_ia_mcp.configs.settings import Settings
from aura_ia_mcp.judgement.roles.meaning import head
from aura_ia_mcp.stores.rules_archive import RulesArchive

from .graph import Graph, code_of, until

DEV = Principal("dev", roles=("developer",))
SHIPPED = {name: (files("aura_ia_mcp.configs") / name).read_text("utf-8") for name in ("policy.yaml", "roles.yaml")}


def engine(boot: Boot) -> RoleEngine:
    return RoleEngine(boot, period_s=0.01)


@pytest.fixture
async def graph(tmp_path: Path) -> AsyncIterator[Graph]:
    for name, text in SHIPPED.items():
        (tmp_path / name).write_text(text)
    safety = {"policy_file": tmp_path / "policy.yaml", "roles_file": tmp_path / "roles.yaml"}
    made = Graph(tmp_path, Settings.model_validate({"safety": safety}))
    for role in ("safety", "tools"):
        await made.peer(role)  # who asks the Role engine
    yield made
    await made.close()


async def ask(graph: Graph, tool: str, arguments: JSON | None = None, *, token: bool = True) -> JSON:
    """Call a tool as Tools would, with the token that Safety would mint; the result, checked against its schema."""
    message = CallTool(tool, arguments or {})
    claims = Claims(
        id=new_id(),
        who=who(DEV),
        action=action_of(message),
        arguments=digest(covered(message)),
        policy="p",
        audience="roles",
        expires=time.time() + 60,
    )
    tokens = {"roles": Minter(graph.decision_root).mint(claims)} if token else {}
    reply = await graph.peers["tools"].request("roles", message, header=Header(principal=DEV, tokens=tokens))
    definition = next(t.definition for t in builtin.tools(graph.settings) if t.definition.name == tool)
    jsonschema_rs.validate(definition.output_schema or {}, reply["structuredContent"])
    assert reply["_meta"]["aura/layers"][0]["layer"] == "L2"
    return dict(reply["structuredContent"])


class Heard:
    """The events of one topic, as Safety hears them."""

    def __init__(self, graph: Graph, topic: str) -> None:
        self.events: list[Any] = []
        self._task = asyncio.create_task(self._listen(graph, topic))

    async def _listen(self, graph: Graph, topic: str) -> None:
        async for event in graph.peers["safety"].stream("roles", Subscribe(topic)):
            self.events.append(event["payload"])

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


async def test_a_good_file_takes_over_and_a_bad_one_leaves_the_old_rules_in_force(graph: Graph, tmp_path: Path) -> None:
    await graph.start("roles", engine)
    heard = Heard(graph, "rules")
    await until(lambda: len(heard.events) == 1)
    first = heard.events[0]
    assert (first["roles"], first["policy"], first["fault"]) == (SHIPPED["roles.yaml"], SHIPPED["policy.yaml"], "")

    path = tmp_path / "roles.yaml"
    path.write_text(SHIPPED["roles.yaml"].replace("delegations:", "delegtions:"))
    await until(lambda: len(heard.events) == 2)
    assert "did you mean 'delegations'" in heard.events[1]["fault"]
    assert f"{path}:" in heard.events[1]["fault"]
    assert heard.events[1] | {"fault": ""} == first

    path.write_text(SHIPPED["roles.yaml"] + "# changed\n")
    await until(lambda: len(heard.events) == 3)
    assert heard.events[2]["roles_version"] != first["roles_version"]
    assert heard.events[2]["fault"] == ""
    await heard.stop()
    recorded = [(r["policy_version"], r["roles_version"]) for r in graph.records("rules_changed")]
    assert recorded == [(e["policy_version"], e["roles_version"]) for e in (first, heard.events[2])]


async def test_a_file_that_is_made_later_takes_over_and_its_loss_does_not_bring_the_shipped_rules_back(
    tmp_path: Path,
) -> None:
    graph = Graph(tmp_path, Settings.model_validate({"safety": {"rules_folder": tmp_path / "rules"}}))
    for role in ("safety", "tools"):
        await graph.peer(role)
    actor = await graph.start("roles", engine)
    heard = Heard(graph, "rules")
    await until(lambda: len(heard.events) == 1)
    path = tmp_path / "rules" / "policy.yaml"
    path.parent.mkdir()
    path.write_text(SHIPPED["policy.yaml"] + "# ours\n")
    await until(lambda: len(heard.events) == 2)
    assert heard.events[1]["policy"].endswith("# ours\n")
    path.unlink()
    await until(lambda: len(heard.events) == 3)
    assert heard.events[2] | {"fault": ""} == heard.events[1]
    assert "can't be read" in actor._figures()["rules_fault"]
    await heard.stop()
    await graph.close()


async def test_with_a_bad_file_at_the_start_no_rules_are_told_until_it_is_mended(graph: Graph, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("{")
    actor = await graph.start("roles", engine)
    heard = Heard(graph, "rules")
    with pytest.raises(AuraError) as refused:
        await ask(graph, "list_roles")
    assert refused.value.code == "unavailable"
    assert "policy.yaml:1:2: not YAML" in actor._figures()["rules_fault"]
    assert heard.events == []
    (tmp_path / "policy.yaml").write_text(SHIPPED["policy.yaml"])
    await until(lambda: len(heard.events) == 1)
    assert len((await ask(graph, "list_roles"))["roles"]) == 14
    await heard.stop()


async def test_trust_moves_by_what_safety_saw_and_survives_a_restart(graph: Graph) -> None:
    await graph.start("state", State)
    await graph.start("roles", engine)
    heard = Heard(graph, "trust")
    await graph.peers["safety"].request("roles", Observed(DEV.as_dict(), "call_stopped"))
    await until(lambda: bool(heard.events) and "local/dev" in heard.events[-1]["trust"])
    moved = heard.events[-1]["trust"]["local/dev"]
    assert (moved["value"], moved["base"]) == (pytest.approx(2.9), 3.0)
    await heard.stop()
    await graph.end("roles")
    await graph.start("roles", engine)
    again = Heard(graph, "trust")
    await until(lambda: bool(again.events))
    assert again.events[-1]["trust"] == {"local/dev": moved}
    await again.stop()


async def test_nobody_but_safety_moves_trust(graph: Graph) -> None:
    await graph.start("roles", engine)
    observed = Observed(DEV.as_dict(), "approval_granted")
    assert await code_of(graph.peers["tools"].request("roles", observed)) == "forbidden"
    praise = Observed(DEV.as_dict(), "praise")
    assert await code_of(graph.peers["safety"].request("roles", praise)) == "malformed"


async def test_the_tools_answer_what_they_promise(graph: Graph) -> None:
    await graph.start("roles", engine)
    listed = await ask(graph, "list_roles")
    assert {role["name"] for role in listed["callers"]} == {"guest", "agent", "auditor", "operator"}
    junior = await ask(graph, "get_role_capabilities", {"role_name": "Junior Developer"})
    assert junior["role"]["capabilities"] == ["execute_tests", "read_code", "write_docs"]
    secrets = await ask(graph, "check_permission", {"role_name": "junior_developer", "action": "read:secrets"})
    assert (secrets["permitted"], secrets["rule"]) == (False, "role.missing")
    told = await ask(graph, "run_role_simulation", {"role_name": "developer", "actions": ["write:code", "merge"]})
    assert [step["action"] for step in told["permitted"]] == ["write:code"]
    assert [step["action"] for step in told["denied"]] == ["merge"]
    opinions = [{"role": "security_officer", "decision": "deny", "confidence": 0.4}]
    assert (await ask(graph, "arbitrate_roles", {"opinions": opinions}))["decision"] == "deny"


async def test_names_that_are_unknown_are_refused_with_the_nearest(graph: Graph) -> None:
    await graph.start("roles", engine)
    with pytest.raises(AuraError, match="did you mean 'developer'") as refused:
        await ask(graph, "get_role_capabilities", {"role_name": "develper"})
    assert refused.value.code == "invalid_arguments"
    assert await code_of(ask(graph, "run_role_simulation", {"role_name": "developer"})) == "invalid_arguments"


async def test_a_call_without_a_token_is_refused(graph: Graph) -> None:
    await graph.start("roles", engine)
    assert await code_of(ask(graph, "list_roles", token=False)) == "invalid_token"


class Meanings:
    """Stands where the ML worker does: every text means to it that something must be blocked."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.asked: list[list[str]] = []

    async def start(self, bus: Any) -> None:
        del bus

    async def stop(self) -> None:
        pass

    @handles(Embed)
    async def embed(self, message: Embed, context: Any) -> JSON:
        del context
        self.asked.append(message.texts)
        assert message.needs
        needs = [{"block_action": 30.0} for _ in message.texts]
        return {"vectors": [[1.0] + [0.0] * 383], "model": "constant", "needs": needs, "needs_version": self.version}


async def test_a_role_is_suggested_by_words_alone_while_no_model_answers(graph: Graph) -> None:
    await graph.start("roles", engine)
    task = {"task_description": "Run the tests and note which fail"}
    alone = await ask(graph, "suggest_role", task)
    assert (alone["meaning"], alone["ranked"][0]["role"]) == (False, "junior_developer")
    model = Meanings(head().beside)
    await graph.peer("ml", model)
    meant = await ask(graph, "suggest_role", task)
    assert (meant["meaning"], meant["ranked"][0]["role"]) == (True, "security_officer")
    assert model.asked == [[task["task_description"]]]


async def test_a_role_is_suggested_by_words_alone_where_the_model_is_another_releases(graph: Graph) -> None:
    await graph.start("roles", engine)
    await graph.peer("ml", Meanings("another"))
    alone = await ask(graph, "suggest_role", {"task_description": "Run the tests and note which fail"})
    assert (alone["meaning"], alone["ranked"][0]["role"]) == (False, "junior_developer")


async def test_the_record_of_new_rules_holds_what_they_lend_and_deny_within_a_bound(
    graph: Graph, tmp_path: Path
) -> None:
    def lent(until: str) -> str:
        return (
            "{capability: read_logs, from: role:devops_engineer, to: principal:local/token:lena,"
            f" until: {until}, reason: on call}}"
        )

    denial = "{capability: status, to: principal:local/token:noor, reason: until Friday}"
    text = SHIPPED["roles.yaml"].replace("denials: []", f"denials: [{', '.join([denial] * 52)}]")
    text = text.replace("delegations: []", f"delegations: [{lent('2020-01-02')}, {lent('2100-01-02')}]")
    (tmp_path / "roles.yaml").write_text(text)
    await graph.start("roles", engine)
    (record,) = graph.records("rules_changed")
    (delegation,) = record["delegations"]
    assert (delegation["to"], delegation["until"]) == ("principal:local/token:lena", "2100-01-02T00:00:00+00:00")
    assert record["denials"][0] == {
        "capability": "status",
        "to": "principal:local/token:noor",
        "reason": "until Friday",
    }
    assert (len(record["denials"]), record["unlisted"]) == (50, 2)


async def test_rules_are_archived_before_they_are_in_force(graph: Graph, tmp_path: Path) -> None:
    started = await graph.start("roles", engine)
    event = started._loaded.event
    archive = RulesArchive(graph.paths.audit)
    assert (archive.read(event.policy_version), archive.read(event.roles_version)) == (event.policy, event.roles)


async def test_rules_that_can_not_be_archived_do_not_come_into_force(graph: Graph, tmp_path: Path) -> None:
    started = await graph.start("roles", engine)
    before, folder = started._loaded.event.policy_version, graph.paths.audit / "rules"
    folder.rename(folder.with_name("aside"))
    folder.write_text("in the way")
    (tmp_path / "policy.yaml").write_text(SHIPPED["policy.yaml"] + "\n# changed\n")
    await until(lambda: "archived" in started._fault)
    assert started._loaded.event.policy_version == before
    folder.unlink()
    await until(lambda: started._loaded.event.policy_version != before)
