from __future__ import annotations

import asyncio

import pytest

from aura_ia_mcp.bus.envelope import Principal
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.gateway.catalogue import Catalogue, CatalogueEvents, Listing
from aura_ia_mcp.gateway.graph import GUEST, Caller, Graph
from tests.wire.graph import TestGraph, entry

GUESTS = Caller(GUEST)


def asked(graph: TestGraph) -> int:
    return sum(message.kind == "catalogue.list" for _, message, _ in graph.requests)


async def test_a_listing_is_asked_for_once_per_principal_server_and_kind() -> None:
    graph = TestGraph()
    catalogue = Catalogue(Graph(graph))
    await asyncio.gather(*(catalogue.listing(GUESTS, "tools") for _ in range(10)))
    await catalogue.listing(Caller(Principal(GUEST.id, roles=GUEST.roles), session="another"), "tools")
    assert asked(graph) == 1
    await catalogue.listing(Caller(Principal("other guest", roles=("guest",))), "tools")
    assert asked(graph) == 2, "a rule may name one principal"
    await catalogue.listing(Caller(Principal("x", roles=("senior",))), "tools")
    await catalogue.listing(Caller(GUEST, server="ml"), "tools")
    await catalogue.listing(GUESTS, "prompts")
    assert asked(graph) == 5


async def test_a_change_drops_the_listing_also_one_that_is_under_way() -> None:
    graph = TestGraph()
    catalogue = Catalogue(Graph(graph))
    graph.listing_gate = asyncio.Event()
    task = asyncio.create_task(catalogue.listing(GUESTS, "tools"))
    await asyncio.wait_for(graph.listing_asked.wait(), 5)
    catalogue.drop()
    graph.listing_gate.set()
    await task
    assert catalogue.peek(GUESTS, "tools") is None


async def test_a_listing_is_believed_for_a_second_only_while_events_are_broken() -> None:
    now = [0.0]
    catalogue = Catalogue(Graph(TestGraph()), lambda: now[0])
    await catalogue.listing(GUESTS, "tools")
    now[0] = 2.0
    assert catalogue.peek(GUESTS, "tools") is None
    catalogue.trusted = True
    assert catalogue.peek(GUESTS, "tools") is not None


async def test_a_failed_question_is_told_and_not_kept() -> None:
    graph = TestGraph()
    graph.down.add("safety")
    catalogue = Catalogue(Graph(graph))
    with pytest.raises(AuraError):
        await catalogue.listing(GUESTS, "tools")
    graph.down.clear()
    assert (await catalogue.listing(GUESTS, "tools")).entries


async def test_only_a_tool_that_says_so_may_run_twice() -> None:
    catalogue = Catalogue(Graph(TestGraph()))
    assert not catalogue.may_repeat(GUESTS, "echo")
    await catalogue.listing(GUESTS, "tools")
    assert catalogue.may_repeat(GUESTS, "echo")
    assert not catalogue.may_repeat(GUESTS, "slow")
    assert not catalogue.may_repeat(GUESTS, "unheard_of")


def test_only_well_formed_mirrored_parameters_are_checked() -> None:
    good = {"type": "object", "properties": {"r": {"type": "string", "x-mcp-header": "Region"}}}
    bad = {"type": "object", "properties": {"r": {"type": "number", "x-mcp-header": "Region"}}}
    listing = Listing.of({"entries": [entry("good", good), entry("bad", bad), entry("none")]})
    assert set(listing.header_schemas) == {"good"}


async def test_events_drop_the_cache_and_are_told_once_per_version() -> None:
    graph = TestGraph()
    told: list[str] = []
    resources: list[str] = []
    catalogue = Catalogue(Graph(graph))
    changed = asyncio.Event()

    def tell(what: str) -> None:
        told.append(what)
        changed.set()

    events = CatalogueEvents(graph, Graph(graph).gates, catalogue, tell, resources.append)
    task = asyncio.create_task(events.follow())
    await asyncio.wait_for(graph.subscribed.wait(), 5)
    await catalogue.listing(GUESTS, "tools")
    graph.changed("tools", "v2")
    graph.updated("test://a")
    graph.changed("tools", "v2")
    graph.changed("tools", "v3")
    async with asyncio.timeout(5):
        while len(told) < 2:
            changed.clear()
            await changed.wait()
    assert told == ["tools", "tools"]
    assert resources == ["test://a"]
    assert catalogue.peek(GUESTS, "tools") is None
    assert catalogue.trusted
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert not catalogue.trusted


async def test_the_events_move_on_to_another_replica_when_one_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aura_ia_mcp.gateway.catalogue._BACKOFF_S", (0.0,))
    graph = TestGraph()
    graph.down |= {"safety/0", "safety/1"}
    catalogue = Catalogue(Graph(graph, 3))
    changed = asyncio.Event()
    events = CatalogueEvents(graph, Graph(graph, 3).gates, catalogue, lambda _: changed.set(), lambda _: None)
    task = asyncio.create_task(events.follow())
    await asyncio.wait_for(graph.subscribed.wait(), 5)
    graph.changed("tools", "v2")
    await asyncio.wait_for(changed.wait(), 5)
    assert graph.streams == ["safety/0", "safety/1", "safety/2"]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
