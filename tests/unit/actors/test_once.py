"""A call with an idempotency key runs once, though Safety or State ends between its run and its repeat."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from aura_ia_mcp.actors.keyed import ENDED, KIND, RUNNING, KeyedCalls
from aura_ia_mcp.actors.safety import Safety
from aura_ia_mcp.actors.sources import ToolCall
from aura_ia_mcp.actors.state import State
from aura_ia_mcp.actors.tools import Tools
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON, BeginKeyed, EndKeyed
from aura_ia_mcp.configs.settings import Safety as Limits
from aura_ia_mcp.stores.database import Database
from aura_ia_mcp.stores.records import Record, RecordError, RecordStore

from .graph import Graph, Scripted, code_of, define, text_result, until


class Counting(Scripted):
    """Tools that count how often they really ran."""

    def __init__(self) -> None:
        super().__init__(write=self._run, again=self._run, look=self._run)
        self.definitions["write"] = define("write", read_only=False, idempotent=False)
        self.definitions["again"] = define("again", read_only=False)
        self.runs = 0
        self.go = asyncio.Event()
        self.go.set()
        self.entered = asyncio.Event()

    async def _run(self, arguments: JSON, call: ToolCall) -> JSON:
        self.runs += 1
        self.entered.set()
        await self.go.wait()
        if "fault" in arguments:
            raise AuraError(arguments["fault"], "as the test asked")
        if arguments.get("asks"):
            return {"resultType": "input_required", "requestState": "s"}
        return text_result("x" * arguments.get("size", 1) + str(self.runs))


@pytest.fixture
def tools() -> Counting:
    return Counting()


@pytest.fixture
async def graph(tmp_path: Path, tools: Counting) -> AsyncIterator[Graph]:
    graph = Graph(tmp_path)
    await graph.start("tools", Tools, lambda: tools)
    await graph.start("safety", Safety)
    yield graph
    await graph.close()


async def reborn(graph: Graph) -> None:
    """Safety with nothing in its memory."""
    await graph.end("gateway")
    await graph.end("safety")
    await graph.start("safety", Safety)


def noted(graph: Graph) -> list[Record]:
    with closing(Database.of(graph.settings, graph.paths)) as database:
        return RecordStore(database).find(KIND)


async def test_a_repeat_after_safetys_death_gets_the_first_answer(graph: Graph, tools: Counting) -> None:
    first = await graph.call("write", {"a": 1}, key="k")
    await reborn(graph)
    for _ in range(2):
        assert (await graph.call("write", {"a": 1}, key="k"))["content"] == first["content"]
    assert tools.runs == 1
    assert [record.get("replayed", False) for record in graph.records()] == [False, True, True]


async def test_a_repeat_after_safetys_death_gets_the_first_failure(graph: Graph, tools: Counting) -> None:
    assert await code_of(graph.call("write", {"fault": "tool_failed"}, key="k")) == "tool_failed"
    await reborn(graph)
    assert await code_of(graph.call("write", {"fault": "tool_failed"}, key="k")) == "tool_failed"
    assert tools.runs == 1


async def test_what_ran_when_safety_died_is_not_run_again(
    graph: Graph, tools: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(self: KeyedCalls, message: EndKeyed) -> JSON:  # as if Safety had died before it told
        return {}

    monkeypatch.setattr(KeyedCalls, "end", never)
    await graph.call("write", {"a": 1}, key="k")
    await reborn(graph)
    assert await code_of(graph.call("write", {"a": 1}, key="k")) == "outcome_unknown"
    assert await code_of(graph.call("write", {"a": 2}, key="k")) == "idempotency_conflict"
    assert tools.runs == 1
    await graph.call("again", {}, key="k2")
    await reborn(graph)
    await graph.call("again", {}, key="k2")
    assert tools.runs == 3, "what does no harm when it is repeated is"


async def test_other_arguments_are_refused_after_safetys_death_too(graph: Graph, tools: Counting) -> None:
    await graph.call("write", {"a": 1}, key="k")
    await reborn(graph)
    assert await code_of(graph.call("write", {"a": 2}, key="k")) == "idempotency_conflict"
    assert tools.runs == 1


@pytest.mark.parametrize("given", [{"fault": "unavailable"}, {"asks": True}])
async def test_what_did_not_run_or_did_not_end_may_be_called_again(graph: Graph, tools: Counting, given: JSON) -> None:
    await code_of(graph.call("write", given, key="k"))
    assert not noted(graph)
    await reborn(graph)
    await code_of(graph.call("write", given, key="k"))
    assert tools.runs == 2


async def test_a_cancelled_run_is_not_repeated_after_safetys_death(graph: Graph, tools: Counting) -> None:
    tools.go.clear()
    call = asyncio.create_task(graph.call("write", key="k"))
    await asyncio.wait_for(tools.entered.wait(), 5)
    call.cancel()
    await until(lambda: bool(graph.records()))
    await until(lambda: [record.status for record in noted(graph)] == [ENDED])
    await reborn(graph)
    assert await code_of(graph.call("write", key="k")) == "cancelled"
    assert tools.runs == 1


async def test_an_answer_that_is_too_large_to_keep_is_told_as_such(
    graph: Graph, tools: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aura_ia_mcp.actors.once.MOST_KEPT_BYTES", 100)
    await graph.call("write", {"size": 100}, key="k")
    await reborn(graph)
    with pytest.raises(AuraError, match="too large to be kept") as caught:
        await graph.call("write", {"size": 100}, key="k")
    assert caught.value.failure.outcome == "unknown"
    assert tools.runs == 1


async def test_without_a_key_or_for_reading_nothing_is_noted(graph: Graph, tools: Counting) -> None:
    await graph.call("write")
    await graph.call("look", key="k")
    assert not noted(graph)
    assert tools.runs == 2


async def test_a_write_whose_key_cannot_be_noted_does_not_run(
    graph: Graph, tools: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: KeyedCalls, message: BeginKeyed) -> JSON:
        raise RecordError("there is no room")

    with monkeypatch.context() as broken:
        broken.setattr(KeyedCalls, "begin", full)
        with pytest.raises(AuraError, match="its idempotency key can't be noted") as caught:
            await graph.call("write", key="k")
        assert caught.value.failure.outcome == "not_run"
        await graph.call("write")
    assert tools.runs == 1, "a call without a key needs no note"
    await graph.call("write", key="k")
    assert tools.runs == 2


async def test_what_state_could_not_be_told_is_told_before_the_keys_next_call(graph: Graph, tools: Counting) -> None:
    tools.go.clear()
    call = asyncio.create_task(graph.call("write", {"fault": "unavailable"}, key="k"))
    await asyncio.wait_for(tools.entered.wait(), 5)
    await graph.end("state")
    tools.go.set()
    assert await code_of(call) == "unavailable"
    assert [record.status for record in noted(graph)] == [RUNNING]
    await graph.start("state", State)
    assert await code_of(graph.call("write", {"fault": "unavailable"}, key="k")) == "unavailable"
    assert tools.runs == 2


# --- State's notes ----------------------------------------------------------------------------------------------------


def begin(key: str, call: str, *, keep_s: float = 60.0, arguments: str = "a", repeatable: bool = False) -> BeginKeyed:
    return BeginKeyed(key, call, arguments, keep_s, repeatable)


def test_of_several_calls_with_one_key_one_begins_however_often_it_says_so(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "state.sqlite")) as database:
        notes = KeyedCalls(RecordStore(database), Limits())
        assert notes.begin(begin("k", "c1")) == {"began": True}
        assert notes.begin(begin("k", "c1")) == {"began": True}
        assert notes.begin(begin("k", "c2")) == {"began": False, "arguments": "a", "call": "c1", "ended": None}
        assert notes.end(EndKeyed("k", "c2", {"answer": {}})) == {}
        notes.end(EndKeyed("k", "c1", {"answer": {"n": 1}}))
        for call in ("c1", "c2"):
            assert notes.begin(begin("k", call))["ended"] == {"answer": {"n": 1}}


def test_a_note_ends_with_its_time_and_the_oldest_that_ended_make_room(tmp_path: Path) -> None:
    now = [1000.0]
    with closing(Database(tmp_path / "state.sqlite")) as database:
        records = RecordStore(database)
        notes = KeyedCalls(records, Limits(idempotency_entries=3), clock=lambda: now[0])
        assert notes.begin(begin("k", "c1", keep_s=10.0))["began"]
        now[0] = 1011.0
        assert notes.begin(begin("k", "c2", arguments="b"))["began"]
        for n in range(60):
            notes.begin(begin(f"k{n}", f"d{n}"))
            notes.end(EndKeyed(f"k{n}", f"d{n}", {"answer": {"n": n}}))
        notes.trim()
        assert [record.key for record in records.find(KIND, status=ENDED)] == ["k59", "k58", "k57"]
        assert [record.key for record in records.find(KIND, status=RUNNING)] == ["k"]
