"""Trains the needs reader: `python -m tests.corpora.train_roles` gathers the tasks and calls it.

A softmax over sets of needed capabilities, each scored by the sum of its capabilities' logits. An adapted MiniLM and a
linear layer over the task's words learn together. The same tasks, packages and kind of processor give the same weights.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from .minilm import Encoder
from .needs import FILES, MOST_TOKENS

if TYPE_CHECKING:  # torch is loaded with the training, not with the module
    import torch

    from .needs_network import NeedsNetwork

Floats = npt.NDArray[np.float32]

RANK: Final = 8
HIDDEN: Final = 128
EPOCHS: Final = 4  # this and the rates: measured on authors left out
OF_SET: Final = 0.5  # of the loss is for the set, the rest for the role
_NEVER: Final = 1e-12


@dataclass(frozen=True, slots=True)
class Lessons:
    """R tasks in the order of their lines and of what was made of them, S sets of C capabilities, F features of words.

    Attributes:
        texts: R tasks.
        words: (R, F).
        sets: (S, C), 1 where a set holds a capability.
        prior: (S,), log of how probable a set is before a task is read.
        exact: (R, S), 1 for the sets that are a task's own.
        right: (R, S), 1 for the sets that lead to the right role.
        weights: (R,), how much a task counts.
        epochs: the numbers of the tasks that each epoch shows.
    """

    texts: Sequence[str]
    words: Floats
    sets: Floats
    prior: Floats
    exact: Floats
    right: Floats
    weights: Floats
    epochs: Sequence[npt.NDArray[np.int64]]


def fit(
    encoder: Encoder, lessons: Lessons, seed: int = 0, tell: Callable[[str], None] = print
) -> tuple[NeedsNetwork, Floats]:
    """A network, and the (F, C) weights of the words beside it; minutes on one core.

    Args:
        encoder: what it builds on.
        lessons: what to learn from.
        seed: of the beginnings, the order and the dropout.
        tell: gets a line after each epoch.
    """
    import torch  # noqa: PLC0415 - torch is loaded with the training, not with the module

    from .needs_network import NeedsNetwork  # noqa: PLC0415 - imports torch
    from .train_adapters import Recipe, token_ids, train  # noqa: PLC0415 - imports torch

    torch.manual_seed(seed)
    labels = lessons.sets.shape[1]
    network = NeedsNetwork(encoder.module, RANK, HIDDEN, labels).train()
    beside = torch.nn.Parameter(torch.zeros(lessons.words.shape[1], labels))

    def loss(logits: torch.Tensor, rows: npt.NDArray[np.int64]) -> torch.Tensor:
        return _loss(logits + torch.from_numpy(lessons.words[rows]) @ beside, lessons, rows)

    recipe = Recipe(rate=1.5e-3, head_rate=2e-3, decay=0.02, shuffle=4.0, hidden=0.15)
    ids = token_ids(encoder, lessons.texts, MOST_TOKENS)
    train(network, ids, loss, lessons.epochs, recipe, seed=seed, beside=[beside], tell=tell)
    return network.eval(), beside.detach().numpy()


def _loss(logits: torch.Tensor, lessons: Lessons, rows: npt.NDArray[np.int64]) -> torch.Tensor:
    import torch  # noqa: PLC0415 - torch is loaded with the training, not with the module

    shares = torch.log_softmax(logits @ torch.from_numpy(lessons.sets).T + torch.from_numpy(lessons.prior), dim=1)
    exact, right = (
        torch.logsumexp(shares + torch.log(torch.from_numpy(wanted[rows]) + _NEVER), dim=1)
        for wanted in (lessons.exact, lessons.right)
    )
    lost = -(OF_SET * exact + (1 - OF_SET) * right)
    return (lost * torch.from_numpy(lessons.weights[rows])).mean()


def logits_of(network: NeedsNetwork, encoder: Encoder, texts: Sequence[str]) -> Floats:
    """(R, C) what a network makes of tasks, before it is saved."""
    from . import adapters  # noqa: PLC0415 - imports torch

    return adapters.logits_of(network, encoder, texts, MOST_TOKENS)


def save(
    network: NeedsNetwork, encoder: Encoder, labels: Sequence[str], told: dict[str, Any], folder: Path = FILES.folder
) -> str:
    """Write weights, as float16, and card.

    Args:
        network: from `fit`.
        encoder: what it was trained on.
        labels: names of the capabilities, in the order of the logits.
        told: what else the card says.
        folder: where to.

    Returns:
        The version.
    """
    sizes = {"rank": RANK, "hidden": HIDDEN, "labels": list(labels)}
    return FILES.write(folder, network.learned(), {"encoder_sha256": encoder.sha256} | sizes | told)
