"""The emotion head: token states in, probabilities of 28 emotions out, and what they mean.

Importing this module doesn't import torch; `EmotionHead.load` does.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypedDict

import numpy as np
import numpy.typing as npt

from .errors import ModelError
from .minilm import FEATURE_LAYERS, read_verified

Floats = npt.NDArray[np.float32]

FOLDER: Final = Path(__file__).parent / "emotion"
WEIGHTS: Final = "head.safetensors"
CARD: Final = "emotion.json"

# The grouping of the data set's authors: figure 2 of Demszky et al. 2020 (arXiv:2005.00547) and the file
# sentiment_mapping.json of their release. Neutral is in none of the groups.
POSITIVE: Final = frozenset(
    [
        "admiration",
        "amusement",
        "approval",
        "caring",
        "desire",
        "excitement",
        "gratitude",
        "joy",
        "love",
        "optimism",
        "pride",
        "relief",
    ]
)
NEGATIVE: Final = frozenset(
    [
        "anger",
        "annoyance",
        "disappointment",
        "disapproval",
        "disgust",
        "embarrassment",
        "fear",
        "grief",
        "nervousness",
        "remorse",
        "sadness",
    ]
)
AMBIGUOUS: Final = frozenset(["confusion", "curiosity", "realization", "surprise"])


class LabelScore(TypedDict):
    """One emotion of a text: its name, its probability, and whether that passes the label's own threshold."""

    label: str
    score: float
    present: bool


class Description(TypedDict):
    """What a text expresses.

    Attributes:
        labels: The emotions with the highest probability, highest first.
        dominant: The name of the first.
        valence: In [-1, 1], from wholly negative to wholly positive.
    """

    labels: list[LabelScore]
    dominant: str
    valence: float


@dataclass(frozen=True, slots=True)
class EmotionCard:
    """What is known about a trained head; the file `emotion.json`.

    Attributes:
        labels: Names of the 28 labels, in the order of the probabilities.
        thresholds: A probability at or above its label's threshold means the emotion is present.
        encoder_sha256: The encoder weights that the head was trained on.
        head_sha256: Of `head.safetensors`.
        hidden: Width of each member's projection.
        members: Networks in the ensemble.
        quality: Measured figures, as the training script wrote them.
        document: The whole file.
    """

    labels: tuple[str, ...]
    thresholds: tuple[float, ...]
    encoder_sha256: str
    head_sha256: str
    hidden: int
    members: int
    quality: dict[str, Any]
    document: dict[str, Any]

    @classmethod
    def read(cls, folder: Path = FOLDER) -> EmotionCard:
        """Read `emotion.json`.

        Raises:
            ModelError: `file_missing`, or `bad_file` if a key is missing or the lengths disagree.
        """
        path = folder / CARD
        remedy = "Restore it from the release, or train again: python -m aura_ia_mcp.models.train_emotion --help."
        try:
            document = json.loads(path.read_bytes())
            card = cls(
                labels=tuple(document["labels"]),
                thresholds=tuple(float(document["thresholds"][label]) for label in document["labels"]),
                encoder_sha256=document["encoder"]["sha256"],
                head_sha256=document["head"]["sha256"],
                hidden=int(document["head"]["hidden"]),
                members=int(document["head"]["members"]),
                quality=dict(document["quality"]),
                document=document,
            )
        except OSError as error:
            raise ModelError("file_missing", f"{path} cannot be read ({error.strerror}).", remedy=remedy) from error
        except (ValueError, KeyError, TypeError) as error:
            raise ModelError("bad_file", f"{path} is damaged ({error!r}).", remedy=remedy) from error
        return card


class EmotionHead:
    """A loaded head. Belongs to one encoder's weights; not safe for concurrent calls."""

    def __init__(self, network: Any, card: EmotionCard, device: str) -> None:
        self._network = network
        self.card = card
        self.device = device
        self.parameters = int(sum(p.numel() for p in network.parameters()))

    @classmethod
    def load(cls, folder: Path = FOLDER, *, encoder_sha256: str | None = None, device: str = "cpu") -> EmotionHead:
        """Load and verify the weights; imports torch.

        Args:
            folder: With `head.safetensors` and `emotion.json`.
            encoder_sha256: The encoder that will feed it; refused if the head was trained on another.
            device: `cpu` or `cuda`.

        Raises:
            ModelError: `file_missing`, `bad_hash` or `bad_file`.
        """
        card = EmotionCard.read(folder)
        if encoder_sha256 not in {None, card.encoder_sha256}:
            raise ModelError(
                "bad_hash",
                f"The emotion head in {folder} was trained on encoder {card.encoder_sha256}, not {encoder_sha256}.",
                remedy="Use the encoder it was trained on, or train a head for the new one.",
            )
        data = read_verified(folder / WEIGHTS, card.head_sha256)

        import torch  # noqa: PLC0415 - torch is loaded with the model, not with the module
        from safetensors.torch import load  # noqa: PLC0415 - imports torch

        from .label_attention import BLOCK, LabelAttention  # noqa: PLC0415 - imports torch

        width = BLOCK * len(FEATURE_LAYERS)
        network = LabelAttention(width, card.hidden, len(card.labels), members=card.members)
        try:
            network.load_state_dict({name: tensor.to(torch.float32) for name, tensor in load(data).items()})
        except Exception as error:
            raise ModelError(
                "bad_file",
                f"{folder / WEIGHTS} does not fit its card ({error}).",
                remedy="Restore both files from the same release.",
            ) from error
        return cls(network.eval().to(device), card, device)

    def predict(self, states: Floats, mask: npt.NDArray[np.bool_]) -> Floats:
        """Probabilities of the emotions; labels are independent, so a row doesn't sum to one.

        Args:
            states: (N, T, 1152) float32, the encoder's layers 4, 5 and 6 side by side.
            mask: (N, T) bool, True where there is a token.

        Returns:
            (N, 28) float32 in [0, 1].
        """
        import torch  # noqa: PLC0415 - torch is loaded with the model, not with the module

        if not len(states):
            return np.zeros((0, len(self.card.labels)), dtype=np.float32)
        with torch.inference_mode():
            logits = self._network(torch.from_numpy(states).to(self.device), torch.from_numpy(mask).to(self.device))
            probabilities: Floats = torch.sigmoid(logits).cpu().numpy()
        return probabilities


def valence(probabilities: Floats, labels: Sequence[str]) -> float:
    """How positive a text is: (P - Q) / S, in [-1, 1].

    P and Q are the sums of the probabilities of the positive and of the negative emotions, S the sum of all 28.
    Ambiguous emotions and neutral have no sign and pull it towards 0.

    Args:
        probabilities: (L,) float32.
        labels: L names.
    """
    signs = np.array([(label in POSITIVE) - (label in NEGATIVE) for label in labels], dtype=np.float64)
    weights = probabilities.astype(np.float64)
    total = float(weights.sum())
    return float(np.clip(float(signs @ weights) / total, -1.0, 1.0)) if total > 0 else 0.0


def describe(probabilities: Floats, card: EmotionCard, top_k: int = 3) -> Description:
    """Say what one text expresses.

    Args:
        probabilities: (28,) float32 of one text.
        card: Of the head that gave them.
        top_k: How many emotions to name, at least 1; those below their threshold are named too, as not present.

    Raises:
        ValueError: If `top_k` is below 1 or the probabilities don't fit the card.
    """
    if top_k < 1 or probabilities.shape != (len(card.labels),):
        raise ValueError(f"top_k {top_k} must be positive and {probabilities.shape} be ({len(card.labels)},)")
    order = np.argsort(-probabilities, kind="stable")[:top_k]
    scores: list[LabelScore] = [
        {
            "label": card.labels[index],
            "score": round(float(probabilities[index]), 4),
            "present": bool(probabilities[index] >= card.thresholds[index]),
        }
        for index in order
    ]
    return {"labels": scores, "dominant": scores[0]["label"], "valence": round(valence(probabilities, card.labels), 4)}
