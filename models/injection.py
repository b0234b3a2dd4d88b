"""Reads whether a text is an injection by its meaning: MiniLM with adapters that were trained for it.

It gives a score and decides nothing; `judgement/inspection/injection/meaning.py` says what follows from it. Importing
this module doesn't import torch.
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
    "injection reader",
    "reader.safetensors",
    "reader.json",
    Path(__file__).parent / "injection",
    "python -m tests.corpora.train_reader",
)
MOST_TOKENS: Final = 96
_DECIMALS = 4  # what is recorded is what was decided on


@dataclass(frozen=True, slots=True)
class ReaderCard:
    """What is known about a trained reader; the file `reader.json`.

    Attributes:
        version: Names the weights: the beginning of their hash.
        sha256: Of the weights.
        encoder_sha256: The encoder weights that they belong to.
        rank: Of the adapters.
        document: The whole file.
    """

    version: str
    sha256: str
    encoder_sha256: str
    rank: int
    document: Document

    @classmethod
    def read(cls, folder: Path = FILES.folder) -> ReaderCard:
        """Read it.

        Raises:
            ModelError: `file_missing`, or `bad_file`.
        """
        return FILES.read_card(folder, cls._of)

    @classmethod
    def _of(cls, document: Document) -> ReaderCard:
        sha256 = document["sha256"]
        return cls(sha256[:VERSION], sha256, document["encoder_sha256"], int(document["rank"]), document)


class InjectionReader:
    """A loaded reader. Not safe for concurrent calls."""

    def __init__(self, network: Any, encoder: Encoder, card: ReaderCard) -> None:
        self._network = network
        self._encoder = encoder
        self.card = card
        self.device = encoder.device

    @classmethod
    def load(cls, encoder: Encoder, folder: Path = FILES.folder) -> InjectionReader:
        """Load and verify the weights.

        Args:
            encoder: Whose weights and tokenizer are used; it isn't changed.
            folder: With `reader.safetensors` and `reader.json`.

        Raises:
            ModelError: `file_missing`, `bad_hash` or `bad_file`.
        """
        from .injection_network import ReaderNetwork  # noqa: PLC0415 - imports torch

        card = ReaderCard.read(folder)
        network = FILES.load(
            folder,
            sha256=card.sha256,
            encoders=(card.encoder_sha256, encoder.sha256),
            make=lambda weights: ReaderNetwork(encoder.module, card.rank).take(weights, encoder.module),
        )
        return cls(network, encoder, card)

    def scores(self, texts: Sequence[str]) -> Floats:
        """How each text reads: log odds, above 0 when it's more like an injection than not.

        Args:
            texts: N strings; only the first 96 tokens of each are read.

        Returns:
            (N,) float32, rounded to four decimals.
        """
        from .adapters import logits_of  # noqa: PLC0415 - imports torch

        return logits_of(self._network, self._encoder, texts, MOST_TOKENS)[:, 0].round(_DECIMALS)
