"""How Safety's copy of the catalogue behaves while it can't be read."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from aura_ia_mcp.actors.follower import Follower
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.configs.settings import Settings


class FaultyBus:
    """Each request ends in the next of these faults; the last one stays."""

    def __init__(self, *faults: Exception) -> None:
        self._faults = list(faults)

    async def request(self, *_: Any, **__: Any) -> Any:
        raise self._faults.pop(0) if len(self._faults) > 1 else self._faults[0]


async def pauses(bus: FaultyBus, attempts: int) -> list[float]:
    """Follow through so many attempts; the pauses after them."""
    found: list[float] = []
    enough = asyncio.Event()

    async def sleep(seconds: float) -> None:
        found.append(seconds)
        if len(found) == attempts:
            enough.set()
            await asyncio.Event().wait()

    follower = Follower(bus, Settings(), sleep=sleep)  # type: ignore[arg-type]
    follower.start()
    await asyncio.wait_for(enough.wait(), 5)
    await follower.stop()
    return found


async def test_a_persistent_fault_is_traced_once_and_tried_ever_less_often(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        waited = await pauses(FaultyBus(KeyError("entries")), 30)
    assert len(caplog.records) == 1
    assert caplog.records[0].exc_info is not None
    assert waited[:4] == [0.2, 0.4, 0.8, 1.6]
    assert set(waited[5:]) == {5.0}


async def test_another_fault_is_told_with_its_own_trace(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        await pauses(FaultyBus(KeyError("entries"), KeyError("entries"), TypeError("no")), 10)
    told = [str(record.exc_info[1]) for record in caplog.records if record.exc_info]
    assert told == ["'entries'", "no"]


async def test_tools_being_away_is_no_fault_to_trace(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        waited = await pauses(FaultyBus(AuraError("not_delivered", "tools/0 is away")), 10)
    assert not caplog.records
    assert max(waited) == 5.0
