"""When a dead process is started again."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aura_ia_mcp.cluster.restarts import GiveUp, Restart, RestartPolicy, decide

_gaps = st.lists(st.floats(0, 1000), min_size=1, max_size=30)


def test_the_first_death_is_healed_soon() -> None:
    assert decide(RestartPolicy(first_s=0.1), [5.0]) == Restart(0.1)


def test_deaths_in_a_row_are_healed_ever_later_and_then_no_more() -> None:
    policy = RestartPolicy(first_s=1.0, factor=2.0, most_s=3.0, deaths=4, window_s=60.0)
    decisions = [decide(policy, list(range(count))) for count in (1, 2, 3, 4)]
    assert decisions[:3] == [Restart(1.0), Restart(2.0), Restart(3.0)]
    assert isinstance(decisions[3], GiveUp)
    assert "4 times within 60 s" in decisions[3].reason


def test_nobody_died_is_no_question() -> None:
    with pytest.raises(ValueError, match="no death"):
        decide(RestartPolicy(), [])


@given(_gaps)
def test_deaths_further_apart_than_the_window_are_healed_for_ever(gaps: list[float]) -> None:
    policy = RestartPolicy(window_s=60.0)
    deaths = list(itertools.accumulate(gap + 61.0 for gap in gaps))
    assert decide(policy, deaths) == Restart(policy.first_s)


@given(_gaps, st.integers(1, 10))
def test_it_gives_up_exactly_when_the_window_holds_too_many(gaps: list[float], most: int) -> None:
    policy = RestartPolicy(deaths=most)
    deaths = list(itertools.accumulate(gaps))
    recent = [at for at in deaths if deaths[-1] - at < policy.window_s]
    assert isinstance(decide(policy, deaths), GiveUp) == (len(recent) >= most)


@given(_gaps)
def test_a_wait_is_within_its_bounds(gaps: list[float]) -> None:
    policy = RestartPolicy(deaths=1000)
    found = decide(policy, list(itertools.accumulate(gaps)))
    assert isinstance(found, Restart)
    assert policy.first_s <= found.after_s <= policy.most_s
