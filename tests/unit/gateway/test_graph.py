from __future__ import annotations

import pytest

from aura_ia_mcp.bus.address import Address
from aura_ia_mcp.bus.envelope import Principal
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON, CallTool, Complete, GetPrompt
from aura_ia_mcp.bus.routing import replica_of
from aura_ia_mcp.gateway.graph import Caller, Graph
from aura_ia_mcp.gateway.refusals import status_of
from aura_ia_mcp.gateway.rest import STATUS_OF_TYPE
from aura_ia_mcp.judgement.roles import CAPABILITIES, shipped
from tests.wire.graph import TestGraph

PRINCIPALS = [Principal(f"token:{number}") for number in range(30)]


async def no_question(question: JSON) -> JSON:
    raise AssertionError(question)


async def sent_to(principal: Principal, replicas: int = 3) -> set[str]:
    """Where everything goes that a principal asks for."""
    fake = TestGraph()
    graph, caller = Graph(fake, replicas), Caller(principal)
    await graph.list(caller, "tools")
    await graph.call(caller, CallTool("echo", {}), timeout_s=5, on_item=lambda _: None, on_ask=no_question)
    await graph.read(caller, "test://text", timeout_s=5)
    await graph.prompt(caller, GetPrompt("greet", {}), timeout_s=5)
    await graph.complete(caller, Complete({}, {"name": "n", "value": "A"}, {}), timeout_s=5)
    assert len(fake.requests) == 5
    return {how["target"] for _, _, how in fake.requests}


async def test_all_that_a_principal_asks_goes_to_the_one_safety_that_holds_its_state() -> None:
    for principal in PRINCIPALS:
        assert await sent_to(principal) == {f"safety/{replica_of(principal.id, 3)}"}


async def test_principals_are_spread_over_every_safety_and_stay_where_they_are() -> None:
    first = [Graph(TestGraph(), 3).gate(principal) for principal in PRINCIPALS]
    assert set(first) == {Address("safety", replica) for replica in range(3)}
    assert first == [Graph(TestGraph(), 3).gate(principal) for principal in PRINCIPALS]


async def test_roles_do_not_move_a_principal() -> None:
    graph = Graph(TestGraph(), 3)
    assert all(graph.gate(Principal(p.id, "human", "t", ("operator",))) == graph.gate(p) for p in PRINCIPALS)


async def test_a_probe_asks_every_safety_and_state_once_and_with_no_patience() -> None:
    fake = TestGraph()
    assert (await Graph(fake, 3).probe(1.0))["ready"]
    asked = [(how["target"], how["patience_s"]) for _, _, how in fake.requests]
    assert asked == [("safety/0", 0.0), ("safety/1", 0.0), ("safety/2", 0.0), ("state/0", 0.0)]


@pytest.mark.parametrize("missing", range(3))
async def test_a_probe_names_the_safety_that_is_missing(missing: int) -> None:
    fake = TestGraph()
    fake.down.add(f"safety/{missing}")
    report = await Graph(fake, 3).probe(1.0)
    assert not report["ready"]
    assert {name: part["status"] for name, part in report["parts"].items()} == {
        "tools/0": "ok",
        f"safety/{missing}": "down",
    }
    assert f"safety/{missing} doesn't answer" in report["parts"][f"safety/{missing}"]["detail"]


async def test_a_probe_names_a_state_that_cannot_tell_whose_a_token_is() -> None:
    fake = TestGraph()
    fake.down.add("state")
    report = await Graph(fake).probe(1.0)
    assert (report["ready"], report["parts"]["state/0"]["status"]) == (False, "down")


@pytest.mark.parametrize("code", ["deadline_exceeded", "outcome_unknown", "handler_failed"])
async def test_a_token_that_could_not_be_checked_is_unavailable_and_nothing_ran(
    code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object, **__: object) -> JSON:
        raise AuraError(code, "state/0 had no time left")

    fake = TestGraph()
    monkeypatch.setattr(fake, "request", fails)
    with pytest.raises(AuraError, match="whose token this is: state/0 had no time left") as caught:
        await Graph(fake).authenticate("d")
    failure = caught.value.failure
    assert (failure.type, failure.code, failure.outcome) == ("unavailable", "unavailable", "not_run")
    assert failure.retry_after_s
    assert status_of(caught.value) == STATUS_OF_TYPE[failure.type]


async def test_the_gateway_lists_in_its_own_name_and_waits_for_nobody() -> None:
    fake = TestGraph()
    fake.for_operators = {tool["name"] for tool in fake.tools}
    fake.down = {"safety/0", "safety/1"}
    assert len((await Graph(fake, 3).list_whole("gateway", "tools"))["entries"]) == len(fake.tools)
    ((_, message, how),) = fake.requests
    asker = how["header"].principal
    assert asker == Principal("gateway", kind="service", roles=("operator",))
    assert shipped().capabilities(asker.roles, asker.kind) == set(CAPABILITIES), "it sees every tool there is"
    assert (message.kind, how["patience_s"]) == ("catalogue.list", 0.0)


async def test_a_list_that_no_safety_tells_is_an_error() -> None:
    fake = TestGraph()
    fake.down = {"safety"}
    with pytest.raises(AuraError, match="safety/2 doesn't answer"):
        await Graph(fake, 3).list_whole("gateway", "tools")
