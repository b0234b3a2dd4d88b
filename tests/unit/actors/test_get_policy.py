"""get_policy tells a caller the rules that concern it, and no others."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import jsonschema_rs
import pytest

from aura_ia_mcp.actors.builtin import policy as module
from aura_ia_mcp.actors.builtin.policy import get_policy
from aura_ia_mcp.actors.builtin.tool import Reach
from aura_ia_mcp.actors.definition import ToolDefinition
from aura_ia_mcp.actors.rules import Rules
from aura_ia_mcp.actors.sources import ToolCall
from aura_ia_mcp.bus.envelope import Principal
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON
from aura_ia_mcp.configs.settings import Settings
from aura_ia_mcp.judgement import policy, roles

from .graph import GUEST, OPERATOR

POLICY = """\
version: 1
rates: {heavy: {per_minute: 5, scope: tool}}
rules:
  - {id: everybody, effect: allow}
  - id: talkative
    match: {tools: [echo, execute_command]}
    description: Slows echo and execute_command.
    reason: execute_command is slow, too.
    rate: heavy
  - {id: humans_only, match: {kinds: [human]}, sandbox: workspace}
  - {id: somebody_else, match: {principals: ["token:ci"]}, effect: deny}
  - {id: commands, match: {tools: [execute_command]}, rate: heavy}
  - {id: no_echo, match: {tools: [echo]}, effect: deny, reason: Not today.}
  - {id: careful, match: {tools: [find]}, when: args.query == "x", effect: deny}
  - {id: several, match: {tools: [echo, "exec*", set_safe_mode], principals: [guest, "token:ci"]}, rate: heavy}
  - {id: excepted, unless: {tools: [set_safe_mode]}, rate: heavy}
  - {id: conditional, when: 'tool.name != "set_safe_mode" || principal.id == "token:ci"', rate: heavy}
"""


def tool(name: str, capability: str) -> Any:
    schema = {"type": "object"}
    return SimpleNamespace(definition=ToolDefinition(name, name, "", schema, capability=capability))


class Following:
    """Where the rules come from in a system."""

    def __init__(self, fault: str = "") -> None:
        self._rules = Rules(policy.parse(POLICY), roles.shipped(), fault)

    async def rules(self, header: Any) -> Rules:
        return self._rules

    def trust(self, principal: Principal, rules: Rules, now: float) -> float:
        return 1.0


class Reaching:
    def __init__(self) -> None:
        self.rules = Following("policy.yaml:3:1: faulty")
        self.boot = SimpleNamespace(settings=Settings())
        tools = [tool("echo", "status"), tool("find", "query"), tool("execute_command", "operate")]
        tools.append(tool("get_recent_logs", "read_logs"))
        self.catalogue = SimpleNamespace(tools={each.definition.name: each for each in tools})

    async def held(self, call: ToolCall) -> frozenset[str]:
        return roles.shipped().capabilities(call.principal.roles, call.principal.kind)


async def ask(principal: Principal, **arguments: str) -> JSON:
    call = SimpleNamespace(principal=principal, header=SimpleNamespace(depth=0), server="gateway")
    found = await get_policy(dict(arguments), cast(ToolCall, call), cast(Reach, Reaching()))
    schema = module.tools(Settings())[0].definition.output_schema
    assert schema is not None
    jsonschema_rs.validator_for(schema).validate(found)
    return found


async def test_a_guest_sees_only_the_rules_that_concern_it() -> None:
    found = await ask(GUEST)
    assert [rule["id"] for rule in found["rules"]] == [
        "careful",
        "conditional",
        "everybody",
        "excepted",
        "no_echo",
        "several",
        "talkative",
    ]
    assert (found["complete"], found["fault"]) == (False, "")
    assert list(found["rates"]) == ["default", "heavy"]


async def test_an_operator_sees_all_rules_and_what_is_wrong_with_a_newer_file() -> None:
    found = await ask(OPERATOR)
    assert len(found["rules"]) == 10
    assert (found["complete"], found["fault"]) == (True, "policy.yaml:3:1: faulty")
    assert found["rates"]["heavy"] == {"per_minute": 5, "scope": "tool"}
    assert found["rates"]["default"]["per_minute"] == 100


@pytest.mark.parametrize("arguments", [{}, {"tool": "echo"}, {"tool": "find"}])
async def test_nobody_but_operators_learns_of_hidden_tools_and_of_other_callers(arguments: dict[str, str]) -> None:
    found = await ask(GUEST, **arguments)
    assert not [word for word in ("set_safe_mode", "exec", "token:ci") if word in str(found)]
    told = str(await ask(OPERATOR))
    assert "set_safe_mode" in told
    assert "token:ci" in told


async def test_a_description_that_names_a_hidden_tool_is_for_operators() -> None:
    described = {rule["id"]: (rule["description"], rule["reason"]) for rule in (await ask(GUEST))["rules"]}
    assert described["talkative"] == ("", "")
    whys = {each["rule"]: each["why"] for each in (await ask(GUEST, tool="echo"))["explanation"]}
    assert whys["talkative"] == "the tool is echo"
    described = {rule["id"]: (rule["description"], rule["reason"]) for rule in (await ask(OPERATOR))["rules"]}
    assert described["talkative"] == ("Slows echo and execute_command.", "execute_command is slow, too.")


async def test_what_a_rule_is_about_is_told_as_far_as_the_caller_can_see_it() -> None:
    about = {rule["id"]: rule["about"] for rule in (await ask(GUEST))["rules"]}
    assert about["several"] == "the tool is echo and the caller is one like you"
    assert about["excepted"] == "the call is none of the rule's exceptions"
    assert about["conditional"] == "a condition holds that operators see"
    assert about["careful"] == 'the tool is find and when: args.query == "x"'
    assert about["everybody"] == "every call"


async def test_a_caller_learns_why_a_tool_is_refused() -> None:
    found = await ask(GUEST, tool="echo")
    assert found["verdict"]["effect"] == "deny"
    assert (found["verdict"]["rule"], found["verdict"]["reason"]) == ("no_echo", "Not today.")
    missing = await ask(GUEST, tool="get_recent_logs")
    assert missing["verdict"]["rule"] == "capability.missing"
    assert "read_logs" in missing["verdict"]["reason"]


async def test_nothing_is_guessed_where_the_arguments_decide() -> None:
    found = await ask(GUEST, tool="find")
    assert found["verdict"] is None
    assert "careful" in {each["rule"] for each in found["explanation"]}


@pytest.mark.parametrize("name", ["execute_command", "no_such_tool"])
async def test_a_hidden_tool_is_as_unknown_as_one_that_is_not_there(name: str) -> None:
    with pytest.raises(AuraError, match=f"there is no tool '{name}' for you") as caught:
        await ask(GUEST, tool=name)
    assert caught.value.code == "invalid_arguments"


async def test_an_explanation_leaves_out_what_is_about_others() -> None:
    told = {each["rule"] for each in (await ask(GUEST, tool="echo"))["explanation"]}
    assert "somebody_else" not in told
    assert "somebody_else" in {each["rule"] for each in (await ask(OPERATOR, tool="echo"))["explanation"]}
