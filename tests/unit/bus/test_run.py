"""How an ending process is told from a fault."""

from __future__ import annotations

import asyncio
import concurrent.futures.thread
from concurrent.futures import ThreadPoolExecutor

import pytest

from aura_ia_mcp.bus.run import takes_no_threads


async def test_an_event_loop_whose_threads_ended_takes_no_more() -> None:
    await asyncio.get_running_loop().shutdown_default_executor()
    with pytest.raises(RuntimeError) as caught:
        await asyncio.to_thread(dict)
    assert takes_no_threads(caught.value)


def test_threads_that_were_shut_down_take_no_more() -> None:
    threads = ThreadPoolExecutor(1)
    threads.shutdown()
    with pytest.raises(RuntimeError) as caught:
        threads.submit(dict)
    assert takes_no_threads(caught.value)


def test_an_interpreter_that_ends_takes_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(concurrent.futures.thread, "_shutdown", True)
    with pytest.raises(RuntimeError) as caught:
        ThreadPoolExecutor(1).submit(dict)
    assert takes_no_threads(caught.value)


@pytest.mark.parametrize(
    "error", [RuntimeError("no running event loop"), ValueError("cannot schedule new futures after")]
)
def test_any_other_fault_is_a_fault(error: Exception) -> None:
    assert not takes_no_threads(error)
