"""Safe mode: one switch stops everything that writes, survives restarts, and holds for the very next call."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from aura_ia_mcp.actors.safety import Safety
from aura_ia_mcp.actors.sources import ToolCall
from aura_ia_mcp.actors.state import State
from aura_ia_mcp.actors.tools import Tools
from aura_ia_mcp.bus.envelope import Header, Principal
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON, CallTool, ListCatalogue, ReadRecords, WriteRecord
from aura_ia_mcp.stores.records import RecordError

from .graph import GUEST, OPERATOR, Graph, Scripted, code_of, define, text_result

ON, OFF = ({"enabled": enabled, "reason": "a drill"} for enabled in (True, False))


class Fixtures(Scripted):
    def __init__(self) -> None:
        super().__init__(look=self._run, write=self._run, stop_it=self._run)
        self.definitions["write"] = define("write", read_only=False)
        self.definitions["stop_it"] = define("stop_it", read_only=False, calms=True)
        self.runs = 0

    async def _run(self, arguments: JSON, call: ToolCall) -> JSON:
        self.runs += 1
        return text_result("ran")


@pytest.fixture
def fixtures() -> Fixtures:
    return Fixtures()


@pytest.fixture
async def graph(tmp_path: Path, fixtures: Fixtures) -> AsyncIterator[Graph]:
    graph = Graph(tmp_path)
    await graph.start("tools", Tools, lambda: fixtures)
    await graph.start("safety", Safety)
    await graph.request(ListCatalogue("tools"))
    yield graph
    await graph.close()


async def switch(graph: Graph, arguments: JSON) -> JSON:
    said: JSON = (await graph.call("set_safe_mode", arguments, OPERATOR))["structuredContent"]
    return said


async def test_in_safe_mode_what_writes_is_refused_and_reading_and_calming_go_on(
    graph: Graph, fixtures: Fixtures
) -> None:
    said = await switch(graph, ON)
    assert (said["safe_mode"], said["reason"], said["by"]) == (True, "a drill", "local/operator")
    with pytest.raises(AuraError) as caught:
        await graph.call("write")
    failure = caught.value.failure
    assert (failure.code, failure.outcome) == ("safe_mode", "not_run")
    assert failure.recovery
    record = graph.records()[-1]
    assert (record["rule"], record["safe_mode"], record["inputs"]["safe_mode"]) == ("safe_mode.on", 1, True)
    assert fixtures.runs == 0
    for tool in ("look", "stop_it"):
        assert (await graph.call(tool))["content"]
    assert (await switch(graph, ON))["safe_mode"] is True
    assert (await switch(graph, OFF))["safe_mode"] is False
    assert (await graph.call("write"))["content"]


async def test_in_safe_mode_an_approval_can_be_denied_and_not_granted(graph: Graph) -> None:
    asked = (await graph.call("request_approval", {"operation": "tidy up", "reason": "a test"}))["structuredContent"]
    await switch(graph, ON)
    given = {"approval_id": asked["approval_id"], "reason": "not now"}
    assert await code_of(graph.call("decide_approval", given | {"decision": "approve"}, OPERATOR)) == "safe_mode"
    said = await graph.call("decide_approval", given | {"decision": "deny"}, OPERATOR)
    assert said["structuredContent"]["status"] == "denied"
    assert graph.records()[-1]["inputs"]["tool"]["calms"] is True


async def test_an_operator_who_was_stopped_often_can_still_end_safe_mode(graph: Graph) -> None:
    await switch(graph, ON)
    for _ in range(20):
        assert await code_of(graph.call("write", {}, OPERATOR)) == "safe_mode"
    assert (await switch(graph, OFF))["safe_mode"] is False
    assert graph.records()[-1]["inputs"]["risk_level"] == "high"


async def test_the_switch_is_in_the_audit_with_who_and_when(graph: Graph) -> None:
    await switch(graph, ON)
    (opened,), (record,) = graph.records("opened_call"), graph.records()
    assert (opened["name"], record["name"], record["outcome"]) == ("set_safe_mode", "set_safe_mode", "ok")
    assert record["principal"]["id"] == "operator"
    assert [row["layer"] for row in record["layers"]] == ["L5", "L0"]


@pytest.mark.parametrize("principal", [GUEST, Principal("operator", roles=("operator",))], ids=["guest", "agent"])
async def test_only_operators_know_the_switch(graph: Graph, principal: Principal) -> None:
    assert await code_of(graph.call("set_safe_mode", ON, principal)) == "unknown_tool"
    assert (await graph.call("write"))["content"]


async def test_the_switch_holds_for_the_next_call_after_it_was_answered(graph: Graph) -> None:
    for _ in range(10):
        await switch(graph, ON)
        assert await code_of(graph.call("write")) == "safe_mode"
        await switch(graph, OFF)
        assert await code_of(graph.call("write")) == "no error"


async def test_calls_beside_the_switch_are_decided_by_one_of_its_positions(graph: Graph, fixtures: Fixtures) -> None:
    before = [asyncio.create_task(code_of(graph.call("write"))) for _ in range(10)]
    await asyncio.gather(switch(graph, ON), *before)
    codes = [task.result() for task in before]
    assert set(codes) <= {"no error", "safe_mode"}
    assert fixtures.runs == codes.count("no error")


@pytest.mark.parametrize("role", ["state", "safety"])
async def test_safe_mode_survives_a_restart(graph: Graph, role: str) -> None:
    await switch(graph, ON)
    await graph.end(role)
    await graph.start(role, State if role == "state" else Safety)
    header = Header(principal=GUEST).within(5.0)
    assert await code_of(graph.request(CallTool("write", {}), header=header)) == "safe_mode"
    assert (await graph.call("look"))["content"]


async def test_while_state_is_away_the_switch_keeps_its_position(graph: Graph) -> None:
    await switch(graph, ON)
    await graph.end("state")
    assert await code_of(graph.call("write")) == "safe_mode"
    assert (await graph.call("look"))["content"]


async def test_nothing_that_could_write_runs_before_the_switch_is_known(graph: Graph, fixtures: Fixtures) -> None:
    await graph.end("safety")
    await graph.end("state")
    graph.actors["state"] = None  # it stays away
    await graph.start("safety", Safety)
    header = Header(principal=GUEST).within(0.4)
    assert await code_of(graph.request(CallTool("write", {}), header=header)) in ("not_delivered", "deadline_exceeded")
    assert fixtures.runs == 0


# --- State's records -------------------------------------------------------------------------------------------------


async def test_only_their_owner_reads_and_writes_records(graph: Graph) -> None:
    roles = graph.peers["roles"]
    await roles.request("state", WriteRecord("trust", "local/x", {"value": 1.0, "base": 1.0, "at": 0.0}))
    assert "local/x" in (await roles.request("state", ReadRecords("trust")))["records"]
    await roles.request("state", WriteRecord("trust", "local/x", None))
    assert "local/x" not in (await roles.request("state", ReadRecords("trust")))["records"]
    for peer in ("safety", "tools", "gateway"):
        for message in (ReadRecords("trust"), WriteRecord("trust", "k", {})):
            assert await code_of(graph.peers[peer].request("state", message)) == "forbidden", peer
    for kind in ("switches", "nothing"):
        for message in (ReadRecords(kind), WriteRecord(kind, "safe_mode", {})):
            assert await code_of(roles.request("state", message)) == "forbidden", kind


async def test_state_switches_nothing_without_a_token_of_safetys(graph: Graph) -> None:
    message = CallTool("set_safe_mode", ON)
    for peer in ("tools", "gateway"):
        sent = graph.peers[peer].request("state", message, header=Header(principal=OPERATOR))
        assert await code_of(sent) == "invalid_token"
    assert (await graph.call("write"))["content"]


async def test_state_does_not_start_on_records_of_a_newer_version(graph: Graph) -> None:
    await graph.end("state")
    with closing(sqlite3.connect(graph.paths.database)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(RecordError, match="version 9999; this program knows"):
        State(graph.boot("state"))
