from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aura_ia_mcp.judgement.roles.trust import HALF_LIFE_S, MOVES, SWING, Trust

BASES = st.floats(0, 5)
EVENTS = st.lists(st.tuples(st.sampled_from(sorted(MOVES)), st.floats(-1e6, 1e7)), max_size=60)


@given(BASES, EVENTS, st.floats(0, 1e9))
def test_trust_stays_near_its_base(base: float, events: list[tuple[str, float]], later_s: float) -> None:
    trust, now = Trust(base, base, 0.0), 0.0
    for what, pause_s in events:
        now += pause_s
        trust = trust.after(what, now)
        assert max(0.0, base - SWING) <= trust.current(now) <= min(5.0, base + SWING)
    assert abs(trust.current(now + later_s) - base) <= abs(trust.current(now) - base) + 1e-9


@given(BASES, st.floats(0, 5))
def test_half_of_a_move_is_gone_after_seven_days(base: float, value: float) -> None:
    trust = Trust(value, base, 10.0)
    distance = trust.current(10.0) - base
    if abs(value - base) <= SWING:
        assert trust.current(10.0 + HALF_LIFE_S) - base == pytest.approx(distance / 2, abs=1e-9)


@pytest.mark.parametrize(("what", "sign"), [("approval_granted", 1), ("approval_refused", -1), ("call_stopped", -1)])
def test_each_event_moves_it_its_way(what: str, sign: int) -> None:
    assert (Trust(3.0, 3.0, 0.0).after(what, 1.0).current(1.0) - 3.0) * sign > 0


@given(BASES, BASES, st.floats(0, 5))
def test_other_roles_are_another_base(base: float, other: float, value: float) -> None:
    moved = Trust(value, base, 0.0).rebased(other)
    assert moved.base == other
    assert max(0.0, other - SWING) <= moved.current(0.0) <= min(5.0, other + SWING)


def test_an_unknown_event_is_refused() -> None:
    with pytest.raises(KeyError):
        Trust(1.0, 1.0, 0.0).after("praised_itself", 1.0)
