"""The parts that ask nobody: directory, state, telemetry."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aura_ia_mcp.actors.directory import Directory, Registry
from aura_ia_mcp.actors.state import FAILURES_PER_WINDOW, WINDOW_S, Failures, State
from aura_ia_mcp.actors.telemetry import Board, Telemetry
from aura_ia_mcp.bus.address import Address
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import Authenticate, ReadStatus, Register, Report, Resolve, Unregister
from aura_ia_mcp.stores.database import Database
from aura_ia_mcp.stores.tokens import TokenStore, digest

from .graph import Graph, code_of


@pytest.fixture
async def graph(tmp_path: Path) -> AsyncIterator[Graph]:
    graph = Graph(tmp_path)
    yield graph
    await graph.close()


# --- directory --------------------------------------------------------------------------------------------------------

A, B = Address("safety"), Address("safety", 1)


@given(
    st.lists(st.tuples(st.sampled_from([A, B]), st.sampled_from(["new", "same", "old", "gone"]), st.integers(0, 50)))
)
def test_epochs_only_grow_and_the_newest_life_is_found(steps: list[tuple[Address, str, int]]) -> None:
    registry, newest, here, now = Registry(), {A: 0, B: 0}, {A: False, B: False}, 1000
    for address, step, pause in steps:
        now += pause
        if step == "new":
            found = registry.register(address, "n", "unix:/s", 0, now)
            assert found.epoch > newest[address]
            assert found.epoch >= now
            newest[address], here[address] = found.epoch, True
        elif step == "same" and newest[address]:
            assert registry.register(address, "n", "unix:/s", newest[address], now).epoch == newest[address]
            here[address] = True
        elif step == "old" and newest[address]:
            with pytest.raises(AuraError) as caught:
                registry.register(address, "n", "unix:/s", newest[address] - 1, now)
            assert caught.value.code == "stale_epoch"
            assert not registry.unregister(address, newest[address] - 1)
        elif step == "gone":
            assert registry.unregister(address, newest[address]) == here[address]
            here[address] = False
        assert [e.epoch for e in registry.resolve("safety", None)] == [newest[a] for a in (A, B) if here[a]]


def test_a_directory_has_bounded_room() -> None:
    registry = Registry(most=1)
    registry.register(A, "n", "unix:/s", 0, 1)
    with pytest.raises(AuraError) as caught:
        registry.register(B, "n", "unix:/s", 0, 1)
    assert caught.value.code == "too_large"


async def test_the_directory_lets_a_peer_register_only_itself(graph: Graph) -> None:
    await graph.start("directory", Directory)
    reply = await graph.request(Register("gateway/0", "n", "unix:/g"), None, to="directory")
    assert (await graph.request(Resolve("gateway"), None, to="directory"))["endpoints"] == [
        {"address": "gateway/0", "node": "n", "uri": "unix:/g", "epoch": reply["epoch"]}
    ]
    assert await code_of(graph.request(Register("safety/0", "n", "unix:/g"), None, to="directory")) == "spoofed_source"
    assert await code_of(graph.request(Unregister("safety/0", 1), None, to="directory")) == "spoofed_source"
    assert await code_of(graph.request(Resolve("?"), None, to="directory")) == "malformed"
    assert (await graph.request(Unregister("gateway/0", reply["epoch"]), None, to="directory"))["known"]
    assert (await graph.request(Resolve("gateway/0"), None, to="directory"))["endpoints"] == []


# --- state ------------------------------------------------------------------------------------------------------------


async def test_state_says_who_holds_a_token_and_records_who_fails(graph: Graph) -> None:
    await graph.start("state", State)
    database = Database(graph.paths.database)
    store = TokenStore(database)
    token, _ = store.create("ci", ["agent"], ttl_s=60)
    reply = await graph.request(Authenticate(digest(token)), None, to="state")
    assert reply["principal"] == {"id": "token:ci", "kind": "agent", "tenant": "local", "roles": ["agent"]}
    assert reply["expires_at"] > 0
    store.revoke("ci")
    database.close()
    again = await graph.request(Authenticate(digest(token)), None, to="state")
    assert again == {"principal": None, "expires_at": None}
    (record,) = graph.records("auth_failed")
    assert record["asked_by"] == "gateway/0"
    assert digest(token) not in str(record)
    assert await code_of(graph.request(Authenticate("short"), None, to="state")) == "malformed"


def test_a_flood_of_failed_attempts_is_told_as_a_number() -> None:
    failures = Failures()
    told = [failures.count(0.0)[0] for _ in range(1000)]
    assert sum(told) == FAILURES_PER_WINDOW
    assert failures.count(WINDOW_S) == (True, 1000 - FAILURES_PER_WINDOW)
    assert failures.count(3 * WINDOW_S) == (True, 0)


# --- telemetry --------------------------------------------------------------------------------------------------------


async def test_telemetry_shows_the_newest_report_of_each_part(graph: Graph) -> None:
    await graph.start("telemetry", Telemetry)
    await graph.request(Report("gateway/0", {"calls": 1}), None, to="telemetry")
    await graph.request(Report("gateway/0", {"calls": 2}), None, to="telemetry")
    await graph.peer("tools")
    parts = (await graph.peers["tools"].request("telemetry", ReadStatus()))["parts"]
    assert parts["gateway/0"]["calls"] == 2
    assert parts["gateway/0"]["age_s"] < 5
    assert parts["telemetry/0"]["layer"] == "L0"
    assert await code_of(graph.request(Report("safety/0", {}), None, to="telemetry")) == "spoofed_source"


def test_reports_age_and_are_forgotten_and_bounded() -> None:
    board = Board(most=2)
    board.put("a/0", {"x": 1}, 0.0)
    board.put("a/0", {"y": 2}, 5.0)
    assert board.read(6.0) == {"a/0": {"age_s": 1.0, "x": 1, "y": 2}}
    board.put("a/0", {"z": 3}, 100.0)
    board.put("b/0", {}, 100.0)
    with pytest.raises(AuraError):
        board.put("c/0", {}, 100.0)
    assert board.read(100.0)["a/0"] == {"age_s": 0.0, "z": 3}
    board.put("c/0", {}, 701.0)
    assert set(board.read(701.0)) == {"c/0"}
