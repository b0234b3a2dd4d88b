"""L1: the embedded models. Loads them in the background, batches what comes together, answers for itself."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine
from functools import partial
from itertools import islice
from typing import Any, TypeVar

import numpy as np

from aura_ia_mcp.bus.bus import Bus, Context, handles
from aura_ia_mcp.bus.envelope import Principal
from aura_ia_mcp.bus.errors import AuraError, Outcome
from aura_ia_mcp.bus.messages import JSON, CallTool, Embed, ReadForInjection, ReadModels
from aura_ia_mcp.bus.tokens import Claims
from aura_ia_mcp.judgement.inspection.injection.meaning import combine, warm
from aura_ia_mcp.judgement.inspection.injection.windows import windows
from aura_ia_mcp.models.batching import Limits
from aura_ia_mcp.models.errors import ClosedError, ModelError, QueueFullError
from aura_ia_mcp.models.minilm import Progress
from aura_ia_mcp.models.rank import rank
from aura_ia_mcp.models.worker import Answer, Models

from .audience import Audience
from .boot import Boot
from .loading import RETRY_S, WEIGHTS_REMEDY, Loading
from .moment import ms_since
from .reporting import Reporter
from .sources import result

_T = TypeVar("_T")

_Run = Callable[[JSON, str], Coroutine[Any, Any, JSON]]

_DECIMALS = 7


class MLWorker:
    """Runs analyze_emotion, semantic_rank and embed_text.

    The models load in a thread as the worker starts; until they are there each call is refused with `unavailable`, how
    far it is, and when to come again. A model that can't be loaded is told with its remedy, and the worker stays up to
    say so. Each call carries a token for this audience.

    Args:
        boot: `audience_key` among it.
        models: what to run; None makes them from the settings.
    """

    def __init__(self, boot: Boot, models: Models | None = None) -> None:
        self._settings = boot.settings.ml
        self._models = models or _models(boot)
        self._loading = Loading(self._load)
        self._requests = {"embedding": 0, "emotion": 0, "needs": 0, "injection": 0}
        self._times_ms: dict[str, deque[float]] = {kind: deque(maxlen=512) for kind in self._requests}
        tools = {
            "analyze_emotion": partial(self._answer, "emotion", self._analyze_emotion),
            "semantic_rank": partial(self._answer, "embedding", self._semantic_rank),
            "embed_text": partial(self._answer, "embedding", self._embed_text),
        }
        self._audience = Audience(boot, tools)

    @property
    def state(self) -> str:
        """Of the models: off, loading, ready or failed."""
        return self._loading.state

    async def start(self, bus: Bus) -> None:
        """Begin to load."""
        if self._settings.load == "start":
            self._loading.start()
        self._reporter = Reporter(bus, self._figures)
        self._reporter.start()

    async def stop(self) -> None:
        """Refuse what waits. A load under way ends with its thread."""
        await self._reporter.stop()
        await self._loading.stop()
        await self._models.close()

    @handles(CallTool)
    async def call_tool(self, message: CallTool, context: Context) -> JSON:
        """Run one of the tools of this audience."""
        return await self._audience.run(message, context)

    @handles(Embed)
    async def embed(self, message: Embed, context: Context) -> JSON:
        """Vectors, or what tasks need if that is wanted, for an actor's own use; its token names these very texts."""
        self._audience.check(message, context)
        group = _group(context.header.principal)
        if message.needs:
            needs = await self._ran("needs", self._models.needs(message.texts, group=group))
            return {"needs": needs, "needs_version": self._models.needs_version}
        answers = await self._ran("embedding", self._models.embed(message.texts, group=group))
        return {"vectors": [answer.embedding.tolist() for answer in answers], "model": self._name("embedding")}

    @handles(ReadForInjection)
    async def read_for_injection(self, message: ReadForInjection, context: Context) -> JSON:
        """How much texts mean to instruct a model; the token names these very texts."""
        self._audience.check(message, context)
        return await self._ran("injection", self._read(message.texts, _group(context.header.principal)))

    async def _read(self, texts: list[str], group: str) -> JSON:
        """All windows of all texts in one go; cutting and weighing them takes time and goes to a thread."""
        cut = await asyncio.to_thread(lambda: [windows(text) for text in texts])
        scores = iter(await self._models.read([window.text for each in cut for window in each.read], group=group))
        of_each = [list(islice(scores, len(each.read))) for each in cut]
        version = self._models.reader_version

        def weighed() -> list[JSON]:
            pairs = zip(cut, of_each, strict=True)
            return [combine(found, given, version).as_dict() for found, given in pairs]

        try:
            return {"read": await asyncio.to_thread(weighed), "version": version}
        except ValueError as error:
            raise AuraError("unavailable", str(error), recovery=WEIGHTS_REMEDY) from error

    async def _answer(self, kind: str, run: _Run, message: CallTool, context: Context, claims: Claims) -> JSON:
        del claims
        return await self._ran(kind, run(message.arguments, _group(context.header.principal)))

    async def _ran(self, kind: str, work: Coroutine[Any, Any, _T]) -> _T:
        """What the models give, counted and timed; their errors in the form of the table's."""
        began = time.perf_counter()
        try:
            self._loading.require()
        except AuraError:
            work.close()
            raise
        try:
            given = await work
        except QueueFullError as error:
            raise AuraError("mailbox_full", str(error), retry_after_s=error.retry_after_s) from error
        except ClosedError as error:
            raise AuraError("stopping", str(error), retry_after_s=RETRY_S, outcome=Outcome.UNKNOWN) from error
        except ModelError as error:
            raise AuraError("unavailable", str(error), recovery=error.remedy) from error
        self._requests[kind] += 1
        self._times_ms[kind].append(ms_since(began))
        return given

    @handles(ReadModels)
    async def read_models(self, message: ReadModels, context: Context) -> JSON:
        """Which models there are and how they do."""
        del message, context
        models = []
        for card in self._models.cards():
            kind = card["kind"]
            times = sorted(self._times_ms.get(kind, ()))
            models.append(
                card
                | {
                    "batch": self._settings.max_batch,
                    "requests": self._requests.get(kind, 0),
                    "p50_ms": times[len(times) // 2] if times else None,
                }
            )
        return {"models": models} | self._loading.told()

    # --- the tools ----------------------------------------------------------------------------------------------------

    async def _analyze_emotion(self, arguments: JSON, group: str) -> JSON:
        text, texts = arguments.get("text"), arguments.get("texts")
        if (text is None) == (texts is None):
            raise AuraError("invalid_arguments", "analyze_emotion: give either arguments.text or arguments.texts")
        answers = await self._models.emotions([text] if text is not None else texts or [], group=group)
        top_k = int(arguments.get("top_k", 3))
        found = [_size(answer) | dict(self._models.describe(answer, top_k)) for answer in answers]
        return result({"results": found, "model": self._name("emotion")})

    async def _semantic_rank(self, arguments: JSON, group: str) -> JSON:
        query, candidates = arguments["query"], arguments["candidates"]
        if not query.strip():
            raise AuraError(
                "invalid_arguments", "semantic_rank: arguments.query: it is only white space; say what to seek"
            )
        answers = await self._models.embed([query, *candidates], group=group)
        vectors = np.stack([answer.embedding for answer in answers])
        order, scores = rank(vectors[0], vectors[1:])
        top_k = int(arguments.get("top_k", len(candidates)))
        ranked = [
            {"index": int(index), "candidate": candidates[int(index)], "score": round(float(score), 6)}
            for index, score in zip(order[:top_k], scores[:top_k], strict=True)
        ]
        return result({"ranked": ranked, "model": self._name("embedding")})

    async def _embed_text(self, arguments: JSON, group: str) -> JSON:
        answers = await self._models.embed(arguments["texts"], group=group)
        vectors = np.stack([answer.embedding for answer in answers]).astype(np.float64)
        structured = {
            "vectors": np.round(vectors, _DECIMALS).tolist(),
            "dimensions": int(vectors.shape[1]),
            "texts": [_size(answer) for answer in answers],
            "model": self._name("embedding"),
        }
        count, wide = vectors.shape
        return result(structured, f"{count} vectors of {wide} dimensions; they are in structuredContent.")

    def _load(self, progress: Progress) -> None:
        self._models.load(progress)
        warm()

    def _name(self, kind: str) -> str:
        return next((str(card["name"]) for card in self._models.cards() if card["kind"] == kind), kind)

    def _figures(self) -> JSON:
        cards: list[dict[str, Any]] = self._models.cards()
        loading = self._loading.told()
        return {
            "models_state": loading["state"],
            "progress": loading["progress"],
            "device": next((card["device"] for card in cards if card["device"]), None),
            "requests": sum(self._requests.values()),
            **self._models.stats(),
        }


def _models(boot: Boot) -> Models:
    settings = boot.settings.ml
    return Models(
        path=settings.encoder_path,
        expected_sha256=settings.encoder_sha256,
        device=settings.device,
        threads=settings.threads,
        limits=Limits(max_batch=settings.max_batch, max_queue=settings.queue, max_wait_ms=settings.max_wait_ms),
    )


def _group(principal: Principal | None) -> str:
    """Whose turn it is in the queue: a caller's calls are one group, whatever their sessions."""
    return principal.name if principal else ""


def _size(answer: Answer) -> JSON:
    return {"tokens": answer.token_count, "truncated": answer.truncated}
