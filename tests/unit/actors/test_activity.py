"""How much was asked for, as Audit counts it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aura_ia_mcp.actors.activity import OTHER, Activity
from aura_ia_mcp.actors.audit import Audit
from aura_ia_mcp.bus.messages import ReadActivity

from .graph import Graph
from .recorded import call, write


@pytest.fixture
async def graph(tmp_path: Path) -> AsyncIterator[Graph]:
    graph = Graph(tmp_path)
    yield graph
    await graph.close()


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
