"""Many deadlines behind one timer: a timer of the event loop for each message would cost more than its hop."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable

_NEVER = float("inf")


class Deadlines:
    """Calls back what is still there at its deadline.

    One timer is armed for the earliest deadline ever added since it last fired; firing early is harmless. So a stream
    of messages with the same time allowed arms a timer once per that time, not once per message.
    """

    def __init__(self) -> None:
        self._entries: dict[int, tuple[float, Callable[[], None]]] = {}
        self._serial = itertools.count()
        self._armed_for = _NEVER
        self._timer: asyncio.TimerHandle | None = None

    def add(self, deadline: float, callback: Callable[[], None]) -> int:
        """Call `callback` at the deadline (`time.monotonic()`); the result takes it away again."""
        number = next(self._serial)
        self._entries[number] = (deadline, callback)
        if deadline < self._armed_for:
            self._arm(deadline)
        return number

    def remove(self, number: int) -> None:
        """Forget a deadline; nothing happens if it has passed."""
        self._entries.pop(number, None)

    def close(self) -> None:
        """Forget all."""
        self._entries.clear()
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._armed_for = None, _NEVER

    def _arm(self, deadline: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._armed_for = deadline
        wait_s = max(0.0, deadline - time.monotonic())
        self._timer = asyncio.get_running_loop().call_later(wait_s, self._fire)

    def _fire(self) -> None:
        self._timer, self._armed_for = None, _NEVER
        now = time.monotonic()
        for number, (deadline, callback) in list(self._entries.items()):
            if deadline <= now and self._entries.pop(number, None) is not None:
                callback()
        if self._entries:
            self._arm(min(deadline for deadline, _ in self._entries.values()))
