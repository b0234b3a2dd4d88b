"""The views that Audit derives, whatever ends it and when."""

from __future__ import annotations

import contextlib
import json
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock, create_autospec

import pytest

from aura_ia_mcp.actors.audit import Audit
from aura_ia_mcp.bus.messages import JSON
from aura_ia_mcp.stores import position, views
from aura_ia_mcp.stores.read import Tail
from aura_ia_mcp.stores.views import SECURITY, SPANS

from .graph import Graph
from .recorded import write


@pytest.fixture
async def graph(tmp_path: Path) -> AsyncIterator[Graph]:
    graph = Graph(tmp_path)
    yield graph
    await graph.close()


def lines(graph: Graph, name: str) -> list[JSON]:
    found: list[JSON] = []
    for path in sorted(graph.paths.logs.glob(f"{name}*"), key=lambda p: p.name, reverse=True):
        found += [json.loads(line) for line in path.read_text().splitlines()]
    return found


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
