"""The parts that ask nobody: directory, state, telemetry, and the views that Audit derives."""

from __future__ import annotations

import contextlib
import json
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock, create_autospec

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aura_ia_mcp.actors.activity import OTHER, Activity
from aura_ia_mcp.actors.audit import Audit
from aura_ia_mcp.actors.case import client_of
from aura_ia_mcp.actors.derivation import EVENTS, from_codex, security_event, span
from aura_ia_mcp.actors.directory import Directory, Registry
from aura_ia_mcp.actors.state import FAILURES_PER_WINDOW, WINDOW_S, Failures, State
from aura_ia_mcp.actors.telemetry import Board, Telemetry
from aura_ia_mcp.bus.address import Address
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import (
    JSON,
    Authenticate,
    ReadActivity,
    ReadStatus,
    Register,
    Report,
    Resolve,
    Unregister,
)
from aura_ia_mcp.stores import position, views
from aura_ia_mcp.stores.database import Database
from aura_ia_mcp.stores.read import Tail
from aura_ia_mcp.stores.tokens import TokenStore, digest
from aura_ia_mcp.stores.views import SECURITY, SPANS

from .graph import Graph, code_of


@pytest.fixture
async def graph(tmp_path: Path) -> AsyncIterator[Graph]:
    graph = Graph(tmp_path)
    yield graph
    await graph.close()


# --- directory -------------------------------------------------------------------------------------------------------

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


# --- state -----------------------------------------------------------------------------------------------------------


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


# --- telemetry -------------------------------------------------------------------------------------------------------


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


# --- activity --------------------------------------------------------------------------------------------------------


def call(n: int = 0, ts: float = 1000.0, **more: Any) -> dict[str, Any]:
    return {
        "v": 1,
        "seq": n,
        "ts": ts,
        "writer": "safety-0",
        "prev": "",
        "kind": "call",
        "call": f"{n:016x}",
        "what": "tools/call",
        "name": "echo",
        "server": "gateway",
        "principal": {"id": "guest", "kind": "agent", "tenant": "local", "roles": []},
        "outcome": "ok",
        "ms": 1.5,
        "layers": [],
    } | more


@given(st.lists(st.tuples(st.integers(0, 200_000), st.sampled_from(["a", "b"]), st.sampled_from(["ok", "refused"]))))
def test_sums_count_each_record_of_the_window_once(rows: list[tuple[int, str, str]]) -> None:
    activity, now = Activity(), 200_000.0
    for n, (ts, name, outcome) in enumerate(rows):
        activity.add(call(n, float(ts), name=name, outcome=outcome, session=name), now)
    for window_s in (60, 3600, 86_400):
        since = now - window_s
        inside = [row for row in rows if row[0] // 60 * 60 + 60 > since and row[0] >= now - 86_400]
        read = activity.read(window_s, now)
        assert read["requests"] == len(inside)
        assert read["denials"] == sum(row[2] == "refused" for row in inside)
        assert read["sessions"] == len({row[1] for row in inside})
        assert {n: c["requests"] for n, c in read["by_tool"].items()} == {
            n: sum(row[1] == n for row in inside) for n in {row[1] for row in inside}
        }


def test_names_beyond_the_bound_are_counted_together() -> None:
    activity = Activity()
    for n in range(700):
        activity.add(call(n, name=f"tool {n}"), 1000.0)
    by_tool = activity.read(3600, 1000.0)["by_tool"]
    assert len(by_tool) == 501
    assert by_tool[OTHER]["requests"] == 200


# --- what is derived -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "event"),
    [
        (call(outcome="refused", rule="rate.limit", error={"code": "rate_limited", "message": "m"}), "call_refused"),
        (call(), None),
        (call(outcome="error"), None),
        ({"kind": "opened", "continues": 0}, None),
        ({"kind": "opened", "continues": 5}, "restarted"),
        ({"kind": "opened", "continues": 5, "writer": "cli"}, None),
        ({"kind": "repaired", "bytes": 3}, "audit_repaired"),
        ({"kind": "recovered", "lost": 3}, "audit_recovered"),
        ({"kind": "sealing_failed", "why": "a chain doesn't hold"}, "audit_sealing_failed"),
        ({"kind": "pruned", "files": 1, "bytes": 9}, "audit_pruned"),
        ({"kind": "redacted", "record": "safety-0:3", "by": "ada", "reason": "a key"}, "audit_redacted"),
        ({"kind": "auth_failed", "token": "x"}, "unknown_token"),
        ({"kind": "authentication_failed", "peer": "127.0.0.1", "reason": "no token"}, "authentication_failed"),
        ({"kind": "foreign_request", "peer": "127.0.0.1", "header": "Host", "value": "evil"}, "foreign_request"),
        ({"kind": "token_created"}, "token_created"),
        ({"kind": "token_revoked"}, "token_revoked"),
        ({"kind": "backup_made", "file": "b.tar.gz", "sha256": "0"}, "backup_made"),
        ({"kind": "backup_restored", "file": "b.tar.gz", "made_at": "", "set_aside": []}, "backup_restored"),
        ({"kind": "foreign_peer", "claimed": "safety/0"}, "peer_refused"),
        ({"kind": "invalid_token", "claimed": "safety/0"}, "peer_refused"),
        (call(outcome="refused", error={"code": "approval_required", "message": "m"}), "call_held"),
        (call(outcome="refused", error={"code": "confirmation_required", "message": "m"}), "call_held"),
        ({"kind": "rules_changed", "policy_version": "p"}, "rules_changed"),
        ({"kind": "note", "action": "a", "details": {}}, "note"),
        *(
            ({"kind": kind, "tool": "echo", "approval": "a1"}, kind)
            for kind in ("approval_requested", "approval_decided", "approval_used", "approval_expired")
        ),
        ({"kind": "opened_call"}, None),
    ],
)
def test_security_events_are_told_apart(record: JSON, event: str | None) -> None:
    line = security_event({"v": 1, "seq": 3, "ts": 0.0, "writer": "w-0", "prev": ""} | record)
    assert (line and line["event"]) == event
    if line:
        assert line["event"] in EVENTS
        assert line.keys() >= {"principal", "tool", "outcome"}
        assert line["audit_id"].endswith(f":{record.get('seq', 3)}")
        assert line["time"].endswith("Z")


def test_an_event_says_who_which_tool_and_what_came_of_it() -> None:
    frame = {"v": 1, "seq": 3, "ts": 0.0, "writer": "records-0", "prev": ""}
    who = {"id": "guest", "kind": "agent", "tenant": "local", "roles": []}
    decided = {"kind": "approval_decided", "approval": "a1", "decision": "deny", "by": "local/operator", "tool": "echo"}
    line = security_event(frame | decided | {"principal": who})
    assert line is not None
    assert (line["principal"], line["tool"], line["outcome"]) == (who, "echo", "deny")
    assert line["details"] == {"approval": "a1", "decision": "deny", "by": "local/operator"}
    refused = security_event(call(outcome="refused", error={"code": "forbidden", "message": "m"}))
    assert refused is not None
    assert (refused["tool"], refused["outcome"], refused["code"]) == ("echo", "refused", "forbidden")


@pytest.mark.parametrize(
    ("client", "codex"),
    [
        ({"name": "codex-mcp-client", "version": "0.169.0"}, True),
        ({"user_agent": "codex-mcp-client/0.169.0"}, True),
        ({"callId": "c", "threadId": "t"}, True),
        ({"name": "inspector", "callId": "c", "threadId": "t"}, False),
        ({"callId": "c"}, False),
        ({}, False),
    ],
)
def test_codex_is_known_by_its_name_else_by_its_ids(client: JSON, codex: bool) -> None:
    assert from_codex(client) == codex
    assert (span(call(client=client)) is not None) == codex


def test_a_span_names_the_client_by_its_header_where_it_says_no_more() -> None:
    info = {"name": "codex-mcp-client", "version": "0.169.0", "user_agent": "codex-mcp-client/0.169.0", "x": 1}
    full = span(call(client=client_of({"aura/client": info, "callId": "c"})))
    bare = span(call(client=client_of({"aura/client": {"user_agent": "codex-mcp-client/0.169.0"}})))
    assert full is not None
    assert bare is not None
    assert (full["client"], full["call_id"]) == ("codex-mcp-client 0.169.0", "c")
    assert bare["client"] == "codex-mcp-client/0.169.0"
    assert client_of({"aura/client": {"name": "n" * 200}})["name"] == "n" * 127 + "…"


def test_a_span_carries_trace_tool_time_and_status() -> None:
    trace = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
    line = span(call(7, 1000.0, client={"callId": "c", "threadId": "t"}, trace=trace))
    assert line is not None
    assert (line["trace_id"], line["parent_span_id"], line["span_id"]) == ("a" * 32, "b" * 16, f"{7:016x}")
    assert (line["tool"], line["duration_ms"], line["status"], line["thread_id"]) == ("echo", 1.5, "ok", "t")
    assert (line["start"], line["end"]) == ("1970-01-01T00:16:39.998Z", "1970-01-01T00:16:40.000Z")
    failed = span(call(client={"callId": "c", "threadId": "t"}, outcome="error", error={"code": "tool_failed"}))
    assert failed is not None
    assert (failed["status"], failed["error"]) == ("error", "tool_failed")


# --- the views -------------------------------------------------------------------------------------------------------


def lines(graph: Graph, name: str) -> list[JSON]:
    found: list[JSON] = []
    for path in sorted(graph.paths.logs.glob(f"{name}*"), key=lambda p: p.name, reverse=True):
        found += [json.loads(line) for line in path.read_text().splitlines()]
    return found


def write(graph: Graph, n: int) -> None:
    """Records of one call that is refused and one that comes from Codex."""
    writer = graph.boot("safety").audit
    base = {k: v for k, v in call().items() if k not in ("v", "seq", "ts", "writer", "prev", "kind")}
    writer.append("call", base | {"outcome": "refused", "n": n})
    writer.append("call", base | {"client": {"name": "codex"}, "n": n})


async def test_views_follow_the_records_and_survive_restarts_without_doubles(graph: Graph) -> None:
    for n in range(5):
        await graph.start("audit", lambda boot: Audit(boot, view_bytes=700))
        write(graph, n)
        await graph.actors["audit"].catch_up()
        write(graph, n)
        await graph.end("audit")
    security = [line for line in lines(graph, SECURITY) if line["event"] == "call_refused"]
    spans = lines(graph, SPANS)
    for found in (security, spans):
        assert len({line["audit_id"] for line in found}) == len(found) == 10
    assert len(list(graph.paths.logs.glob(f"{SECURITY}*"))) > 2


async def test_the_place_is_kept_once_a_period_however_often_records_come(
    graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Mock(wraps=position.save)
    monkeypatch.setattr(position, "save", kept)
    polled = create_autospec(Tail.poll, side_effect=Tail.poll)
    monkeypatch.setattr(Tail, "poll", polled)
    audit = Audit(graph.boot("audit"))
    for n in range(20):
        write(graph, n)
        await audit.catch_up()
    assert polled.call_count == 20, "what came since waits for the next round"
    assert kept.call_count <= 2, "more than one a period"
    audit._kept_at = float("-inf")
    await audit.catch_up()
    before = kept.call_count
    for _ in range(3):
        audit._kept_at = float("-inf")
        await audit.catch_up()
    assert kept.call_count == before, "nothing moved"
    for view in audit._views.values():
        view.close()


async def test_activity_is_known_again_after_a_restart(graph: Graph) -> None:
    await graph.start("audit", Audit)
    write(graph, 1)
    peer = await graph.peer("tools")
    assert (await peer.request("audit", ReadActivity(3600)))["requests"] == 2
    await graph.end("audit")
    write(graph, 2)
    await graph.start("audit", Audit)
    stats = await peer.request("audit", ReadActivity(3600))
    assert (stats["requests"], stats["denials"]) == (4, 2)


@pytest.mark.parametrize("seed", range(4))
async def test_a_crash_at_any_time_doubles_no_line_and_loses_none(
    graph: Graph, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance = random.Random(seed)

    def flaky(function: Any) -> Any:
        def wrapped(*args: Any, **more: Any) -> Any:
            if chance.random() < 0.3:
                raise OSError("no space left on device")
            return function(*args, **more)

        return wrapped

    monkeypatch.setattr(position, "save", flaky(position.save))
    monkeypatch.setattr(views.View, "append", flaky(views.View.append))
    for n in range(15):
        write(graph, n)
        await live_and_crash(graph, tries=3)
        if chance.random() < 0.3:
            with (graph.paths.logs / SECURITY).open("ab") as file:
                file.write(b'{"torn')
    monkeypatch.undo()
    await live_and_crash(graph, tries=1)
    for name in (SECURITY, SPANS):
        found = [line["audit_id"] for line in lines(graph, name) if line["event"] != "restarted"]
        assert len(found) == len(set(found)) == 15


async def live_and_crash(graph: Graph, tries: int) -> None:
    audit = Audit(graph.boot("audit"))
    for _ in range(tries):
        with contextlib.suppress(OSError):
            await audit.catch_up()
    for view in audit._views.values():  # nothing else is closed or saved
        view.close()
