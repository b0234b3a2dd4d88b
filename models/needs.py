"""Reads which capabilities a task needs by its meaning: MiniLM with adapters that were trained for it.

Beside its logits stand those of the task's words, which were learnt together with them: `judgement/roles/meaning.py`
adds both. Importing this module doesn't import torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from .minilm import Encoder
from .weights import VERSION, Document, Files

Floats = npt.NDArray[np.float32]

FILES: Final = Files(
    "needs reader",
    "needs.safetensors",
    "needs.json",
    Path(__file__).parent / "needs",
    "python -m tests.corpora.train_roles",
)
MOST_TOKENS: Final = 64


@dataclass(frozen=True, slots=True)
class NeedsCard:
    """What is known about a trained reader; the file `needs.json`.

    Attributes:
        version: Names the weights: the beginning of their hash.
        sha256: Of the weights.
        encoder_sha256: The encoder weights that they belong to.
        rank: Of the adapters.
        hidden: Width of the attention.
        labels: Names of the capabilities, in the order of the logits.
        document: The whole file.
    """

    version: str
    sha256: str
    encoder_sha256: str
    rank: int
    hidden: int
    labels: tuple[str, ...]
    document: Document

    @classmethod
    def read(cls, folder: Path = FILES.folder) -> NeedsCard:
        """Read it.

        Raises:
            ModelError: `file_missing`, or `bad_file`.
        """
        return FILES.read_card(folder, cls._of)

    @classmethod
    def _of(cls, document: Document) -> NeedsCard:
        sha256 = document["sha256"]
        sizes = int(document["rank"]), int(document["hidden"])
        return cls(sha256[:VERSION], sha256, document["encoder_sha256"], *sizes, tuple(document["labels"]), document)


class NeedsReader:
    """A loaded reader. Not safe for concurrent calls."""

    def __init__(self, network: Any, encoder: Encoder, card: NeedsCard) -> None:
        self._network = network
        self._encoder = encoder
        self.card = card
        self.device = encoder.device

    @classmethod
    def load(cls, encoder: Encoder, folder: Path = FILES.folder) -> NeedsReader:
        """Load and verify the weights.

        Args:
            encoder: Whose weights and tokenizer are used; it isn't changed.
            folder: With `needs.safetensors` and `needs.json`.

        Raises:
            ModelError: `file_missing`, `bad_hash` or `bad_file`.
        """
        from .needs_network import NeedsNetwork  # noqa: PLC0415 - imports torch

        card = NeedsCard.read(folder)
        sizes = card.rank, card.hidden, len(card.labels)
        network = FILES.load(
            folder,
            sha256=card.sha256,
            encoders=(card.encoder_sha256, encoder.sha256),
            make=lambda weights: NeedsNetwork(encoder.module, *sizes).take(weights, encoder.module),
        )
        return cls(network, encoder, card)

    def logits(self, texts: Sequence[str]) -> Floats:
        """How much each text's meaning speaks for each capability being needed.

        Args:
            texts: N strings; only the first 64 tokens of each are read.

        Returns:
            (N, capabilities) float32.
        """
        from .adapters import logits_of  # noqa: PLC0415 - imports torch

        return logits_of(self._network, self._encoder, texts, MOST_TOKENS)
