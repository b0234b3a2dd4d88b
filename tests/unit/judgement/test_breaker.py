from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aura_ia_mcp.judgement.breaker import Breaker


def test_it_opens_after_failures_in_a_row_and_tries_once_after_the_pause() -> None:
    breaker = Breaker(3, 2.0)
    for now in (0.0, 0.1, 0.2):
        assert breaker.permit(now) == 0
        breaker.failed(now)
    assert breaker.state == "open"
    assert breaker.permit(1.2) == pytest.approx(1.0)
    assert breaker.permit(2.2) == 0
    assert breaker.state == "half_open"
    assert breaker.permit(2.2) > 0
    breaker.succeeded()
    assert breaker.state == "closed"


def test_a_failed_trial_opens_it_again_at_once() -> None:
    breaker = Breaker(2, 1.0)
    breaker.failed(0)
    breaker.failed(0)
    assert breaker.permit(1.5) == 0
    breaker.failed(1.5)
    assert breaker.permit(2.0) == pytest.approx(0.5)


def test_an_abandoned_trial_lets_another_try() -> None:
    breaker = Breaker(1, 1.0)
    breaker.failed(0)
    assert breaker.permit(1.0) == 0
    breaker.abandoned()
    assert breaker.permit(1.0) == 0


@given(st.lists(st.tuples(st.sampled_from(["succeeded", "failed", "abandoned"]), st.floats(0, 3)), max_size=60))
def test_it_never_permits_while_open_and_always_comes_back(events: list[tuple[str, float]]) -> None:
    breaker, now, row = Breaker(3, 2.0), 0.0, 0
    for event, step in events:
        now += step
        if breaker.permit(now) > 0:
            assert row >= 3
            continue
        if event == "failed":
            breaker.failed(now)
            row += 1
        elif event == "succeeded":
            breaker.succeeded()
            row = 0
        else:
            breaker.abandoned()
    assert breaker.permit(now + 2.0) == 0


@pytest.mark.parametrize(("failures", "cooldown_s"), [(0, 1.0), (1, 0.0)])
def test_senseless_bounds_are_refused(failures: int, cooldown_s: float) -> None:
    with pytest.raises(ValueError, match="positive"):
        Breaker(failures, cooldown_s)
