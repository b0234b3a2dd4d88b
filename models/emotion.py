"""The emotion head: token states in, probabilities of 28 emotions out, and what they mean.

Importing this module doesn't import torch; `EmotionHead.load` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypedDict

import numpy as np
import numpy.typing as npt

from .minilm import FEATURE_LAYERS
from .weights import Document, Files

if TYPE_CHECKING:  # torch is loaded with the model, not with the module
    import torch

Floats = npt.NDArray[np.float32]

FILES: Final = Files(
    "emotion head",
    "head.safetensors",
    "emotion.json",
    Path(__file__).parent / "emotion",
    "python -m aura_ia_mcp.models.train_emotion --help",
)

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
        sha256: Of `head.safetensors`.
        hidden: Width of each member's projection.
        members: Networks in the ensemble.
        quality: Measured figures, as the training script wrote them.
        document: The whole file.
    """

    labels: tuple[str, ...]
    thresholds: tuple[float, ...]
    encoder_sha256: str
    sha256: str
    hidden: int
    members: int
    quality: dict[str, Any]
    document: dict[str, Any]

    @classmethod
    def read(cls, folder: Path = FILES.folder) -> EmotionCard:
        """Read `emotion.json`.

        Raises:
            ModelError: `file_missing`, or `bad_file` if a key is missing or the lengths disagree.
        """
        return FILES.read_card(folder, cls._of)

    @classmethod
    def _of(cls, document: Document) -> EmotionCard:
        return cls(
            labels=tuple(document["labels"]),
            thresholds=tuple(float(document["thresholds"][label]) for label in document["labels"]),
            encoder_sha256=document["encoder"]["sha256"],
            sha256=document["head"]["sha256"],
            hidden=int(document["head"]["hidden"]),
            members=int(document["head"]["members"]),
            quality=dict(document["quality"]),
            document=document,
        )


class EmotionHead:
    """A loaded head. Belongs to one encoder's weights; not safe for concurrent calls."""

    def __init__(self, network: Any, card: EmotionCard, device: str) -> None:
        self._network = network
        self.card = card
        self.device = device
        self.parameters = int(sum(p.numel() for p in network.parameters()))

    @classmethod
    def load(
        cls, folder: Path = FILES.folder, *, encoder_sha256: str | None = None, device: str = "cpu"
    ) -> EmotionHead:
        """Load and verify the weights; imports torch.

        Args:
            folder: With `head.safetensors` and `emotion.json`.
            encoder_sha256: The encoder that will feed it; refused if the head was trained on another.
            device: `cpu` or `cuda`.

        Raises:
            ModelError: `file_missing`, `bad_hash` or `bad_file`.
        """
        from .label_attention import BLOCK, LabelAttention  # noqa: PLC0415 - imports torch

        card = EmotionCard.read(folder)

        def made(weights: dict[str, torch.Tensor]) -> LabelAttention:
            width = BLOCK * len(FEATURE_LAYERS)
            network = LabelAttention(width, card.hidden, len(card.labels), members=card.members)
            network.load_state_dict(weights)
            return network.eval().to(device)

        encoders = card.encoder_sha256, encoder_sha256 or card.encoder_sha256
        return cls(FILES.load(folder, sha256=card.sha256, encoders=encoders, make=made), card, device)

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
