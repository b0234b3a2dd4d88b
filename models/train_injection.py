"""Trains what the injection detector learns from MiniLM.

- `piece_vectors`: MiniLM's word pieces as vectors, once and for all: what the detector's words are learned through.
  Each piece goes through the encoder by itself; what all share is taken away and the widest directions are kept, so
  that words of like meaning lie near each other without a model at hand. The idea is model2vec's (Minish Lab 2024).
- `fit`: the injection reader's adapters and head. The same lines, packages and kind of processor give the same weights.

`python -m tests.corpora.train_reader` gathers the lines and calls it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from .injection import FILES, MOST_TOKENS
from .minilm import DIMENSIONS, Encoder, packaged_folder

if TYPE_CHECKING:  # torch is loaded with the training, not with the module
    import torch

Floats = npt.NDArray[np.float32]

_BATCH: Final = 1024
_HALF: Final = 0.5  # directions are brought half-way to the same width


def pieces() -> list[str]:
    """MiniLM's vocabulary, in the order of its numbers."""
    return (packaged_folder() / "vocab.txt").read_text("utf-8").rstrip("\n").split("\n")


def piece_vectors(width: int) -> Floats:
    """(P, width) a vector for every piece; the same weights give the same vectors up to signs.

    Args:
        width: dimensions to keep, at most 384.
    """
    encoder = Encoder.load(device="cpu", threads=2)
    names = pieces()
    out = np.zeros((len(names), DIMENSIONS), np.float32)
    for begin in range(0, len(names), _BATCH):
        out[begin : begin + _BATCH] = encoder.encode(names[begin : begin + _BATCH])
    out -= out.mean(axis=0)
    _, lengths, directions = np.linalg.svd(out, full_matrices=False)
    spread = lengths[:width] / np.sqrt(len(out))
    turned: Floats = (out @ directions[:width].T / spread**_HALF).astype(np.float32)
    return turned


RANK: Final = 8
EPOCHS: Final = 3


@dataclass(frozen=True, slots=True)
class Example:
    """A text to learn from.

    Attributes:
        text: Any; its first 96 tokens count.
        hostile: Whether it's an injection.
        weight: How much it counts.
    """

    text: str
    hostile: bool
    weight: float = 1.0


def fit(encoder: Encoder, examples: Sequence[Example], seed: int = 0, tell: Callable[[str], None] = print) -> Any:
    """Train a `ReaderNetwork`; minutes on one core.

    Args:
        encoder: what it builds on.
        examples: what to learn from.
        seed: of the adapters' beginnings, the order and the dropout.
        tell: gets a line after each epoch.
    """
    import torch  # noqa: PLC0415 - torch is loaded with the training, not with the module
    from torch.nn.functional import binary_cross_entropy_with_logits  # noqa: PLC0415

    from .injection_network import ReaderNetwork  # noqa: PLC0415 - imports torch
    from .train_adapters import Recipe, token_ids, train  # noqa: PLC0415 - imports torch

    torch.manual_seed(seed)
    network = ReaderNetwork(encoder.module, RANK).train()
    wanted = torch.tensor([float(example.hostile) for example in examples])
    weights = torch.tensor([example.weight for example in examples])

    def loss(logits: torch.Tensor, rows: npt.NDArray[np.int64]) -> torch.Tensor:
        lost = binary_cross_entropy_with_logits(logits[:, 0], wanted[rows], reduction="none")
        return (lost * weights[rows]).mean()

    ids = token_ids(encoder, [example.text for example in examples], MOST_TOKENS)
    recipe = Recipe(rate=1e-3, head_rate=1e-3, decay=0.01, shuffle=6.0)
    train(network, ids, loss, [np.arange(len(ids))] * EPOCHS, recipe, seed=seed, tell=tell)
    return network.eval()


def logits_of(network: Any, encoder: Encoder, texts: Sequence[str]) -> Floats:
    """(N,) what a network makes of texts, before it is saved."""
    from . import adapters  # noqa: PLC0415 - imports torch

    return adapters.logits_of(network, encoder, texts, MOST_TOKENS)[:, 0]


def save(network: Any, encoder: Encoder, told: dict[str, Any], folder: Path = FILES.folder) -> str:
    """Write weights, as float16, and card.

    Args:
        network: from `fit`.
        encoder: what it was trained on.
        told: what else the card says.
        folder: where to.

    Returns:
        The version.
    """
    return FILES.write(folder, network.learned(), {"encoder_sha256": encoder.sha256, "rank": RANK} | told)
