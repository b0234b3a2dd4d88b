from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aura_ia_mcp.gateway.sentences import joined, seconds


@pytest.mark.parametrize(
    ("message", "recovery", "text"),
    [
        ("Connection refused", "Wait.", "Connection refused. Wait."),
        ("It broke.", "Wait.", "It broke. Wait."),
        ("Why? ", "Wait.", "Why? Wait."),
        ("It broke", "", "It broke"),
        ("", "Wait.", "Wait."),
    ],
)
def test_a_message_ends_before_its_recovery_begins(message: str, recovery: str, text: str) -> None:
    assert joined(message, recovery) == text


@pytest.mark.parametrize(
    ("wait_s", "text"), [(0, "0.1"), (0.003, "0.1"), (0.7, "0.7"), (0.71, "0.8"), (7.0, "7"), (1_234_567.0, "1234567")]
)
def test_a_wait_is_told_in_tenths_and_never_as_none(wait_s: float, text: str) -> None:
    assert seconds(wait_s) == text


@given(st.floats(min_value=0, max_value=86_400))
def test_who_waits_as_told_has_waited_long_enough(wait_s: float) -> None:
    assert float(seconds(wait_s)) >= wait_s - 1e-6
