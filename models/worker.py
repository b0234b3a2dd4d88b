"""What an ML worker holds: the models, one queue in front of them, and a card for each.

Importing this module, making `Models` and asking for `cards` leave torch unloaded; `load` loads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from . import cards, minilm
from .batching import Batcher, Limits
from .emotion import FOLDER, Description, EmotionHead, describe
from .errors import ModelError
from .injection import InjectionReader
from .needs import NeedsHead

Floats = npt.NDArray[np.float32]

BYTES_PER_TOKEN: Final = 4
SPECIAL_TOKENS: Final = 2
ENCODER_SHARE: Final = 0.95


@dataclass(frozen=True, slots=True)
class Request:
    """One text to run, and what is wanted beside its embedding; of one that is `read` for injections nothing else."""

    text: str
    with_emotions: bool = False
    with_needs: bool = False
    read: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What came out for one text.

    Attributes:
        embedding: (384,) float32, L2-normalised.
        emotions: (28,) float32 probabilities, or None if they weren't asked for.
        injection: Log odds that the text is an injection, or None if that wasn't asked for.
        needs: (26,) float32 logits of the capabilities that a task needs, or None if they weren't asked for.
        token_count: Tokens of the whole text, [CLS] and [SEP] included.
        truncated: Whether only the first 256 of them were read.
    """

    embedding: Floats
    emotions: Floats | None
    token_count: int
    truncated: bool
    injection: float | None = None
    needs: Floats | None = None


class Models:
    """MiniLM, the heads of emotions and of needs, and the injection reader behind one queue.

    A text's embedding, emotions and needs come from one forward pass. `embed`, `emotions`, `needs` and `read` may be
    called from many tasks of one event loop; what arrives together runs together.
    Whoever made it closes it.
    """

    def __init__(
        self,
        *,
        path: Path | None = None,
        expected_sha256: str | None = None,
        emotion_folder: Path = FOLDER,
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
        self._encoder: minilm.Encoder | None = None
        self._head: EmotionHead | None = None
        self._head_fault: ModelError | None = None
        self._reader: InjectionReader | None = None
        self._reader_fault: ModelError | None = None
        self._needs: NeedsHead | None = None
        self._needs_fault: ModelError | None = None
        self._batcher = Batcher[Request, Answer](self.run, length=_estimate_tokens, limits=limits)

    @property
    def loaded(self) -> bool:
        """Whether embeddings can be had."""
        return self._encoder is not None

    def load(self, progress: minilm.Progress) -> None:
        """Load all models; blocks for some seconds, so run it in a thread. Loading twice does nothing.

        If only a head or the injection reader can't be loaded, the others serve all the same, its card says why, and
        `emotions`, `needs` or `read` raises that error.

        Args:
            progress: Called, in this thread, with a stage and a fraction in [0, 1].

        Raises:
            ModelError: The encoder can't be loaded: `file_missing`, `bad_hash`, `bad_file` or `no_device`.
        """
        if self._encoder is not None:
            return
        encoder = minilm.Encoder.load(
            self._path,
            expected_sha256=self._expected,
            device=self._device,
            threads=self._threads,
            progress=lambda stage, fraction: progress(f"encoder: {stage}", ENCODER_SHARE * fraction),
        )
        progress("emotion head", ENCODER_SHARE)
        try:
            self._head = EmotionHead.load(self._emotion_folder, encoder_sha256=encoder.sha256, device=encoder.device)
        except ModelError as error:
            self._head_fault = error
        progress("needs head", ENCODER_SHARE)
        try:
            self._needs = NeedsHead.load(encoder_sha256=encoder.sha256, device=encoder.device)
        except ModelError as error:
            self._needs_fault = error
        progress("injection reader", ENCODER_SHARE)
        try:
            self._reader = InjectionReader.load(encoder)
        except ModelError as error:
            self._reader_fault = error
        self._encoder = encoder
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
        self._require_encoder()
        return await self._batcher.submit_all([Request(text) for text in texts], group=group)

    async def emotions(self, texts: Sequence[str], *, group: str = "") -> list[Answer]:
        """As `embed`, with the probabilities of the emotions too.

        Raises:
            QueueFullError: At once, if they don't all fit into the queue.
            ModelError: `not_loaded`, `closed`, or the fault that kept the head from being loaded.
        """
        self._require_encoder()
        self._require_head()
        return await self._batcher.submit_all([Request(text, with_emotions=True) for text in texts], group=group)

    async def needs(self, texts: Sequence[str], *, group: str = "") -> list[Answer]:
        """As `embed`, with the logits of the capabilities that the texts, as tasks, need.

        Raises:
            QueueFullError: At once, if they don't all fit into the queue.
            ModelError: `not_loaded`, `closed`, or the fault that kept the head from being loaded.
        """
        self._require_encoder()
        self._require_needs()
        return await self._batcher.submit_all([Request(text, with_needs=True) for text in texts], group=group)

    async def read(self, texts: Sequence[str], *, group: str = "") -> list[float]:
        """How much each text reads like an injection: log odds; only the first 96 tokens of each are read.

        Raises:
            QueueFullError: At once, if they don't all fit into the queue.
            ModelError: `not_loaded`, `closed`, or the fault that kept the reader from being loaded.
        """
        self._require_encoder()
        self._require_reader()
        answers = await self._batcher.submit_all([Request(text, read=True) for text in texts], group=group)
        return [answer.injection for answer in answers if answer.injection is not None]

    @property
    def needs_version(self) -> str:
        """Names the needs head that is loaded; "" while none is."""
        return self._needs.card.version if self._needs else ""

    @property
    def reader_version(self) -> str:
        """Names the injection reader that is loaded; "" while none is."""
        return self._reader.card.version if self._reader else ""

    def describe(self, answer: Answer, top_k: int = 3) -> Description:
        """Name the emotions in an answer of `emotions`.

        Raises:
            ValueError: If the answer has none, or `top_k` is below 1.
        """
        if answer.emotions is None:
            raise ValueError("the answer has no emotions; it comes from embed")
        return describe(answer.emotions, self._require_head().card, top_k)

    def needed(self, answer: Answer) -> dict[str, float]:
        """The logit of each capability in an answer of `needs`.

        Raises:
            ValueError: If the answer has none.
        """
        if answer.needs is None:
            raise ValueError("the answer has no needs; it comes from embed")
        return dict(zip(self._require_needs().card.capabilities, answer.needs.tolist(), strict=True))

    def run(self, requests: Sequence[Request]) -> list[Answer]:
        """Run one padded batch; blocking, one call at a time. The queue calls it in its thread.

        Raises:
            ModelError: `not_loaded`, or the fault that kept the head from being loaded.
        """
        self._require_encoder()
        places = [index for index, request in enumerate(requests) if request.read]
        answers = dict(zip(places, self._read([requests[index].text for index in places]), strict=True))
        others = [index for index, request in enumerate(requests) if not request.read]
        answers |= dict(zip(others, self._encode([requests[index] for index in others]), strict=True))
        return [answers[index] for index in range(len(requests))]

    def _read(self, texts: Sequence[str]) -> list[Answer]:
        if not texts:
            return []
        nothing = np.zeros(0, np.float32)
        scores = self._require_reader().scores(texts)
        return [Answer(nothing, None, 0, False, float(score)) for score in scores]

    def _encode(self, requests: Sequence[Request]) -> list[Answer]:
        if not requests:
            return []
        feeling = [index for index, request in enumerate(requests) if request.with_emotions]
        needing = [index for index, request in enumerate(requests) if request.with_needs]
        texts = [request.text for request in requests]
        encoded = self._require_encoder().forward(texts, with_states=bool(feeling or needing))
        emotions: dict[int, Floats] = {}
        needs: dict[int, Floats] = {}
        if encoded.states is not None and feeling:
            found = self._require_head().predict(encoded.states[feeling], encoded.mask[feeling])
            emotions = dict(zip(feeling, found, strict=True))
        if encoded.states is not None and needing:
            found = self._require_needs().logits(encoded.states[needing], encoded.mask[needing])
            needs = dict(zip(needing, found, strict=True))
        return [
            Answer(
                encoded.embeddings[index],
                emotions.get(index),
                int(encoded.token_counts[index]),
                bool(encoded.truncated[index]),
                needs=needs.get(index),
            )
            for index in range(len(requests))
        ]

    def cards(self) -> list[dict[str, Any]]:
        """Describe each model, loaded or not: plain values, ready for JSON.

        `quality` holds measured figures only; None where nothing was measured. `error` says what keeps a model
        from serving.
        """
        limits = asdict(self._batcher.limits) | {"max_text_tokens": minilm.MAX_TOKENS}
        encoder_sha256 = self._expected or minilm.PINNED_SHA256
        return [
            cards.of_encoder(self._encoder, encoder_sha256, limits, packaged=self._path is None),
            cards.of_emotions(self._head, self._head_fault, self._emotion_folder, limits),
            cards.of_reader(self._reader, self._reader_fault, limits),
            cards.of_needs(self._needs, self._needs_fault, limits),
        ]

    def stats(self) -> dict[str, int]:
        """Counts since the start: `batches` and `items` that ran, and the items `waiting` now."""
        return {"batches": self._batcher.batches, "items": self._batcher.items, "waiting": self._batcher.waiting}

    async def close(self) -> None:
        """Refuse new requests and fail those that wait; the weights go with the process."""
        await self._batcher.close()

    def _require_needs(self) -> NeedsHead:
        if self._needs is None:
            raise self._needs_fault or _not_loaded("The needs head of this worker is not loaded yet.")
        return self._needs

    def _require_reader(self) -> InjectionReader:
        if self._reader is None:
            raise self._reader_fault or _not_loaded("The injection reader of this worker is not loaded yet.")
        return self._reader

    def _require_encoder(self) -> minilm.Encoder:
        if self._encoder is None:
            raise _not_loaded("The models of this worker are not loaded yet.")
        return self._encoder

    def _require_head(self) -> EmotionHead:
        if self._head is None:
            raise self._head_fault or _not_loaded("The emotion head of this worker is not loaded yet.")
        return self._head


def _not_loaded(message: str) -> ModelError:
    remedy = "Wait until get_model_status shows it as loaded, then send it again."
    return ModelError("not_loaded", message, remedy=remedy, retryable=True)


def _estimate_tokens(request: Request) -> int:
    # Counting exactly means tokenizing on the event loop; four bytes a token is close enough to sort by.
    size = len(request.text[: minilm.MAX_TOKENS * BYTES_PER_TOKEN].encode("utf-8", "replace"))
    return min(minilm.MAX_TOKENS, SPECIAL_TOKENS + size // BYTES_PER_TOKEN)
