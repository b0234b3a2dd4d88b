from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from aura_ia_mcp.bus.envelope import Principal
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.gateway.authentication import BearerTokens, Chain, Credential, Guests
from aura_ia_mcp.gateway.graph import GUEST, Graph
from tests.wire.graph import TestGraph

CI = Principal("token:ci", kind="service", roles=("builder",))


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def graph() -> TestGraph:
    graph = TestGraph()
    graph.token("good", CI)
    return graph


def shown(token: str | None, *, local: bool = True) -> Credential:
    return Credential(token, local, "10.0.0.9")


async def test_a_valid_token_is_its_principal(graph: TestGraph) -> None:
    identity = await BearerTokens(Graph(graph), 2.0).authenticate(shown("good"))
    assert identity is not None
    assert identity.principal == CI
    assert "good" not in identity.credential


async def test_a_checked_token_is_believed_for_a_while_and_no_longer(graph: TestGraph) -> None:
    clock = Clock()
    tokens = BearerTokens(Graph(graph), 2.0, clock)
    for _ in range(3):
        await tokens.authenticate(shown("good"))
    assert graph.authentications == 1
    graph.tokens.clear()
    clock.now += 2.1
    with pytest.raises(AuraError) as refused:
        await tokens.authenticate(shown("good"))
    assert refused.value.code == "unauthenticated"


async def test_a_token_is_not_believed_beyond_its_expiry(graph: TestGraph) -> None:
    clock = Clock()
    graph.token("short", CI, ttl_s=0.5)
    tokens = BearerTokens(Graph(graph), 100.0, clock, lambda: time.time() + clock.now - 1000.0)
    assert await tokens.authenticate(shown("short"))
    clock.now += 0.6
    graph.tokens.clear()
    with pytest.raises(AuraError, match="expired"):
        await tokens.authenticate(shown("short"))


async def test_requests_that_arrive_together_ask_once(graph: TestGraph) -> None:
    tokens = BearerTokens(Graph(graph), 0.0)
    found = await asyncio.gather(*(tokens.authenticate(shown("good")) for _ in range(20)))
    assert all(found)
    assert graph.authentications == 1


@pytest.mark.parametrize("token", ["bad", "", "x" * 5000, "\udcff"])
async def test_any_other_token_is_refused(graph: TestGraph, token: str) -> None:
    with pytest.raises(AuraError) as refused:
        await BearerTokens(Graph(graph), 2.0).authenticate(shown(token))
    assert refused.value.code == "unauthenticated"


async def test_the_cache_of_answers_is_bounded(graph: TestGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aura_ia_mcp.gateway.authentication._CACHED", 3)
    tokens = BearerTokens(Graph(graph), 100.0)
    for number in range(10):
        with pytest.raises(AuraError):
            await tokens.authenticate(shown(f"bad{number}"))
    assert len(tokens._known) == 3


async def test_a_token_that_can_not_be_checked_is_neither_good_nor_bad(graph: TestGraph) -> None:
    graph.down.add("state")
    with pytest.raises(AuraError) as refused:
        await BearerTokens(Graph(graph), 2.0).authenticate(shown("good"))
    assert refused.value.code == "not_delivered"


async def test_a_caller_without_a_token_is_a_guest_on_this_machine_only() -> None:
    identity = await Guests().authenticate(shown(None))
    assert identity is not None
    assert identity.principal == GUEST
    assert await Guests().authenticate(shown(None, local=False)) is None


async def test_a_bad_token_never_falls_back_to_guest_and_is_recorded_without_the_token(graph: TestGraph) -> None:
    events: list[tuple[str, dict[str, Any]]] = []
    chain = Chain([BearerTokens(Graph(graph), 2.0), Guests()], lambda *event: events.append(event))
    with pytest.raises(AuraError) as refused:
        await chain.authenticate(shown("s3cret"))
    assert refused.value.code == "unauthenticated"
    assert "s3cret" not in str(refused.value) + str(events)
    assert events[0][0] == "authentication_failed"
    assert events[0][1]["peer"] == "10.0.0.9"


async def test_a_stranger_without_a_token_is_refused(graph: TestGraph) -> None:
    chain = Chain([BearerTokens(Graph(graph), 2.0), Guests()], lambda *_: None)
    with pytest.raises(AuraError, match="needs a bearer token"):
        await chain.authenticate(shown(None, local=False))
