"""Promises of `models.batching`."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aura_ia_mcp.models.batching import PADDING_FACTOR, PADDING_FREE_TOKENS, Batcher, Limits, plan
from aura_ia_mcp.models.errors import ClosedError, ModelError, QueueFullError

BOUND_S = 10.0
lengths_strategy = st.lists(st.integers(0, 300), max_size=80)


@given(lengths_strategy, st.integers(1, 40), st.integers(1, 3000))
def test_a_plan_puts_every_request_in_exactly_one_group(lengths: list[int], max_batch: int, max_tokens: int) -> None:
    groups = plan(lengths, max_batch, max_tokens)
    assert sorted(index for group in groups for index in group) == list(range(len(lengths)))
    assert all(groups)


@given(lengths_strategy, st.integers(1, 40), st.integers(1, 3000))
def test_a_plan_keeps_its_bounds_on_size_tokens_and_padding(
    lengths: list[int], max_batch: int, max_tokens: int
) -> None:
    for group in plan(lengths, max_batch, max_tokens):
        inside = [lengths[index] for index in group]
        assert len(group) <= max_batch
        assert len(group) * max(inside) <= max_tokens or len(group) == 1
        assert max(inside) <= PADDING_FACTOR * min(inside) + PADDING_FREE_TOKENS


@given(lengths_strategy.filter(bool), st.integers(1, 40), st.integers(1, 3000))
def test_the_oldest_request_is_in_the_first_group(lengths: list[int], max_batch: int, max_tokens: int) -> None:
    assert 0 in plan(lengths, max_batch, max_tokens)[0]


def test_short_and_long_requests_run_apart() -> None:
    assert plan([5, 250, 6, 240], max_batch=32, max_tokens=4096) == [[0, 2], [3, 1]]


@pytest.mark.parametrize(("max_batch", "max_tokens"), [(0, 1), (1, 0)])
def test_a_plan_without_room_is_refused(max_batch: int, max_tokens: int) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        plan([1], max_batch, max_tokens)


class Gate:
    """A model function that records its batches and, while shut, stays in the first of them."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.entered = threading.Event()
        self.opened = threading.Event()

    def __call__(self, items: list[str]) -> list[str]:
        self.batches.append(items)
        self.entered.set()
        assert self.opened.wait(BOUND_S)
        if "bad" in items:
            raise ArithmeticError("the model failed")
        return [item.upper() for item in items]

    async def wait_entered(self) -> None:
        assert await asyncio.to_thread(self.entered.wait, BOUND_S)


def make(run: Callable[[list[str]], list[str]], **limits: int | float) -> Batcher[str, str]:
    return Batcher[str, str](run, length=len, limits=Limits(**limits))  # type: ignore[arg-type]


async def start_all(*coroutines: Coroutine[Any, Any, str]) -> list[asyncio.Task[str]]:
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    await asyncio.sleep(0)
    return tasks


async def test_requests_that_arrive_together_run_as_one_batch_and_keep_their_order() -> None:
    gate = Gate()
    gate.opened.set()
    batcher = make(gate)
    answers = await asyncio.gather(*(batcher.submit(letter) for letter in "abcdef"))
    assert answers == list("ABCDEF")
    assert len(gate.batches) == 1
    await batcher.close()


async def test_what_arrives_during_a_batch_runs_together_after_it() -> None:
    gate = Gate()
    batcher = make(gate, max_wait_ms=0)
    (first,) = await start_all(batcher.submit("first"))
    await gate.wait_entered()
    rest = await start_all(*(batcher.submit(letter) for letter in "abc"))
    gate.opened.set()
    assert await asyncio.gather(first, *rest) == ["FIRST", "A", "B", "C"]
    assert gate.batches == [["first"], ["a", "b", "c"]]
    await batcher.close()


async def test_a_full_queue_refuses_at_once_and_says_when_to_come_back() -> None:
    gate = Gate()
    batcher = make(gate, max_queue=2, max_wait_ms=0)
    tasks = await start_all(batcher.submit("running"))
    await gate.wait_entered()
    tasks += await start_all(batcher.submit("a", group="one"), batcher.submit("b", group="two"))
    with pytest.raises(QueueFullError) as refusal:
        await batcher.submit("c", group="three")
    assert refusal.value.retry_after_s > 0
    assert refusal.value.retryable
    gate.opened.set()
    assert await asyncio.gather(*tasks) == ["RUNNING", "A", "B"]
    await batcher.close()


async def test_a_lot_that_does_not_fit_leaves_nothing_in_the_queue() -> None:
    gate = Gate()
    batcher = make(gate, max_queue=4, max_wait_ms=0)
    tasks = await start_all(batcher.submit("running"))
    await gate.wait_entered()
    tasks += await start_all(batcher.submit("a"))
    with pytest.raises(QueueFullError):
        await batcher.submit_all(["b", "c"])
    assert batcher.waiting == 1
    gate.opened.set()
    await asyncio.gather(*tasks)
    await batcher.close()


async def test_a_lot_larger_than_the_share_of_its_caller_is_bad_input_not_a_full_queue() -> None:
    batcher = make(Gate(), max_queue=5)
    with pytest.raises(ModelError) as refusal:
        await batcher.submit_all(["a", "b", "c"])
    assert refusal.value.code == "bad_input"
    assert not refusal.value.retryable
    await batcher.close()


async def test_one_group_holds_at_most_half_of_the_queue_and_leaves_the_rest_to_others() -> None:
    gate = Gate()
    batcher = make(gate, max_queue=4, max_wait_ms=0)
    tasks = await start_all(batcher.submit("running", group="greedy"))
    await gate.wait_entered()
    tasks += await start_all(batcher.submit("a", group="greedy"), batcher.submit("b", group="greedy"))
    with pytest.raises(QueueFullError, match="2 texts of one caller") as refusal:
        await batcher.submit("c", group="greedy")
    assert refusal.value.retry_after_s > 0
    tasks += await start_all(batcher.submit("d", group="modest"))
    gate.opened.set()
    assert await asyncio.gather(*tasks) == ["RUNNING", "A", "B", "D"]
    await batcher.close()


@settings(max_examples=25)
@given(
    st.lists(st.integers(1, 60), min_size=1, max_size=100),
    st.lists(st.integers(1, 60), min_size=1, max_size=10),
    st.integers(1, 16),
    st.integers(1, 400),
)
def test_a_small_group_is_served_within_two_batches_an_item_however_long_the_other_queue(
    long: list[int], small: list[int], max_batch: int, max_tokens: int
) -> None:
    batches: list[list[str]] = []

    def run(items: list[str]) -> list[str]:
        batches.append(items)
        return items

    async def both() -> None:
        batcher = make(run, max_batch=max_batch, max_tokens=max_tokens, max_wait_ms=0)
        await asyncio.gather(
            batcher.submit_all(["l" * length for length in long], group="long"),
            batcher.submit_all(["s" * length for length in small], group="small"),
        )
        await batcher.close()

    asyncio.run(both())
    last = max(number for number, batch in enumerate(batches) if any(item[0] == "s" for item in batch))
    assert last < 2 * len(small)
    assert sum(map(len, batches)) == len(long) + len(small)


async def test_items_of_one_group_and_length_run_in_the_order_they_came() -> None:
    gate = Gate()
    gate.opened.set()
    batcher = make(gate, max_batch=3)
    texts = [f"{number:02}" for number in range(20)]
    await asyncio.gather(batcher.submit_all(texts, group="a"), batcher.submit_all(["xx"] * 5, group="b"))
    assert [item for batch in gate.batches for item in batch if item != "xx"] == texts
    await batcher.close()


def test_long_texts_are_cut_into_several_passes() -> None:
    assert [len(group) for group in plan([256] * 32, Limits().max_batch, Limits().max_tokens)] == [16, 16]


async def test_a_cancelled_request_that_waits_is_never_run_and_frees_its_place() -> None:
    gate = Gate()
    batcher = make(gate, max_wait_ms=0)
    (running,) = await start_all(batcher.submit("running"))
    await gate.wait_entered()
    dropped, kept = await start_all(batcher.submit("dropped"), batcher.submit("kept"))
    dropped.cancel()
    await asyncio.wait([dropped])
    assert batcher.waiting == 1
    gate.opened.set()
    assert [await running, await kept] == ["RUNNING", "KEPT"]
    assert gate.batches == [["running"], ["kept"]]
    await batcher.close()


async def test_a_cancelled_request_that_runs_does_not_disturb_its_batch() -> None:
    gate = Gate()
    batcher = make(gate)
    cancelled, kept = await start_all(batcher.submit("cancelled"), batcher.submit("kept"))
    await gate.wait_entered()
    cancelled.cancel()
    gate.opened.set()
    assert await kept == "KEPT"
    assert cancelled.cancelled()
    await batcher.close()


async def test_a_failing_batch_fails_only_its_own_requests() -> None:
    gate = Gate()
    batcher = make(gate, max_wait_ms=0)
    bad, beside = await start_all(batcher.submit("bad"), batcher.submit("beside"))
    await gate.wait_entered()
    (after,) = await start_all(batcher.submit("after"))
    gate.opened.set()
    outcomes = await asyncio.gather(bad, beside, after, return_exceptions=True)
    assert isinstance(outcomes[0], ArithmeticError)
    assert isinstance(outcomes[1], ArithmeticError)
    assert outcomes[2] == "AFTER"
    await batcher.close()


async def test_a_model_that_loses_results_fails_its_batch() -> None:
    batcher = make(lambda items: items[1:])
    with pytest.raises(RuntimeError, match="0 results for 1 items"):
        await batcher.submit("a")
    await batcher.close()


async def test_closing_fails_what_runs_and_what_waits_and_refuses_what_comes() -> None:
    gate = Gate()
    batcher = make(gate, max_batch=1, max_wait_ms=0)
    running, waiting = await start_all(batcher.submit("running"), batcher.submit("waiting"))
    await gate.wait_entered()
    await batcher.close()
    await batcher.close()
    outcomes = await asyncio.gather(running, waiting, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ClosedError, ClosedError]
    with pytest.raises(ClosedError):
        await batcher.submit("late")
    gate.opened.set()
    assert gate.batches == [["running"]]


async def test_no_two_batches_overlap_and_none_exceeds_its_bound() -> None:
    inside = 0
    sizes: list[int] = []

    def run(items: list[str]) -> list[str]:
        nonlocal inside
        inside += 1
        assert inside == 1
        sizes.append(len(items))
        inside -= 1
        return items

    batcher = make(run, max_batch=7)
    texts = [str(number) for number in range(100)]
    assert await asyncio.gather(*(batcher.submit(text) for text in texts)) == texts
    assert max(sizes) <= 7
    assert sum(sizes) == 100
    await batcher.close()
