"""Reads whether a text is an injection by its meaning: MiniLM with adapters that were trained for it.

It gives a score and decides nothing; `judgement/inspection/injection/meaning.py` says what follows from it. Importing
this module doesn't import torch.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from .errors import ModelError
from .minilm import Encoder, read_verified

Floats = npt.NDArray[np.float32]

FOLDER: Final = Path(__file__).parent / "injection"
WEIGHTS: Final = "reader.safetensors"
CARD: Final = "reader.json"
MOST_TOKENS: Final = 96
_DECIMALS = 4  # what is recorded is what was decided on
_REMEDY = "Restore both files from one release, or train again: python -m tests.corpora.train_reader."


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
    document: dict[str, Any]

    @classmethod
    def read(cls, folder: Path = FOLDER) -> ReaderCard:
        """Read it.

        Raises:
            ModelError: `file_missing`, or `bad_file`.
        """
        path = folder / CARD
        try:
            document = json.loads(path.read_bytes())
            sha256 = document["sha256"]
            return cls(sha256[:12], sha256, document["encoder_sha256"], int(document["rank"]), document)
        except OSError as error:
            raise ModelError("file_missing", f"{path} cannot be read ({error.strerror}).", remedy=_REMEDY) from error
        except (ValueError, KeyError, TypeError) as error:
            raise ModelError("bad_file", f"{path} is damaged ({error!r}).", remedy=_REMEDY) from error


class InjectionReader:
    """A loaded reader. Not safe for concurrent calls."""

    def __init__(self, network: Any, encoder: Encoder, card: ReaderCard) -> None:
        self._network = network
        self._encoder = encoder
        self.card = card
        self.device = encoder.device

    @classmethod
    def load(cls, encoder: Encoder, folder: Path = FOLDER) -> InjectionReader:
        """Load and verify the weights.

        Args:
            encoder: Whose weights and tokenizer are used; it isn't changed.
            folder: With `reader.safetensors` and `reader.json`.

        Raises:
            ModelError: `file_missing`, `bad_hash` or `bad_file`.
        """
        card = ReaderCard.read(folder)
        if encoder.sha256 != card.encoder_sha256:
            raise ModelError(
                "bad_hash",
                f"The injection reader in {folder} was trained on encoder {card.encoder_sha256}, not {encoder.sha256}.",
                remedy="Use the encoder it was trained on, or train a reader for the new one.",
            )
        data = read_verified(folder / WEIGHTS, card.sha256)

        from safetensors.torch import load  # noqa: PLC0415 - imports torch

        from .injection_network import ReaderNetwork  # noqa: PLC0415 - imports torch

        try:
            network = ReaderNetwork(encoder.module, card.rank).take(load(data)).to(encoder.device)
        except Exception as error:
            raise ModelError(
                "bad_file", f"{folder / WEIGHTS} does not fit its card ({error}).", remedy=_REMEDY
            ) from error
        return cls(network, encoder, card)

    def scores(self, texts: Sequence[str]) -> Floats:
        """How each text reads: log odds, above 0 when it's more like an injection than not.

        Args:
            texts: N strings; only the first 96 tokens of each are read.

        Returns:
            (N,) float32, rounded to four decimals.
        """
        import torch  # noqa: PLC0415 - torch is loaded with the model, not with the module

        if not texts:
            return np.zeros(0, np.float32)
        with torch.inference_mode():
            logits: Floats = self._network(*self._encoder.tokens(texts, MOST_TOKENS)).float().cpu().numpy()
        return logits.round(_DECIMALS)
