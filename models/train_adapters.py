"""How a network over an adapted MiniLM learns. The same texts, packages and kind of processor give the same weights.

Importing this module imports torch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from .adapters import BATCH, AdaptedNetwork
from .minilm import Encoder

Rows = npt.NDArray[np.int64]

WARM: Final = 0.08  # of the steps, in which the rate rises
LEAST: Final = 0.02  # of the rate at the end
CLIP: Final = 1.0
_HIDDEN, _LAST_MARK = 103, 1000  # in MiniLM's vocabulary: [MASK], and what lies below words and letters


@dataclass(frozen=True, slots=True)
class Recipe:
    """What decides what comes out, beside the texts and the loss.

    Args:
        rate: at which the adapters learn.
        head_rate: at which the rest does.
        decay: of all weights.
        shuffle: tokens by which the length of neighbours in a batch may differ by chance.
        hidden: share of the tokens that the network doesn't get to see, others each time.
    """

    rate: float
    head_rate: float
    decay: float
    shuffle: float
    hidden: float = 0.0


def train(
    network: AdaptedNetwork,
    ids: Sequence[torch.Tensor],
    loss: Callable[[torch.Tensor, Rows], torch.Tensor],
    epochs: Sequence[Rows],
    recipe: Recipe,
    *,
    seed: int,
    beside: Sequence[nn.Parameter] = (),
    tell: Callable[[str], None] = print,
) -> None:
    """Train a network in place; what it has learnt is the mean over the last epoch's steps (Izmailov et al. 2018).

    Args:
        network: in training mode.
        ids: token numbers of each text.
        loss: of a batch's logits and the numbers of its texts.
        epochs: the numbers of the texts that each shows.
        recipe: rates and shares.
        seed: of the order.
        beside: parameters of the loss, which learn along like the head.
        tell: gets a line after each epoch.
    """
    chance = np.random.default_rng(seed)
    lengths = np.array([len(each) for each in ids])
    optimizer, schedule = _optimizer(network, beside, recipe, sum(math.ceil(len(rows) / BATCH) for rows in epochs))
    learning = [*network.learned().values(), *beside]
    mean, steps = [value.detach().clone() for value in learning], 0
    for epoch, shown in enumerate(epochs):
        total = 0.0
        for rows in _batches(shown, lengths, recipe.shuffle, chance):
            padded = nn.utils.rnn.pad_sequence([ids[row] for row in rows], batch_first=True)
            there = (padded != 0).long()
            if recipe.hidden:
                unseen = torch.from_numpy(chance.random(padded.shape) < recipe.hidden) & (padded > _LAST_MARK)
                padded = padded.masked_fill(unseen, _HIDDEN)
            with torch.autocast("cpu", torch.bfloat16):
                logits = network(padded, there)
            lost = loss(logits.float(), rows)
            optimizer.zero_grad()
            lost.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(list(network.learned().values()), CLIP)
            optimizer.step()
            schedule.step()
            total += float(lost.detach()) * len(rows)
            if epoch == len(epochs) - 1:
                steps += 1
                for kept, value in zip(mean, learning, strict=True):
                    kept.lerp_(value.detach(), 1 / steps)
        tell(f"epoch {epoch + 1}: {total / len(shown):.4f}")
    for kept, value in zip(mean, learning, strict=True):
        value.data.copy_(kept)


def token_ids(encoder: Encoder, texts: Sequence[str], most_tokens: int) -> list[torch.Tensor]:
    """Token numbers of each text."""
    return [encoder.tokens([text], most_tokens)[0][0] for text in texts]


def _optimizer(
    network: AdaptedNetwork, beside: Sequence[nn.Parameter], recipe: Recipe, steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LambdaLR]:
    body = [value for name, value in network.learned().items() if name.startswith("encoder.")]
    head = [value for name, value in network.learned().items() if not name.startswith("encoder.")]
    groups = [{"params": body, "lr": recipe.rate}, {"params": [*head, *beside], "lr": recipe.head_rate}]
    optimizer = torch.optim.AdamW(groups, weight_decay=recipe.decay)

    def rate(step: int) -> float:
        return min(1.0, (step + 1) / (WARM * steps)) * max(LEAST, 1 - step / steps)

    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, rate)


def _batches(shown: Rows, lengths: Rows, shuffle: float, chance: np.random.Generator) -> Iterator[Rows]:
    order = shown[np.argsort(lengths[shown] + chance.uniform(-shuffle, shuffle, len(shown)), kind="stable")]
    batches = [order[begin : begin + BATCH] for begin in range(0, len(order), BATCH)]
    for place in chance.permutation(len(batches)):
        yield batches[place]
