"""The router's classifier: a request in, probabilities of what it may mean out. Linear, shipped as package data."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load

from .errors import ModelError
from .intent_features import WIDTH, Features, Floats, features, scaled, weighted
from .lexicon import ENGLISH, Lexicon, Words
from .minilm import DIMENSIONS
from .weights import read_verified

FOLDER: Final = Path(__file__).parent / "routing"
WEIGHTS: Final = "intents.safetensors"
CARD: Final = "intents.json"
HEADS: Final = ("meaning", "words")
_REMEDY: Final = "Restore it from the release, or train again: python -m aura_ia_mcp.models.train_router."


@dataclass(frozen=True, slots=True)
class Head:
    """One linear classifier.

    Attributes:
        weights: (D, L) float32; D is WIDTH, with the meaning 384 more, which come first.
        bias: (L,) float32.
        scale: what its scores are multiplied with so that probabilities are true frequencies.
        floor: the probability below which it is better to ask back.
        margin: the distance to the second below which it is better to ask back.
    """

    weights: Floats
    bias: Floats
    scale: float
    floor: float
    margin: float


@dataclass(frozen=True, slots=True)
class Guess:
    """What the classifier says of one request.

    Attributes:
        words: language and concepts.
        scores: each label's probability, highest first; they sum to 1.
        meaning: whether the meaning took part.
        floor: below this probability it is better to ask back.
        margin: below this distance to the second it is better to ask back.
    """

    words: Words
    scores: tuple[tuple[str, float], ...]
    meaning: bool
    floor: float
    margin: float


class IntentModel:
    """A loaded classifier; pure, and safe to use from any thread.

    Args:
        labels: as `tool:echo`, `workflow:debug`, `model:code` or `none:foreign`.
        rarity: (WIDTH,) float32, how much each feature weighs.
        heads: `meaning` for requests with a vector, `words` for those without.
        lexicon: made from the glossary that the heads were trained with.
        card: what is known about it.
    """

    def __init__(
        self, labels: tuple[str, ...], rarity: Floats, heads: dict[str, Head], lexicon: Lexicon, card: dict[str, Any]
    ) -> None:
        self.labels = labels
        self.card = card
        self._rarity = rarity
        self._heads = heads
        self._lexicon = lexicon

    @classmethod
    def load(cls, folder: Path = FOLDER) -> IntentModel:
        """Read and verify the shipped weights.

        Raises:
            ModelError: `file_missing`, `bad_hash` or `bad_file`.
        """
        path = folder / CARD
        try:
            card = json.loads(path.read_bytes())
            arrays = load(read_verified(folder / WEIGHTS, card["sha256"]))
            heads = {
                name: Head(
                    arrays[f"{name}.weights"].astype(np.float32),
                    arrays[f"{name}.bias"].astype(np.float32),
                    *(float(card["heads"][name][key]) for key in ("scale", "floor", "margin")),
                )
                for name in HEADS
            }
            labels, rarity = tuple(card["labels"]), arrays["rarity"].astype(np.float32)
        except OSError as error:
            raise ModelError("file_missing", f"{path} can't be read ({error.strerror}).", remedy=_REMEDY) from error
        except (ValueError, KeyError, TypeError) as error:
            raise ModelError("bad_file", f"{path} is damaged ({error!r}).", remedy=_REMEDY) from error
        for name, rows in (("meaning", WIDTH + DIMENSIONS), ("words", WIDTH)):
            if heads[name].weights.shape != (rows, len(labels)):
                raise ModelError("bad_file", f"{folder / WEIGHTS} doesn't fit its card.", remedy=_REMEDY)
        return cls(labels, rarity, heads, Lexicon.load(), card)

    def guess(self, request: str, vector: npt.ArrayLike | None = None) -> Guess:
        """Probabilities of the labels.

        The meaning counts for English alone, which is all that the encoder was trained on.

        Args:
            request: its first 2,000 characters count.
            vector: (384,) of the unchanged request, of length 1; None where the ML worker is away.
        """
        row = features(request, self._lexicon)
        meaning = vector is not None and row.words.language == ENGLISH
        head = self._heads["meaning" if meaning else "words"]
        logits = self._logits(head, row, scaled(vector) if meaning and vector is not None else None) * head.scale
        odds = np.exp(logits - logits.max())
        probabilities = odds / odds.sum()
        order = np.argsort(-probabilities, kind="stable")
        scores = tuple((self.labels[place], float(probabilities[place])) for place in order)
        return Guess(row.words, scores, meaning, head.floor, head.margin)

    def _logits(self, head: Head, row: Features, meaning: Floats | None) -> Floats:
        values = weighted(row, self._rarity)
        offset = 0 if meaning is None else DIMENSIONS
        logits: Floats = values @ head.weights[row.indices + offset] + head.bias
        return logits if meaning is None else logits + meaning @ head.weights[:DIMENSIONS]
