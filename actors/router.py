"""L2: turns a request in plain words into a tool with arguments, a workflow, a model, or an honest "I don't know"."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import asdict

import numpy.typing as npt

from aura_ia_mcp.bus.bus import Bus, Context, handles
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON, Embed, Route
from aura_ia_mcp.judgement.routing import Decision, Reading, route
from aura_ia_mcp.models.errors import ModelError
from aura_ia_mcp.models.intents import IntentModel

from .boot import Boot
from .layers import passed
from .moment import ms_since
from .reporting import Reporter

log = logging.getLogger(__name__)

_EMBED_S = 2.0
_LOAD_S = 20.0


def decide(model: IntentModel, request: str, vector: npt.ArrayLike | None = None, context: str = "") -> Decision:
    """Route one request: the classifier's guess and the rules together; pure.

    Args:
        model: loaded.
        request: in plain words.
        vector: (384,) meaning of the unchanged request, or None.
        context: what went before, or "".
    """
    guess = model.guess(request, vector)
    reading = Reading(
        guess.scores, guess.words.language, guess.words.concepts, guess.meaning, guess.floor, guess.margin
    )
    return route(request, reading, context)


class Router:
    """Answers Route. Loads its data in a thread at start; asks the ML worker for the meaning where a token allows it.

    While the ML worker is away or slow, requests are routed by their words alone, and the reply says so.

    Args:
        boot: its settings.
        load: gives the classifier.
    """

    def __init__(self, boot: Boot, load: Callable[[], IntentModel] = IntentModel.load) -> None:
        del boot
        self._load = load
        self._model: asyncio.Task[IntentModel] | None = None
        self._kinds: Counter[str] = Counter()
        self._times_ms: deque[float] = deque(maxlen=512)
        self._without_meaning = 0

    async def start(self, bus: Bus) -> None:
        """Begin to load."""
        self._bus = bus
        self._model = asyncio.create_task(asyncio.to_thread(self._load), name="load the router's data")
        self._model.add_done_callback(_tell)
        self._reporter = Reporter(bus, self._figures)
        self._reporter.start()

    async def stop(self) -> None:
        """End; a load under way ends with its thread."""
        await self._reporter.stop()
        if self._model is not None:
            self._model.cancel()
            await asyncio.gather(self._model, return_exceptions=True)

    @handles(Route)
    async def route(self, message: Route, context: Context) -> JSON:
        """Where a request goes."""
        began = time.perf_counter()
        model = await self._loaded()
        vector = await self._meaning(message.request, context)
        decision = decide(model, message.request, vector, message.context)
        self._kinds[decision.kind] += 1
        self._times_ms.append(ms_since(began))
        reply = asdict(decision) | {"why": list(decision.why)}
        reply["alternatives"] = [asdict(other) for other in decision.alternatives]
        return passed(reply, self._bus.address, began)

    async def _loaded(self) -> IntentModel:
        if self._model is None:
            raise AuraError("unavailable", "the router has not been started", retry_after_s=1.0)
        try:
            async with asyncio.timeout(_LOAD_S):
                return await asyncio.shield(self._model)
        except TimeoutError:
            raise AuraError("unavailable", "the router is still loading its data", retry_after_s=2.0) from None
        except ModelError as error:
            raise AuraError("unavailable", f"the router can't route: {error}", recovery=error.remedy) from error

    async def _meaning(self, request: str, context: Context) -> list[float] | None:
        """The request's vector, or None where nobody gives it in time."""
        header = context.header
        if "ml" not in header.tokens:
            return None
        try:
            async with asyncio.timeout(_EMBED_S):
                reply = await self._bus.request("ml", Embed([request]), header=header, patience_s=0)
        except (AuraError, TimeoutError) as error:
            self._without_meaning += 1
            log.info("routed without the meaning: %s", error)
            return None
        vector: list[float] = reply["vectors"][0]
        return vector

    def _figures(self) -> JSON:
        times = sorted(self._times_ms)
        ready = self._model is not None and self._model.done() and not self._model.cancelled()
        return {
            "routed": sum(self._kinds.values()),
            "routed_by_kind": dict(self._kinds),
            "without_meaning": self._without_meaning,
            "loaded": ready and self._model is not None and self._model.exception() is None,
            "route_p50_ms": times[len(times) // 2] if times else None,
        }


def _tell(task: asyncio.Task[IntentModel]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("the router's data can't be loaded: %s", task.exception())
