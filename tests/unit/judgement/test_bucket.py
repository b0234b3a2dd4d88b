from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aura_ia_mcp.judgement.bucket import Bucket, Buckets, take

RATES = st.integers(1, 1000)
STEPS = st.lists(st.floats(0, 30, allow_nan=False), min_size=1, max_size=200)


@given(RATES, STEPS)
def test_no_minute_gives_more_than_twice_the_rate_and_the_long_run_gives_the_rate(
    rate: int, steps: list[float]
) -> None:
    bucket, now, allowed = Bucket(float(rate), 0.0), 0.0, []
    for step in steps:
        now += step
        bucket, verdict = take(bucket, rate, now)
        if verdict.allowed:
            allowed.append(now)
    assert len(allowed) <= rate + rate * now / 60 + 1e-6
    for begin in allowed:
        assert sum(begin <= at < begin + 60 for at in allowed) <= 2 * rate


@given(RATES, STEPS)
def test_a_refused_call_works_after_exactly_the_wait_it_was_told(rate: int, steps: list[float]) -> None:
    bucket, now = Bucket(float(rate), 0.0), 0.0
    for step in steps:
        now += step
        bucket, verdict = take(bucket, rate, now)
        assert verdict.allowed == (verdict.retry_after_s == 0)
        if not verdict.allowed:
            assert 0 < verdict.retry_after_s <= 60 / rate + 1e-6
            assert not take(bucket, rate, now + verdict.retry_after_s * 0.99)[1].allowed
            assert take(bucket, rate, now + verdict.retry_after_s)[1].allowed


@given(RATES, st.lists(st.floats(-100, 100, allow_nan=False), max_size=50))
def test_tokens_stay_within_bounds_whatever_the_clock_does(rate: int, moments: list[float]) -> None:
    bucket = Bucket(float(rate), 0.0)
    for now in moments:
        at = bucket.at
        bucket, verdict = take(bucket, rate, now)
        assert 0 <= bucket.tokens <= rate
        assert bucket.at >= at
        assert verdict.before - verdict.after == pytest.approx(1.0 if verdict.allowed else 0.0)


def test_call_101_of_a_minute_is_refused_and_the_one_after_the_wait_is_not() -> None:
    buckets = Buckets(100)
    assert all(buckets.take("guest", 0.0).allowed for _ in range(100))
    refused = buckets.take("guest", 0.0)
    assert not refused.allowed
    assert refused.retry_after_s == pytest.approx(0.6)
    assert buckets.take("guest", 0.6).allowed
    assert buckets.take("somebody else", 0.0).allowed


@given(st.lists(st.tuples(st.integers(0, 8), st.floats(0, 20, allow_nan=False)), max_size=150))
def test_a_bounded_table_never_gives_more_than_an_unbounded_one(calls: list[tuple[int, float]]) -> None:
    small, large, now = Buckets(3, most=3), Buckets(3), 0.0
    for who, step in calls:
        now += step
        given_by_small = small.take(str(who), now)
        assert len(small) <= 3
        if given_by_small.allowed:
            assert large.take(str(who), now).allowed


def test_only_full_buckets_are_forgotten() -> None:
    buckets = Buckets(60, most=2)
    buckets.take("a", 0.0)
    buckets.take("b", 0.5)
    refused = buckets.take("c", 0.5)
    assert not refused.allowed
    assert 0 < refused.retry_after_s <= 0.5
    assert buckets.take("c", 0.5 + refused.retry_after_s).allowed
    assert len(buckets) == 2


@pytest.mark.parametrize(("rate", "most"), [(0, 1), (1, 0)])
def test_a_table_without_room_or_rate_is_refused(rate: int, most: int) -> None:
    with pytest.raises(ValueError, match="positive"):
        Buckets(rate, most)
