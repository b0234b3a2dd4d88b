"""Dynamic batching: requests that arrive together run as one padded batch, short ones apart from long ones.

`plan` decides, without IO or clock; `Batcher` waits, runs and delivers.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from .errors import ClosedError, ModelError, QueueFullError
from .turns import Turns

Item = TypeVar("Item")
Result = TypeVar("Result")

PADDING_FACTOR: Final = 2.0
PADDING_FREE_TOKENS: Final = 16
WINDOW_BATCHES: Final = 4
PACE_WEIGHT: Final = 0.2
FIRST_GUESS_S: Final = 0.01


def plan(lengths: Sequence[int], max_batch: int, max_tokens: int) -> list[list[int]]:
    """Split pending requests into batches of similar length.

    Every index is in exactly one group. The group that holds the oldest request comes first, so that short ones
    never starve a long one. Within a group, indices ascend by length, then by age.

    Args:
        lengths: Tokens of each pending request, oldest first.
        max_batch: Most requests in a group.
        max_tokens: Most tokens in a padded group (its size times its longest). A single request longer than that
            gets a group of its own.

    Returns:
        Groups of indices. In each the longest is at most 2 * shortest + 16 tokens: padding is bounded.

    Raises:
        ValueError: If a bound isn't positive.
    """
    if max_batch < 1 or max_tokens < 1:
        raise ValueError(f"max_batch and max_tokens must be positive, not {max_batch} and {max_tokens}")
    groups: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lambda i: (lengths[i], i)):
        length = lengths[index]
        group = groups[-1] if groups else None
        if (
            group is not None
            and len(group) < max_batch
            and (len(group) + 1) * length <= max_tokens
            and length <= PADDING_FACTOR * lengths[group[0]] + PADDING_FREE_TOKENS
        ):
            group.append(index)
        else:
            groups.append([index])
    return sorted(groups, key=min)


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one batcher.

    Attributes:
        max_batch: Most requests in a batch.
        max_tokens: Most tokens in a padded batch.
        max_queue: Most requests waiting; one more is refused at once. One group may hold half of these places.
        max_wait_ms: How long the first request of an idle batcher waits for company.
    """

    max_batch: int = 32
    max_tokens: int = 4096
    max_queue: int = 512
    max_wait_ms: float = 2.0

    @property
    def max_share(self) -> int:
        """Most requests of one group waiting."""
        return max(1, self.max_queue // 2)


@dataclass(eq=False, slots=True)
class _Waiting(Generic[Item, Result]):
    item: Item
    length: int
    future: asyncio.Future[Result]


class Batcher(Generic[Item, Result]):
    """Collects requests of one event loop and runs them through a blocking function, one batch at a time.

    Promises: each accepted request ends exactly once, in a result, its batch's error, `ClosedError` or its caller's
    cancellation. A batch that fails fails only the requests in it. A request cancelled while it waits is never run;
    one cancelled while it runs is run to its end and its result dropped. At most `max_queue` wait; nothing else
    grows. Batches never overlap, so `run` needs no lock. Groups (callers) take turns: each batch has the oldest request
    of another group that waits, and room left in it goes round, so a group is served after at most one batch of each
    other group, however much they sent. Whoever made the batcher closes it.
    """

    def __init__(
        self,
        run: Callable[[list[Item]], Sequence[Result]],
        *,
        length: Callable[[Item], int],
        limits: Limits | None = None,
    ) -> None:
        """Make an idle batcher; threads and tasks start with the first request.

        Args:
            run: Blocking; takes the items of a batch, gives one result for each, in order. Runs in one own thread.
            length: Cost of an item in tokens; quick, it runs on the event loop.
            limits: Bounds; the defaults suit MiniLM on one CPU thread.
        """
        self._run = run
        self._length = length
        self.limits = limits or Limits()
        self._waiting = Turns[_Waiting[Item, Result]]()
        self._running: list[_Waiting[Item, Result]] = []
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="model-batch")
        self._task: asyncio.Task[None] | None = None
        self._arrival = asyncio.Event()
        self._closed = False
        self._item_s = FIRST_GUESS_S
        self.batches = 0
        self.items = 0

    @property
    def waiting(self) -> int:
        """Requests that wait and aren't in a running batch."""
        return len(self._waiting)

    async def submit(self, item: Item, *, group: str = "") -> Result:
        """Run one item in the next fitting batch; as `submit_all` with one."""
        (result,) = await self.submit_all([item], group=group)
        return result

    async def submit_all(self, items: Sequence[Item], *, group: str = "") -> list[Result]:
        """Run several items of one caller and give their results in order; all or none are accepted.

        Cancelling the caller drops the items that still wait and frees their places at once.

        Args:
            items: What to run.
            group: Who sends them; groups take turns.

        Raises:
            QueueFullError: At once, when they don't all fit beside those that wait, or their group has its share of
                the places; has `retry_after_s`.
            ModelError: `bad_input`, if they would never fit.
            ClosedError: The batcher is, or becomes, closed.
            Exception: The first failure of a batch with one of them; the others are dropped if they still wait.
        """
        if self._closed:
            raise ClosedError
        self._require_room(len(items), group)
        loop = asyncio.get_running_loop()
        lot = [_Waiting[Item, Result](item, self._length(item), loop.create_future()) for item in items]
        self._waiting.add(group, lot)
        self._arrival.set()
        if self._task is None:
            self._task = asyncio.create_task(self._loop(), name="model-batcher")
        try:
            return list(await asyncio.gather(*(waiting.future for waiting in lot)))
        finally:
            left = [waiting for waiting in lot if waiting.future.cancel() or waiting.future.cancelled()]
            if left:
                self._waiting.drop(left)

    async def close(self) -> None:
        """Refuse new requests and fail those that wait or run; idempotent.

        A batch that is running can't be stopped: its thread ends with it, its results go nowhere.
        """
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        left = [*self._running, *self._waiting.clear()]
        self._running = []
        for waiting in left:
            if not waiting.future.done():
                waiting.future.set_exception(ClosedError())
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _require_room(self, count: int, group: str) -> None:
        limits = self.limits
        if count > limits.max_share:
            raise ModelError(
                "bad_input",
                f"{count} texts at once are more than the {limits.max_share} of one caller that may wait.",
                remedy="Send them in smaller lots.",
            )
        if self._waiting.count(group) + count > limits.max_share:
            raise QueueFullError(limits.max_share, self._retry_after_s(), own=True)
        if len(self._waiting) + count > limits.max_queue:
            raise QueueFullError(limits.max_queue, self._retry_after_s())

    def _retry_after_s(self) -> float:
        return max(0.05, round(len(self._waiting) * self._item_s, 2))

    async def _loop(self) -> None:
        while True:
            if not self._waiting:
                self._arrival.clear()
                await self._arrival.wait()
                await self._gather_company()
            # Plan again after every batch: what arrived meanwhile may fit better. The leader's oldest is in the first.
            leader = self._waiting.leader()
            pending = self._waiting.window(WINDOW_BATCHES * self.limits.max_batch)
            groups = plan([w.length for w in pending], self.limits.max_batch, self.limits.max_tokens)
            if groups and leader is not None:
                batch = [pending[index] for index in groups[0]]
                self._waiting.drop(batch)
                await self._run_batch(batch)
                self._waiting.end_turn(leader)

    async def _gather_company(self) -> None:
        """Wait for the requests that come with the first one, at most `max_wait_ms`; a full batch doesn't wait."""
        deadline = asyncio.get_running_loop().time() + self.limits.max_wait_ms / 1000
        while 0 < len(self._waiting) < self.limits.max_batch:
            left_s = deadline - asyncio.get_running_loop().time()
            if left_s <= 0:
                return
            self._arrival.clear()
            try:
                async with asyncio.timeout(left_s):
                    await self._arrival.wait()
            except TimeoutError:
                return

    async def _run_batch(self, batch: list[_Waiting[Item, Result]]) -> None:
        self._running = batch
        began = time.perf_counter()
        try:
            results = await asyncio.get_running_loop().run_in_executor(
                self._executor, self._run, [waiting.item for waiting in batch]
            )
            if len(results) != len(batch):
                raise RuntimeError(f"the model function gave {len(results)} results for {len(batch)} items")  # noqa: TRY301
        except Exception as error:
            for waiting in batch:
                if not waiting.future.done():
                    waiting.future.set_exception(error)
        else:
            for waiting, result in zip(batch, results, strict=True):
                if not waiting.future.done():
                    waiting.future.set_result(result)
        self._running = []
        self.batches += 1
        self.items += len(batch)
        pace = (time.perf_counter() - began) / len(batch)
        self._item_s += PACE_WEIGHT * (pace - self._item_s)
