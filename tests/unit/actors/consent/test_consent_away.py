"""While consent can't be told, nothing that needs it runs."""

from __future__ import annotations

from typing import Any

import pytest

from aura_ia_mcp.bus.errors import AuraError

from ..graph import code_of
from .consenting import Made


async def test_while_approvals_are_away_nothing_that_needs_consent_runs(made: Made) -> None:
    it = await made("approve")
    await it.decide((await it.refused(it.call("write"))).approval_id)
    await it.graph.end("approvals")
    failure = await it.refused(it.call("write"))
    assert failure.outcome == "not_run"
    assert not it.fixtures.runs


async def test_a_use_that_fails_leaves_a_record_and_no_run(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    it = await made("approve")
    held = await it.refused(it.call("write"))
    await it.decide(held.approval_id)

    def breaks(*_: Any, **__: Any) -> None:
        raise AuraError("outcome_unknown", "the connection broke")

    monkeypatch.setattr(it.graph.actors["approvals"]._ledger, "change", breaks)
    failure = await it.refused(it.call("write", key="k"))
    assert (failure.code, failure.outcome, failure.approval_id) == ("unavailable", "not_run", held.approval_id)
    assert not it.fixtures.runs
    assert [each["approval"]["id"] for each in it.graph.records("opened_call") if "approval" in each] == [
        held.approval_id
    ]
    monkeypatch.undo()
    assert await code_of(it.call("write", key="k")) == "no error"
