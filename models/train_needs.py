"""Trains the needs head: `python -m tests.corpora.train_roles` gathers the tasks and calls it.

A softmax over sets of needed capabilities, each scored by the sum of its capabilities' logits. Label attention over the
token states and a linear layer over the task's words learn together. The same tasks, packages and kind of processor
give the same weights.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from .needs import CARD, FOLDER, WEIGHTS
from .token_states import WIDTH, TokenStates

if TYPE_CHECKING:  # torch is loaded with the training, not with the module
    import torch

    from .label_attention import LabelAttention

Floats = npt.NDArray[np.float32]

HIDDEN: Final = 128  # this and the following: cross-validated by author
EPOCHS: Final = 8
BATCH: Final = 64
RATE: Final = 2e-3
DECAY: Final = 0.05
DROPOUT: Final = 0.3
EVIDENCE: Final = 3.0  # by which what the tokens say begins larger
OF_SET: Final = 0.5  # of the loss is for the set, the rest for the role
WARM: Final = 50  # steps in which the rate rises
LEAST: Final = 5e-4  # of the rate at the end
_NEVER: Final = 1e-12


@dataclass(frozen=True, slots=True)
class Lessons:
    """R tasks, S sets of C capabilities, F features of words.

    Attributes:
        states: Of the R tasks.
        words: (R, F).
        sets: (S, C), 1 where a set holds a capability.
        prior: (S,), log of how probable a set is before a task is read.
        exact: (R, S), 1 for the sets that are a task's own.
        right: (R, S), 1 for the sets that lead to the right role.
        weights: (R,), how much a task counts.
    """

    states: TokenStates
    words: Floats
    sets: Floats
    prior: Floats
    exact: Floats
    right: Floats
    weights: Floats


def fit(lessons: Lessons, seed: int) -> tuple[LabelAttention, Floats]:
    """One network, and the (F, C) weights of the words beside it; about a minute on one core."""
    import torch  # noqa: PLC0415 - torch is loaded with the training, not with the module
    from torch import nn  # noqa: PLC0415

    from .label_attention import LabelAttention  # noqa: PLC0415 - imports torch

    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network = LabelAttention(WIDTH, HIDDEN, lessons.sets.shape[1], dropout=DROPOUT).train()
    nn.init.zeros_(network.bias)  # the prior says how rare a set is
    with torch.no_grad():
        network.value.mul_(EVIDENCE)
    beside = nn.Parameter(torch.zeros(lessons.words.shape[1], lessons.sets.shape[1]))
    optimizer = torch.optim.AdamW([*network.parameters(), beside], lr=RATE, weight_decay=DECAY)
    steps = EPOCHS * math.ceil(len(lessons.weights) / BATCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1.0, (step + 1) / WARM) * max(LEAST, 1 - step / steps)
    )
    for _ in range(EPOCHS):
        for rows in lessons.states.batches(np.arange(len(lessons.weights)), BATCH, rng):
            states, mask = map(torch.from_numpy, lessons.states.gather(rows))
            loss = _loss(network(states, mask) + torch.from_numpy(lessons.words[rows]) @ beside, lessons, rows)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
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


def merge(parts: Sequence[tuple[LabelAttention, Floats]]) -> tuple[LabelAttention, Floats]:
    """One network and one matrix that give the mean of what all give."""
    from .label_attention import LabelAttention  # noqa: PLC0415 - imports torch

    return LabelAttention.merge([network for network, _ in parts]), np.mean([words for _, words in parts], axis=0)


def logits_of(network: LabelAttention, states: TokenStates) -> Floats:
    """(R, C) what a network makes of tasks, before it is saved."""
    import torch  # noqa: PLC0415 - torch is loaded with the training, not with the module

    out = np.zeros((len(states.lengths), network.mean.out_features), np.float32)
    with torch.inference_mode():
        for rows in states.batches(np.arange(len(out)), BATCH, None):
            out[rows] = network(*map(torch.from_numpy, states.gather(rows))).numpy()
    return out


def save(
    network: LabelAttention,
    encoder_sha256: str,
    capabilities: Sequence[str],
    told: dict[str, Any],
    folder: Path = FOLDER,
) -> str:
    """Write weights, as float16, and card.

    Args:
        network: from `merge`.
        encoder_sha256: the encoder that it was trained on.
        capabilities: names, in the order of the logits.
        told: what else the card says.
        folder: where to.

    Returns:
        The version.
    """
    import torch  # noqa: PLC0415 - torch is loaded with the training, not with the module
    from safetensors.torch import save as packed  # noqa: PLC0415 - imports torch

    halves = {name: value.detach().to(torch.float16).contiguous() for name, value in network.state_dict().items()}
    data = packed(halves)
    card = {
        "name": "needs head",
        "sha256": hashlib.sha256(data).hexdigest(),
        "encoder_sha256": encoder_sha256,
        "hidden": network.hidden,
        "members": network.members,
        "parameters": sum(value.numel() for value in halves.values()),
        "capabilities": list(capabilities),
        **told,
    }
    folder.mkdir(exist_ok=True)
    (folder / WEIGHTS).write_bytes(data)
    (folder / CARD).write_text(json.dumps(card, indent=1) + "\n", "utf-8")
    return str(card["sha256"])[:12]
