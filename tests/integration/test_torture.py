"""Eight of the system's processes are killed in turn while everything goes on; `make torture` kills 200."""

from __future__ import annotations

import pytest

from tests.torture.run import torture

pytestmark = [pytest.mark.ray, pytest.mark.timeout(400)]

SEED = 4


def test_whatever_is_killed_nothing_is_lost_run_twice_or_run_without_consent() -> None:
    outcome = torture(8, SEED, print)
    assert not outcome.broken, outcome.as_dict()
    assert outcome.approvals.get("used"), "held calls must have run"
    assert len(outcome.healing_s) == 8
