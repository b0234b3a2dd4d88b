"""Counts that halve with time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aura_ia_mcp.judgement.history import Recent

STEPS = st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 1000)), max_size=30)


@given(STEPS, st.floats(0, 1000), st.floats(0, 1000))
def test_a_count_is_the_sum_of_what_is_left_of_each_time(
    steps: list[tuple[str, float]], later: float, still_later: float
) -> None:
    recent, now, when = Recent(300.0), 0.0, []
    for key, pause in steps:
        now += pause
        recent.add(key, now)
        when.append((key, now))
    at = now + later
    for key in "abc":
        left = sum(0.5 ** ((at - then) / 300.0) for each, then in when if each == key)
        assert recent.count(key, at) == pytest.approx(left)
        assert recent.count(key, at + still_later) <= recent.count(key, at)


def test_what_never_happened_and_a_clock_that_goes_back_count_plainly() -> None:
    recent = Recent(10.0)
    assert recent.count("a", 5.0) == 0.0
    recent.add("a", 100.0)
    assert recent.count("a", 50.0) == 1.0
    assert recent.count("a", 110.0) == 0.5


@given(st.lists(st.sampled_from("abcdefgh"), max_size=50))
def test_no_more_keys_are_kept_than_there_is_room_for_and_the_oldest_goes(keys: list[str]) -> None:
    recent = Recent(300.0, most=3)
    for now, key in enumerate(keys):
        recent.add(key, float(now))
    newest = set(list(dict.fromkeys(reversed(keys)))[:3])
    assert {key for key in "abcdefgh" if recent.count(key, 100.0) > 0} == newest
