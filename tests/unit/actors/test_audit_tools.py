"""Notes of callers in the audit, and the security events that its tool tells."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from aura_ia_mcp.actors import audit_tools
from aura_ia_mcp.actors.audit import Audit
from aura_ia_mcp.actors.audit_tools import MOST_DETAILS_BYTES
from aura_ia_mcp.actors.safety import Safety
from aura_ia_mcp.actors.tools import Tools
from aura_ia_mcp.bus.envelope import Header, Principal
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON, CallTool
from aura_ia_mcp.configs.settings import Settings
from aura_ia_mcp.stores import position, views
from aura_ia_mcp.stores.audit import AuditError
from aura_ia_mcp.stores.known import Known
from aura_ia_mcp.stores.views import SECURITY

from .graph import GUEST, OPERATOR, Graph, code_of, until

AUDITOR = Principal("token:auditor", roles=("auditor",))


@pytest.fixture
async def graph(tmp_path: Path) -> AsyncIterator[Graph]:
    graph = Graph(tmp_path)
    for role, make in (("audit", Audit), ("tools", Tools), ("safety", Safety)):
        await graph.start(role, make)
    yield graph
    await graph.close()


async def note(graph: Graph, principal: Principal = GUEST, **more: Any) -> JSON:
    arguments = {"action": "wiped the board", "details": {"board": 3}} | more
    said: JSON = (await graph.call("audit_log", arguments, principal))["structuredContent"]
    return said


async def events(graph: Graph, limit: int | None = None, **wanted: str) -> list[JSON]:
    said = (await told(graph, limit, **wanted))["entries"]
    return list(said)


async def told(graph: Graph, limit: int | None = None, **wanted: str) -> JSON:
    arguments: JSON = {"filter": wanted} | ({} if limit is None else {"limit": limit})
    said: JSON = (await graph.call("get_security_audit", arguments, AUDITOR))["structuredContent"]
    return said


# --- notes -----------------------------------------------------------------------------------------------------------


async def test_a_note_is_a_record_under_its_authors_name_before_it_is_answered(graph: Graph) -> None:
    said = await note(graph)
    (record,) = graph.records("note")
    assert said["audit_id"] == f"{record['writer']}:{record['seq']}"
    assert said["receipt"].startswith(said["audit_id"] + ":")
    assert (record["action"], record["details"]) == ("wiped the board", {"board": 3})
    assert record["principal"] == GUEST.as_dict()
    assert (record["session"], record["call"]) == tuple(graph.records()[-1][name] for name in ("session", "call"))


async def test_secrets_in_a_note_are_marked_and_counted(graph: Graph) -> None:
    said = await note(graph, details={"password": "correct horse", "at": [{"token": "ghp_" + "a1B2" * 9}]})
    (record,) = graph.records("note")
    assert "correct horse" not in str(record)
    assert "ghp_" not in str(record)
    assert record["redacted"] == said["redacted"]
    assert sum(said["redacted"].values()) == 2


async def test_a_note_can_be_written_in_safe_mode(graph: Graph) -> None:
    await graph.call("set_safe_mode", {"enabled": True, "reason": "a drill"}, OPERATOR)
    await note(graph)
    assert len(graph.records("note")) == 1


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"details": {"x": "y" * MOST_DETAILS_BYTES}}, "at most 8192"),
        ({"details": "words"}, "details"),
        ({"action": ""}, "action"),
        ({"action": "a" * 201}, "action"),
        ({"by": "somebody else"}, "by"),
    ],
)
async def test_a_note_of_another_form_is_refused_and_nothing_is_written(graph: Graph, wrong: JSON, says: str) -> None:
    with pytest.raises(AuraError, match=says) as caught:
        await note(graph, **wrong)
    assert caught.value.code == "invalid_arguments"
    assert graph.records("note") == []


async def test_a_note_that_cannot_be_written_is_an_error(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(kind: str, fields: JSON) -> None:
        raise AuditError("the disk is full")

    monkeypatch.setattr(graph.writers["audit"], "append", full)
    with pytest.raises(AuraError, match="disk is full") as caught:
        await note(graph)
    assert (caught.value.code, caught.value.failure.outcome) == ("audit_failed", "not_run")


async def test_without_a_decision_of_safety_nobody_writes_or_reads(graph: Graph) -> None:
    for tool, arguments in (("audit_log", {"action": "a", "details": {}}), ("get_security_audit", {})):
        sent = graph.peers["tools"].request("audit", CallTool(tool, arguments), header=Header(principal=OPERATOR))
        assert await code_of(sent) == "invalid_token"
    assert graph.records("note") == []


# --- security events -------------------------------------------------------------------------------------------------


async def test_events_come_newest_first_in_one_form(graph: Graph) -> None:
    await note(graph)
    assert await code_of(graph.call("search_logs", {"query": "x"})) == "forbidden"
    first, second = (await events(graph))[:2]
    assert (first["event"], first["principal"], first["tool"]) == ("call_refused", "local/guest", "search_logs")
    assert (first["outcome"], first["details"]["code"]) == ("refused", "forbidden")
    assert first["audit_id"].startswith("safety-0:")
    assert (second["event"], second["principal"], second["tool"]) == ("note", "local/guest", None)
    assert second["details"]["action"] == "wiped the board"


async def test_filters_hold_together(graph: Graph) -> None:
    await note(graph, AUDITOR)
    for tool in ("search_logs", "get_recent_logs"):
        assert await code_of(graph.call(tool, {"query": "x"} if tool == "search_logs" else {})) == "forbidden"
    assert {entry["event"] for entry in await events(graph, event="note")} == {"note"}
    assert len(await events(graph, principal="guest")) == len(await events(graph, principal="local/guest")) == 2
    assert len(await events(graph, principal="guest", tool="search_logs", outcome="refused", since="1h")) == 1
    assert await events(graph, tool="search_logs", event="note") == []
    assert await events(graph, since="2999-01-01") == []


async def test_more_entries_than_asked_for_are_told_of(graph: Graph) -> None:
    for _ in range(4):
        await note(graph)
    three = await told(graph, 3, event="note")
    assert (len(three["entries"]), three["cut"]) == (3, "only the newest 3 are here")
    assert (await told(graph, 4, event="note"))["cut"] == ""


async def test_a_reading_is_bounded(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(4):
        await note(graph)
    monkeypatch.setattr(audit_tools, "_MOST_REPLY_CHARS", 900)
    cut = await told(graph, event="note")
    assert 0 < len(cut["entries"]) < 4
    assert cut["cut"]
    monkeypatch.setattr(audit_tools, "_MOST_BYTES", 10)
    assert "10 bytes" in (await told(graph))["cut"]


async def test_older_files_are_read_too_and_lines_of_an_older_form(graph: Graph) -> None:
    old = {"time": "2026-01-01T00:00:00.000Z", "event": "call_refused", "audit_id": "safety-0:1", "name": "x"}
    (graph.paths.logs / f"{SECURITY}.1").write_text(json.dumps(old | {"principal": GUEST.as_dict()}) + "\ntorn")
    await note(graph)
    oldest = (await events(graph))[-1]
    assert (oldest["audit_id"], oldest["principal"], oldest["tool"]) == ("safety-0:1", "local/guest", None)


async def test_what_was_redacted_is_gone_from_the_views_and_the_rest_stays(graph: Graph) -> None:
    ids = [(await note(graph, action=f"step {n}"))["audit_id"] for n in range(3)]
    assert len(await events(graph, event="note")) == 3
    view = graph.paths.logs / SECURITY
    size = view.stat().st_size
    assert [views.redact(view, ids[1]), views.redact(view, ids[1])] == [1, 0]
    assert view.stat().st_size == size
    assert "step 1" not in view.read_text()
    await note(graph, action="step 3")
    assert [entry["details"]["action"] for entry in await events(graph, event="note")] == ["step 3", "step 2", "step 0"]


async def test_a_chain_that_cannot_be_sealed_is_an_event(tmp_path: Path) -> None:
    graph = Graph(tmp_path, Settings.model_validate({"audit": {"epoch_s": 0.05}}))
    other = graph.boot("tools").audit
    other.append("note", {"action": "was never so", "details": {}})
    (file,) = (graph.paths.audit / "tools-0").glob("*.jsonl")
    file.write_bytes(file.read_bytes().replace(b'"kind":"opened"', b'"kind":"closed"'))
    await graph.start("audit", Audit)
    await until(lambda: bool(graph.records("sealing_failed")))
    await graph.actors["audit"].catch_up()
    lines = [json.loads(line) for line in (graph.paths.logs / SECURITY).read_text().splitlines()]
    (event,) = (line for line in lines if line["event"] == "audit_sealing_failed")
    assert "tools-0:" in event["details"]["why"]
    await graph.close()


@pytest.mark.parametrize("wrong", [{"since": "yesterday"}, {"event": "party"}, {"colour": "red"}])
async def test_a_filter_that_is_none_is_refused(graph: Graph, wrong: dict[str, str]) -> None:
    assert await code_of(events(graph, None, **wrong)) == "invalid_arguments"


# --- the check -------------------------------------------------------------------------------------------------------


async def check(graph: Graph, **arguments: str) -> JSON:
    said: JSON = (await graph.call("verify_audit", arguments, AUDITOR))["structuredContent"]
    return said


async def test_the_check_says_what_holds(graph: Graph) -> None:
    await note(graph)
    said = await check(graph)
    assert (said["intact"], said["broken"], said["faults"]) == (True, None, [])
    assert {chain["writer"] for chain in said["chains"]} >= {"safety-0", "tools-0", "audit-0"}
    assert said["checked"] == sum(chain["checked"] for chain in said["chains"]) > 4


async def test_the_check_names_the_first_record_that_was_changed(graph: Graph) -> None:
    for _ in range(3):
        await note(graph)
    (file,) = (graph.paths.audit / "audit-0").glob("*.jsonl")
    lines = file.read_bytes().splitlines(keepends=True)
    at, line = next((at, line) for at, line in enumerate(lines) if b"wiped" in line)
    file.write_bytes(b"".join([*lines[:at], line.replace(b"wiped", b"swept"), *lines[at + 1 :]]))
    said = await check(graph)
    assert said["intact"] is False
    assert said["broken"].startswith(f"audit-0:{at + 1} ")
    (broken,) = (chain for chain in said["chains"] if not chain["intact"])
    assert broken["writer"] == "audit-0"


async def test_the_check_misses_epochs_that_the_system_knows_it_wrote(graph: Graph) -> None:
    position.save(graph.paths.epochs_standing, {"number": 7, "prev": "0" * 64})
    said = await check(graph)
    assert said["intact"] is False
    assert "this system wrote up to entry 7" in said["broken"]


class SlowCheck:
    """Stands for a check of much: it waits until a test lets it go on."""

    def __init__(self) -> None:
        self.began, self.go = threading.Event(), threading.Event()

    def __call__(self, folder: Path, *, since: float | None, progress: Callable[[int], None], own: Known) -> None:
        self.began.set()
        self.go.wait(10)
        progress(1)
        raise AssertionError("there was time left")


async def test_a_check_ends_with_its_time(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = SlowCheck()
    slow.go.set()
    monkeypatch.setattr(audit_tools, "verify", slow)
    monkeypatch.setattr(audit_tools, "_MARGIN_S", 1_000.0)
    with pytest.raises(AuraError, match="only the first 1 bytes") as caught:
        await check(graph)
    assert caught.value.code == "deadline_exceeded"
    assert "since" in caught.value.failure.recovery


async def test_while_a_check_runs_no_other_begins_even_if_its_caller_is_gone(
    graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = SlowCheck()
    monkeypatch.setattr(audit_tools, "verify", slow)
    monkeypatch.setattr(audit_tools, "_MARGIN_S", 1_000.0)
    first = asyncio.create_task(check(graph))
    await asyncio.to_thread(slow.began.wait, 10)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    with pytest.raises(AuraError) as caught:
        await check(graph)
    assert caught.value.code == "too_many_calls"
    slow.go.set()


async def test_events_are_for_readers_of_logs(graph: Graph) -> None:
    assert await code_of(graph.call("get_security_audit")) == "forbidden"
    assert await code_of(graph.call("verify_audit")) == "forbidden"
