"""While the record can't be written nothing runs, and no answer leaves."""

from __future__ import annotations

from typing import Any

import pytest

from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import (
    Probe,
)
from aura_ia_mcp.stores.audit import AuditError, Written

from ..graph import Graph
from .fixtures import Fixtures


def break_audit(graph: Graph, monkeypatch: pytest.MonkeyPatch, *, ready: bool) -> None:
    def full(*_: Any) -> str:
        raise AuditError("no space left on device")

    monkeypatch.setattr(graph.writers["safety"], "append", full)
    if not ready:
        monkeypatch.setattr(graph.writers["safety"], "ready", full)


async def test_nothing_runs_while_the_record_cannot_be_written(
    graph: Graph, fixtures: Fixtures, monkeypatch: pytest.MonkeyPatch
) -> None:
    await graph.call("echo", {"text": "the rules are known"})
    break_audit(graph, monkeypatch, ready=False)
    with pytest.raises(AuraError) as caught:
        await graph.call("count")
    assert (caught.value.code, caught.value.failure.outcome) == ("audit_failed", "not_run")
    assert fixtures.runs == 0
    assert (await graph.request(Probe()))["ready"] is False
    monkeypatch.undo()
    assert (await graph.request(Probe()))["ready"] is True
    assert (await graph.call("count"))["content"]


async def test_an_answer_whose_record_fails_does_not_leave(
    graph: Graph, fixtures: Fixtures, monkeypatch: pytest.MonkeyPatch
) -> None:
    await graph.call("count")
    break_audit(graph, monkeypatch, ready=True)
    with pytest.raises(AuraError) as caught:
        await graph.call("count")
    assert (caught.value.code, caught.value.failure.outcome) == ("audit_failed", "unknown")


async def test_what_changes_something_is_recorded_before_it_runs_too(
    graph: Graph, fixtures: Fixtures, monkeypatch: pytest.MonkeyPatch
) -> None:
    await graph.call("write")
    (opened,), (record,) = graph.records("opened_call"), graph.records()
    assert record["opened"] == f"safety-0:{opened['seq']}"
    break_audit(graph, monkeypatch, ready=True)
    with pytest.raises(AuraError) as caught:
        await graph.call("write")
    assert (caught.value.code, caught.value.failure.outcome) == ("audit_failed", "not_run")
    assert fixtures.runs == 1


async def test_a_call_that_ran_and_whose_end_cannot_be_recorded_is_told_with_the_record_of_its_beginning(
    graph: Graph, fixtures: Fixtures, monkeypatch: pytest.MonkeyPatch
) -> None:
    await graph.call("echo", {"text": "the rules are known"})
    append = graph.writers["safety"].append

    def full_at_the_end(kind: str, fields: dict[str, Any]) -> Written:
        if kind == "opened_call":
            return append(kind, fields)
        raise AuditError("no space left on device")

    monkeypatch.setattr(graph.writers["safety"], "append", full_at_the_end)
    with pytest.raises(AuraError, match="how it ended can't be recorded: no space") as caught:
        await graph.call("write")
    (opened,), failure = graph.records("opened_call"), caught.value.failure
    assert (failure.code, failure.outcome, failure.audit_id) == ("audit_failed", "unknown", f"safety-0:{opened['seq']}")
    assert "before you repeat it" in failure.recovery
    assert fixtures.runs == 1
