"""The policy is changed while a system serves: the change counts at once, nothing is dropped, a bad file counts not."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator

import pytest
from mcp.client import Client, IncomingMessage
from mcp_types import ToolListChangedNotification

from tests.support.system import System, until

from .conftest import OPERATOR
from .load import Load

pytestmark = [pytest.mark.ray, pytest.mark.timeout(240)]

_REASON = "Roles are nobody's business today."
_DENIAL = f"""
  - id: no_roles
    match: {{tools: [list_roles]}}
    effect: deny
    reason: {_REASON}
"""
_SEEN_S = 10.0


@pytest.fixture
def before(system: System) -> Iterator[str]:
    """The policy's text, which is in force again afterwards."""
    text = system.policy.read_text()
    yield text
    system.policy.write_text(text)
    until("the old policy to be in force", lambda: serves(system) and not fault(system), _SEEN_S)


def serves(system: System) -> bool:
    return "list_roles" in {tool["name"] for tool in system.tools()}


def fault(system: System) -> str:
    found: str = system.call("get_policy", principal=OPERATOR)["structuredContent"]["fault"]
    return found


def test_a_tool_denied_under_load_is_refused_with_its_reason_and_no_call_is_dropped(
    system: System, before: str
) -> None:
    with Load(system, "list_roles", {}) as load, Load(system) as other:
        system.policy.write_text(before + _DENIAL)
        until("the denial to count", lambda: len(load.errors()) > 20, _SEEN_S)
        denied_at = load.errors()[-1].at
        assert not serves(system), "what isn't callable isn't listed"
        system.policy.write_text(before)
        until("the denial to be over", lambda: len(load.served_since(denied_at)) > 20, _SEEN_S)
    assert not other.errors(), "calls of other tools were disturbed"
    for answer in load.errors():
        assert (answer.code, answer.error["message"]) == ("forbidden", _REASON)
        assert answer.error["outcome"] == "not_run"
    served = load.served_since(0.0)
    assert len({system.record(answer.audit_id)["policy"] for answer in (served[0], served[-1])}) == 1
    assert system.record(load.errors()[0].error["audit_id"])["policy"] != system.record(served[0].audit_id)["policy"]


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_client_hears_that_a_denied_tool_is_gone(system: System, before: str, mode: str) -> None:
    heard = asyncio.Event()

    async def hear(message: IncomingMessage) -> None:
        if isinstance(message, ToolListChangedNotification):
            heard.set()

    async with Client(system.url, mode=mode, message_handler=hear) as client, asyncio.timeout(30):
        assert "list_roles" in [tool.name for tool in (await client.list_tools()).tools]
        if mode == "auto":
            async with client.listen(tools_list_changed=True) as changes:
                system.policy.write_text(before + _DENIAL)
                await anext(aiter(changes))
        else:
            system.policy.write_text(before + _DENIAL)
            await heard.wait()
        assert "list_roles" not in [tool.name for tool in (await client.list_tools()).tools]


def test_a_broken_file_leaves_the_old_policy_and_says_which_line_is_wrong(system: System, before: str) -> None:
    system.policy.write_text(before + _DENIAL)
    until("the denial to count", lambda: not serves(system), _SEEN_S)
    broken = before + _DENIAL.replace("effect:", "efect:")
    line = next(number for number, text in enumerate(broken.splitlines(), 1) if "efect:" in text)
    system.policy.write_text(broken)
    said = until("the fault to be told", lambda: fault(system), _SEEN_S)
    assert re.search(rf"policy\.yaml:{line}:\d+: .*efect.*effect", said), said
    assert said in system.aura("status").stdout.replace("\n", " ")
    assert not serves(system), "the old policy, with its denial, stays in force"
    assert system.refusal("list_roles")["message"] == _REASON
