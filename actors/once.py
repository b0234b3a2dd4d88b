"""A call with an idempotency key runs once, though Safety dies between its run and its repeat."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

from aura_ia_mcp.bus.bus import Bus
from aura_ia_mcp.bus.envelope import Header
from aura_ia_mcp.bus.errors import AuraError, Failure, Outcome
from aura_ia_mcp.bus.messages import JSON, BeginKeyed, CallTool, EndKeyed
from aura_ia_mcp.bus.tokens import digest
from aura_ia_mcp.configs.settings import Safety as Limits

from .case import Case
from .idempotency import Idempotency, Key

log = logging.getLogger(__name__)

MOST_KEPT_BYTES = 49_152
_MOST_UNTOLD = 1_000
_TELL_S = 5.0


class Once:
    """Runs a call unless one with its key ran before; a repeat gets the first one's answer or error.

    Promises: a tool that changes something and isn't idempotent runs at most once for a key, whichever process dies.
    State notes the key before the run, and what came of it before the answer leaves; where that note is missing, a
    repeat is told that nobody knows whether it ran, and it isn't run again. Keys of tools that only read are remembered
    by this process alone, and calls without a key cost nothing.

    Args:
        bus: Safety's.
        limits: how long answers are kept, and how many.
    """

    def __init__(self, bus: Bus, limits: Limits) -> None:
        self._bus = bus
        self._keep_s = limits.idempotency_s
        self._known = Idempotency(limits.idempotency_s, limits.idempotency_entries, limits.idempotency_bytes)
        self._untold: OrderedDict[str, EndKeyed] = OrderedDict()
        self._telling: set[asyncio.Task[None]] = set()

    async def stop(self) -> None:
        """Wait until State was told what came of cancelled calls, or can't be."""
        await asyncio.gather(*self._telling, return_exceptions=True)

    async def run(self, case: Case, message: CallTool, run: Callable[[], Awaitable[JSON]]) -> JSON:
        """The answer of `run`, or of the first call with this key.

        Raises:
            AuraError: `idempotency_conflict` for other arguments; the first one's error; `outcome_unknown`, when nobody
                knows whether that ran; or `unavailable`, when State can't note the key, and then nothing has run.
        """
        caller, subject = case.principal, case.subject
        assert subject is not None
        key = (caller.tenant, caller.id, message.key)
        what = f"{message.tool}:{digest(message.arguments)}"
        try:
            answer = await self._known.first(key, what, time.monotonic())
        except AuraError as error:
            case.replayed = error.code != "idempotency_conflict"
            raise
        if answer is not None:
            case.replayed = True
            return answer
        try:
            answer = await (run() if subject.read_only else self._noted(case, key, what, run))
        except AuraError as error:
            self._known.failed(key, error.failure, time.monotonic(), repeatable=subject.idempotent)
            raise
        except BaseException:
            self._known.failed(key, _cancelled(message), time.monotonic(), repeatable=subject.idempotent)
            raise
        self._known.answered(key, answer, time.monotonic())
        return answer

    # --- with State's help --------------------------------------------------------------------------------------------

    async def _noted(self, case: Case, key: Key, what: str, run: Callable[[], Awaitable[JSON]]) -> JSON:
        """Run it between two notes, unless it is noted already."""
        name, repeatable = digest(list(key)), case.subject is not None and case.subject.idempotent
        if name in self._untold:  # an earlier run, of which State knows only that it began
            await self._tell(self._untold[name])
        found = await self._begin(case, BeginKeyed(name, case.id, what, self._keep_s, repeatable))
        if not found["began"]:
            case.replayed = found["arguments"] == what
            return _earlier(found, what)
        try:
            answer = await run()
        except AuraError as error:
            failed = not repeatable and error.failure.outcome != Outcome.NOT_RUN
            await self._told(EndKeyed(name, case.id, {"failure": error.failure.as_dict()} if failed else None))
            raise
        except BaseException:
            failure = AuraError("cancelled", f"the first call of {case.name} with this key was cancelled").failure
            ended = EndKeyed(name, case.id, None if repeatable else {"failure": failure.as_dict()})
            task = asyncio.create_task(self._told(ended), name=f"tell what came of {case.id}")
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)
            raise
        await self._told(EndKeyed(name, case.id, _ended(answer)))
        return answer

    async def _begin(self, case: Case, begin: BeginKeyed) -> JSON:
        try:
            return await self._bus.request("state", begin, header=case.header.with_tokens({}))
        except AuraError as error:
            if error.failure.outcome != Outcome.NOT_RUN:  # it may be noted all the same
                self._owe(EndKeyed(begin.key, begin.call, None))
            raise AuraError(
                "unavailable", f"{case.name[:128]!r} was not run, for its idempotency key can't be noted: {error}"
            ) from error

    async def _told(self, ended: EndKeyed) -> None:
        """Tell State, now or before this key's next call."""
        self._owe(ended)
        try:
            await self._tell(ended)
        except AuraError as error:
            log.warning("State doesn't know yet what came of call %s: %s", ended.call, error)

    def _owe(self, ended: EndKeyed) -> None:
        self._untold[ended.key] = ended
        while len(self._untold) > _MOST_UNTOLD:
            self._untold.popitem(last=False)

    async def _tell(self, ended: EndKeyed) -> None:
        await self._bus.request("state", ended, header=Header(deadline=time.monotonic() + _TELL_S))
        if self._untold.get(ended.key) is ended:
            del self._untold[ended.key]


def _ended(answer: JSON) -> JSON | None:
    """What is kept of an answer; None for one that asks the client for more, which isn't the end."""
    if answer.get("resultType") == "input_required":
        return None
    text = json.dumps(answer)  # ASCII alone, as any database takes it
    if len(text) > MOST_KEPT_BYTES:
        return {"large": {"bytes": len(text), "digest": hashlib.sha256(text.encode()).hexdigest()}}
    return {"answer": answer}


def _earlier(found: JSON, what: str) -> JSON:
    """What the first call with this key came to.

    Raises:
        AuraError: as `Once.run` says.
    """
    if found["arguments"] != what:
        raise AuraError("idempotency_conflict", "this idempotency key was used for a call with other arguments")
    ended: dict[str, Any] | None = found["ended"]
    if ended is None:
        raise AuraError(
            "outcome_unknown",
            f"the first call with this key ({found['call']}) began and nobody knows how it ended; it isn't run again",
            recovery="Check what it did; to run it all the same, call with a new key.",
        )
    if "failure" in ended:
        raise AuraError.from_failure(Failure.from_dict(ended["failure"]))
    if "large" in ended:
        raise AuraError(
            "result_withheld",
            f"the first call with this key ({found['call']}) was answered; its answer of {ended['large']['bytes']} "
            f"bytes is too large to be kept (SHA-256 {ended['large']['digest']})",
            recovery="Don't repeat it: it ran. Its record in the audit tells how; to run it again, use a new key.",
        )
    answer: JSON = ended["answer"]
    return answer


def _cancelled(message: CallTool) -> Failure:
    return AuraError("cancelled", f"the first call of {message.tool} with this key was cancelled").failure
