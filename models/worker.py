"""What an ML worker holds: the models, one queue in front of them, and a card for each.

Importing this module, making `Models` and asking for `cards` leave torch unloaded; `load` loads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from . import cards, emotion, injection, minilm, needs
from .batching import Batcher, Limits
from .emotion import Description, EmotionCard, EmotionHead, describe
from .injection import InjectionReader, ReaderCard
from .needs import NeedsCard, NeedsReader
from .slot import Slot

Floats = npt.NDArray[np.float32]
Want = Literal["embedding", "emotions", "needs", "injection"]

BYTES_PER_TOKEN: Final = 4
SPECIAL_TOKENS: Final = 2
ENCODER_SHARE: Final = 0.95


@dataclass(frozen=True, slots=True)
class Request:
    """One text to run, and what is wanted of it; emotions come with the embedding, needs and injection alone."""

    text: str
    want: Want = "embedding"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came out for one text.

    Attributes:
        embedding: (384,) float32, L2-normalised.
        emotions: (28,) float32 probabilities, or None if they weren't asked for.
        token_count: Tokens of the whole text, [CLS] and [SEP] included.
        truncated: Whether only the first 256 of them were read.
    """

    embedding: Floats
    emotions: Floats | None
    token_count: int
    truncated: bool


class Models:
    """MiniLM, the emotion head, and the readers of needs and of injections behind one queue.

    A text's embedding and emotions come from one forward pass; each reader takes its own. `embed`, `emotions`, `needs`
    and `read` may be called from many tasks of one event loop; what arrives together runs together.
    Whoever made it closes it.
    """

    def __init__(
        self,
        *,
        path: Path | None = None,
        expected_sha256: str | None = None,
        emotion_folder: Path = emotion.FILES.folder,
        device: minilm.Device = "auto",
        threads: int = 1,
        limits: Limits | None = None,
    ) -> None:
        """Note what to load; nothing is read yet.

        Args:
            path: Folder of other encoder weights than the installed package's.
            expected_sha256: Their hash; required with `path`.
            emotion_folder: Folder of the emotion head.
            device: `auto` takes a GPU when torch sees one.
            threads: torch's threads, for the whole process.
            limits: Bounds of batches and queue.
        """
        self._path = path
        self._expected = expected_sha256
        self._emotion_folder = emotion_folder
        self._device: minilm.Device = device
        self._threads = threads
        self._encoder = Slot[minilm.Encoder]("encoder")
        self._emotions = Slot[EmotionHead]("emotion head")
        self._needs = Slot[NeedsReader]("needs reader")
        self._injection = Slot[InjectionReader]("injection reader")
        self._batcher = Batcher[Request, Answer | Floats](self.run, length=_estimate_tokens, limits=limits)

    @property
    def loaded(self) -> bool:
        """Whether embeddings can be had."""
        return self._encoder.model is not None

    def load(self, progress: minilm.Progress) -> None:
        """Load all models; blocks for some seconds, so run it in a thread. Loading twice does nothing.

        If only the head or a reader can't be loaded, the others serve all the same, its card says why, and `emotions`,
        `needs` or `read` raises that error.

        Args:
            progress: Called, in this thread, with a stage and a fraction in [0, 1].

        Raises:
            ModelError: The encoder can't be loaded: `file_missing`, `bad_hash`, `bad_file` or `no_device`.
        """
        if self.loaded:
            return
        encoder = minilm.Encoder.load(
            self._path,
            expected_sha256=self._expected,
            device=self._device,
            threads=self._threads,
            progress=lambda stage, fraction: progress(f"encoder: {stage}", ENCODER_SHARE * fraction),
        )
        progress("heads and readers", ENCODER_SHARE)
        given = {"encoder_sha256": encoder.sha256, "device": encoder.device}
        self._emotions.load(lambda: EmotionHead.load(self._emotion_folder, **given))
        self._needs.load(lambda: NeedsReader.load(encoder))
        self._injection.load(lambda: InjectionReader.load(encoder))
        self._encoder.model = encoder
        progress("ready", 1.0)

    async def embed(self, texts: Sequence[str], *, group: str = "") -> list[Answer]:
        """Embed texts, in order; empty ones too.

        All or none are accepted. Cancelling the caller drops those that still wait.

        Args:
            texts: What to embed.
            group: Who asks; groups take turns, and each may hold half of the queue.

        Raises:
            QueueFullError: At once, if they don't all fit into the queue or the group's share of it.
            ModelError: `not_loaded`, or `closed`.
        """
        return await self._answers(texts, "embedding", group)

    async def emotions(self, texts: Sequence[str], *, group: str = "") -> list[Answer]:
        """As `embed`, with the probabilities of the emotions too.

        Raises:
            QueueFullError: At once, if they don't all fit into the queue.
            ModelError: `not_loaded`, `closed`, or the fault that kept the head from being loaded.
        """
        self._emotions.get()
        return await self._answers(texts, "emotions", group)

    async def needs(self, texts: Sequence[str], *, group: str = "") -> list[dict[str, float]]:
        """How much each text, as a task, speaks for each capability: logits; only its first 64 tokens are read.

        Raises:
            QueueFullError: At once, if they don't all fit into the queue.
            ModelError: `not_loaded`, `closed`, or the fault that kept the reader from being loaded.
        """
        labels = self._needs.get().card.labels
        rows = await self._logits(texts, "needs", group)
        return [dict(zip(labels, row.tolist(), strict=True)) for row in rows]

    async def read(self, texts: Sequence[str], *, group: str = "") -> list[float]:
        """How much each text reads like an injection: log odds; only the first 96 tokens of each are read.

        Raises:
            QueueFullError: At once, if they don't all fit into the queue.
            ModelError: `not_loaded`, `closed`, or the fault that kept the reader from being loaded.
        """
        self._injection.get()
        return [float(row[0]) for row in await self._logits(texts, "injection", group)]

    @property
    def needs_version(self) -> str:
        """Names the needs reader that is loaded; "" while none is."""
        return self._needs.model.card.version if self._needs.model else ""

    @property
    def reader_version(self) -> str:
        """Names the injection reader that is loaded; "" while none is."""
        return self._injection.model.card.version if self._injection.model else ""

    def describe(self, answer: Answer, top_k: int = 3) -> Description:
        """Name the emotions in an answer of `emotions`.

        Raises:
            ValueError: If the answer has none, or `top_k` is below 1.
        """
        if answer.emotions is None:
            raise ValueError("the answer has no emotions; it comes from embed")
        return describe(answer.emotions, self._emotions.get().card, top_k)

    def run(self, requests: Sequence[Request]) -> list[Answer | Floats]:
        """Run one padded batch; blocking, one call at a time. The queue calls it in its thread.

        Returns:
            For each request its answer, or the logits of the reader that it wants.

        Raises:
            ModelError: `not_loaded`, or the fault that kept the head or a reader from being loaded.
        """
        out: dict[int, Answer | Floats] = {}
        for wants, run in (
            ({"embedding", "emotions"}, self._encode),
            ({"needs"}, self._needed),
            ({"injection"}, self._injected),
        ):
            chosen = {place: request for place, request in enumerate(requests) if request.want in wants}
            if chosen:
                out |= zip(chosen, run([*chosen.values()]), strict=True)
        return [out[place] for place in range(len(requests))]

    def _needed(self, requests: Sequence[Request]) -> list[Floats]:
        return [*self._needs.get().logits([request.text for request in requests])]

    def _injected(self, requests: Sequence[Request]) -> list[Floats]:
        return [*self._injection.get().scores([request.text for request in requests])[:, None]]

    def _encode(self, requests: Sequence[Request]) -> list[Answer]:
        feeling = [place for place, request in enumerate(requests) if request.want == "emotions"]
        texts = [request.text for request in requests]
        encoded = self._encoder.get().forward(texts, with_states=bool(feeling))
        emotions: dict[int, Floats] = {}
        if encoded.states is not None:
            found = self._emotions.get().predict(encoded.states[feeling], encoded.mask[feeling])
            emotions = dict(zip(feeling, found, strict=True))
        counts, cut = encoded.token_counts.tolist(), encoded.truncated.tolist()
        return [
            Answer(encoded.embeddings[place], emotions.get(place), counts[place], cut[place])
            for place in range(len(requests))
        ]

    async def _answers(self, texts: Sequence[str], want: Want, group: str) -> list[Answer]:
        return [each for each in await self._submit(texts, want, group) if isinstance(each, Answer)]

    async def _logits(self, texts: Sequence[str], want: Want, group: str) -> list[Floats]:
        return [each for each in await self._submit(texts, want, group) if not isinstance(each, Answer)]

    async def _submit(self, texts: Sequence[str], want: Want, group: str) -> list[Answer | Floats]:
        self._encoder.get()
        return await self._batcher.submit_all([Request(text, want) for text in texts], group=group)

    def cards(self) -> list[dict[str, Any]]:
        """Describe each model, loaded or not: plain values, ready for JSON.

        `quality` holds measured figures only; None where nothing was measured. `error` says what keeps a model
        from serving.
        """
        limits = asdict(self._batcher.limits)
        encoder_sha256 = self._expected or minilm.PINNED_SHA256

        def up_to(tokens: int) -> dict[str, Any]:
            return limits | {"max_text_tokens": tokens}

        whole, packaged = up_to(minilm.MAX_TOKENS), self._path is None
        return [
            cards.of_encoder(self._encoder.model, encoder_sha256, whole, packaged=packaged),
            cards.of_trained("emotion", partial(EmotionCard.read, self._emotion_folder), self._emotions, whole),
            cards.of_trained("injection", ReaderCard.read, self._injection, up_to(injection.MOST_TOKENS)),
            cards.of_trained("needs", NeedsCard.read, self._needs, up_to(needs.MOST_TOKENS)),
        ]

    def stats(self) -> dict[str, int]:
        """Counts since the start: `batches` and `items` that ran, and the items `waiting` now."""
        return {"batches": self._batcher.batches, "items": self._batcher.items, "waiting": self._batcher.waiting}

    async def close(self) -> None:
        """Refuse new requests and fail those that wait; the weights go with the process."""
        await self._batcher.close()


def _estimate_tokens(request: Request) -> int:
    # Counting exactly means tokenizing on the event loop; four bytes a token is close enough to sort by.
    size = len(request.text[: minilm.MAX_TOKENS * BYTES_PER_TOKEN].encode("utf-8", "replace"))
    return min(minilm.MAX_TOKENS, SPECIAL_TOKENS + size // BYTES_PER_TOKEN)
