"""What is kept for duplicates, and when deadlines fire."""

from __future__ import annotations

import asyncio
import time

from hypothesis import given
from hypothesis import strategies as st

from aura_ia_mcp.bus.deadlines import Deadlines
from aura_ia_mcp.bus.dedupe import Dedupe


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 400), st.floats(0, 5)), max_size=60))
def test_what_is_kept_for_duplicates_never_passes_a_bound(puts: list[tuple[int, int, float]]) -> None:
    kept: Dedupe[int] = Dedupe(limit=5, limit_bytes=1000, keep_s=10)
    now, alive = 0.0, {}
    for key, size, passes in puts:
        now += passes
        kept.put((str(key),), size, size, now)
        alive[key] = (size, now)
        found = {other: kept.get((str(other),), now) for other in alive}
        held = {other: size for other, size in found.items() if size is not None}
        assert len(held) <= 5
        assert sum(held.values()) <= 1000
        assert all(now - alive[other][1] <= 10 and held[other] == alive[other][0] for other in held)


def test_the_newest_answer_is_remembered_unless_it_alone_is_too_large() -> None:
    kept: Dedupe[str] = Dedupe(limit=5, limit_bytes=100, keep_s=10)
    kept.put(("a",), "small", 10, 0.0)
    assert kept.get(("a",), 0.0) == "small"
    kept.put(("b",), "large", 101, 0.0)
    assert kept.get(("b",), 0.0) is None


async def test_deadlines_fire_in_time_and_only_what_is_still_there() -> None:
    deadlines, done = Deadlines(), asyncio.Event()
    fired: list[str] = []
    now = time.monotonic()
    taken = deadlines.add(now + 0.01, lambda: fired.append("taken"))
    deadlines.add(now + 0.03, lambda: fired.append("late"))
    deadlines.add(now + 0.04, done.set)
    deadlines.add(now + 0.02, lambda: fired.append("early"))
    deadlines.add(now - 1, lambda: fired.append("past"))
    deadlines.remove(taken)
    await asyncio.wait_for(done.wait(), 5)
    assert fired == ["past", "early", "late"]


async def test_a_deadline_may_be_taken_away_by_another_that_fires() -> None:
    deadlines, done = Deadlines(), asyncio.Event()
    fired: list[str] = []
    past = time.monotonic() - 1
    deadlines.add(past, lambda: deadlines.remove(second))
    second = deadlines.add(past, lambda: fired.append("second"))
    deadlines.add(past, done.set)
    await asyncio.wait_for(done.wait(), 5)
    assert fired == []


async def test_nothing_fires_after_closing() -> None:
    deadlines, waited = Deadlines(), asyncio.Event()
    fired: list[str] = []
    deadlines.add(time.monotonic() - 1, lambda: fired.append("x"))
    deadlines.close()
    asyncio.get_running_loop().call_later(0.01, waited.set)
    await waited.wait()
    assert fired == []
