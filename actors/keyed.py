"""State's notes of calls with idempotency keys: that one began, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable

from aura_ia_mcp.bus.messages import JSON, BeginKeyed, EndKeyed
from aura_ia_mcp.configs.settings import Safety as Limits
from aura_ia_mcp.stores.records import Record, RecordStore, StaleRecordError

KIND = "idempotency"
RUNNING, ENDED = "running", "ended"
_TRIES = 5
_TRIM_EVERY = 50


class KeyedCalls:
    """Notes by key, one record each. Blocks while the database works; for threads, any number of them.

    Promises: of several calls with one key that begin at once, one does. A note is kept for the time that its call
    says; of those that have ended the oldest make room, of those that haven't none does.

    Args:
        records: where they lie; their kind is `idempotency`.
        limits: how many are kept, and how much.
        clock: Unix seconds.
    """

    def __init__(self, records: RecordStore, limits: Limits, clock: Callable[[], float] = time.time) -> None:
        self._records = records
        self._limits = limits
        self._clock = clock
        self._begun = 0

    def begin(self, message: BeginKeyed) -> JSON:
        """Note that it runs, unless another call with this key did; see `BeginKeyed`."""
        for _ in range(_TRIES):
            found = self._records.get(KIND, message.key)
            if found is not None and not self._gives_way(found, message):
                kept = found.value
                return {
                    "began": False,
                    "arguments": kept["arguments"],
                    "call": kept["call"],
                    "ended": kept.get("ended"),
                }
            try:
                self._records.swap(
                    KIND,
                    message.key,
                    {"call": message.call, "arguments": message.arguments},
                    0 if found is None else found.revision,
                    status=RUNNING,
                    binding=message.key,
                    expires_at=self._clock() + message.keep_s,
                )
            except StaleRecordError:
                continue
            self._begun += 1
            if self._begun % _TRIM_EVERY == 0:
                self.trim()
            return {"began": True}
        raise StaleRecordError(f"the key of call {message.call} was changed {_TRIES} times meanwhile; try again")

    def end(self, message: EndKeyed) -> JSON:
        """Note what came of it; {} as well when the note is another call's, or gone."""
        found = self._records.get(KIND, message.key)
        if found is None or found.value["call"] != message.call:
            return {}
        if message.ended is None:
            self._records.put(KIND, message.key, None)
            return {}
        self._records.swap(
            KIND,
            message.key,
            found.value | {"ended": message.ended},
            found.revision,
            status=ENDED,
            binding=message.key,
            expires_at=found.expires_at,
        )
        return {}

    def trim(self) -> None:
        """Forget the oldest that have ended, beyond what is to be kept."""
        self._records.trim(KIND, self._limits.idempotency_entries, self._limits.idempotency_bytes, status=ENDED)

    def _gives_way(self, found: Record, message: BeginKeyed) -> bool:
        """Whether a call may begin in spite of this note: it is over, its own, or of a run that may be repeated."""
        if found.expires_at is not None and found.expires_at <= self._clock():
            return True
        same = found.value["arguments"] == message.arguments
        return found.status == RUNNING and (found.value["call"] == message.call or (same and message.repeatable))
