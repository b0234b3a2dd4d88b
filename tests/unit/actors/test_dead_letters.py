"""Messages that went nowhere: their labels are told, kept, and nothing of their content is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from aura_ia_mcp.actors.telemetry import DEAD_LETTER, MOST_DEAD_LETTERS, MOST_PER_WINDOW, WINDOW_S, Burial, Telemetry
from aura_ia_mcp.bus.deadletters import MOST_TOLD
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON, CallTool, Report, TellDeadLetters
from aura_ia_mcp.stores.database import Database
from aura_ia_mcp.stores.records import RecordStore

from .graph import Graph, code_of


@pytest.fixture
async def graph(tmp_path: Path) -> AsyncIterator[Graph]:
    graph = Graph(tmp_path)
    yield graph
    await graph.close()


def kept(graph: Graph) -> list[JSON]:
    with closing(Database.of(graph.settings, graph.paths)) as database:
        return list(RecordStore(database).all(DEAD_LETTER).values())


def label(n: int) -> JSON:
    return {"id": f"i{n}", "source": "a/0", "target": "b/0", "kind": "k", "reason": "not_delivered", "at": float(n)}


async def lost(graph: Graph, count: int = 1) -> None:
    """Messages from the gateway to somebody who isn't there."""
    for _ in range(count):
        call = CallTool("echo", {"text": "my words"})
        assert await code_of(graph.request(call, to="safety", patience_s=0.0)) == "not_delivered"


async def test_what_went_nowhere_is_kept_with_its_label_and_without_its_content(graph: Graph) -> None:
    await graph.start("telemetry", Telemetry)
    await lost(graph)
    gateway = graph.peers["gateway"]
    for _ in range(2):  # the second time there is nothing new
        await gateway.tell_dead_letters()
    (letter,) = kept(graph)
    shown = ("source", "target", "kind", "reason", "teller")
    assert [letter[name] for name in shown] == ["gateway/0", "safety/0", CallTool.kind, "not_delivered", "gateway/0"]
    assert "my words" not in str(letter)
    assert gateway.stats()["dead_letters"] == {"not_delivered": 1}


async def test_what_could_not_be_told_is_told_later_and_survives_telemetry(graph: Graph) -> None:
    await lost(graph)
    with pytest.raises(AuraError):
        await graph.peers["gateway"].tell_dead_letters()
    await graph.start("telemetry", Telemetry)
    await graph.peers["gateway"].tell_dead_letters()
    await graph.end("telemetry")
    assert [letter["target"] for letter in kept(graph)] == ["safety/0"], "and no word of the report that failed"


async def test_of_many_the_newest_are_told_and_the_rest_counted(graph: Graph) -> None:
    await lost(graph, MOST_TOLD + 5)
    letters = graph.peers["gateway"].dead_letters
    told = letters.untold()
    assert told is not None
    assert [letter["id"] for letter in told.letters] == [letter.id for letter in letters.list()[-MOST_TOLD:]]
    assert told.passed_over == 5
    await lost(graph)
    letters.told(told)
    rest = letters.untold()
    assert rest is not None
    assert [letter["id"] for letter in rest.letters] == [letters.list()[-1].id]


async def test_reports_that_went_nowhere_are_counted_and_not_told(graph: Graph) -> None:
    await graph.peer("gateway")
    with pytest.raises(AuraError):
        await graph.peers["gateway"].send("telemetry", Report("gateway/0", {}))
    assert graph.peers["gateway"].dead_letters.untold() is None
    assert graph.peers["gateway"].stats()["dead_letters"] == {"not_delivered": 1}


async def test_what_is_no_label_is_refused(graph: Graph) -> None:
    await graph.start("telemetry", Telemetry)
    for letter in ({}, label(1) | {"at": None}, label(1) | {"at": "soon"}):
        told = TellDeadLetters([letter])
        assert await code_of(graph.request(told, None, to="telemetry")) == "malformed"
    assert not kept(graph)


def test_the_newest_are_kept_and_a_flood_is_cut(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "state.sqlite")) as database:
        records = RecordStore(database)
        burial = Burial(records)
        assert burial.keep("a/0", [label(n) | {"more": "content"} for n in range(MOST_PER_WINDOW + 50)], 0.0) == 100
        assert burial.keep("b/0", [label(1)], WINDOW_S - 0.1) == 0
        assert burial.keep("b/0", [label(1)], WINDOW_S) == 1
        assert records.count(DEAD_LETTER) == 101
        assert "content" not in str(records.all(DEAD_LETTER))
        for n in range(10):
            burial.keep("c/0", [label(100 * n + m) for m in range(100)], WINDOW_S * (n + 2))
        assert records.count(DEAD_LETTER) == MOST_DEAD_LETTERS
        assert not [key for key in records.all(DEAD_LETTER) if key.endswith("a/0")]
