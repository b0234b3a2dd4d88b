"""Trains what the injection detector learns from MiniLM.

- `piece_vectors`: MiniLM's word pieces as vectors, once and for all: what the detector's words are learned through.
  Each piece goes through the encoder by itself; what all share is taken away and the widest directions are kept, so
  that words of like meaning lie near each other without a model at hand. The idea is model2vec's (Minish Lab 2024).
- `fit`: the injection reader's adapters and head. The same lines, packages and kind of processor give the same weights.

`python -m tests.corpora.train_reader` gathers the lines and calls it.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .injection import CARD, FOLDER, MOST_TOKENS, WEIGHTS
from .minilm import DIMENSIONS, Encoder, packaged_folder

Floats = npt.NDArray[np.float32]

_BATCH = 1024
_HALF = 0.5  # directions are brought half-way to the same width


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


RANK = 8
EPOCHS = 3
BATCH = 32
RATE, HEAD_RATE = 1e-3, 1e-3
WARM = 0.08  # of the steps, in which the rate rises
LEAST = 0.02  # of the rate at the end
DECAY = 0.01
SHUFFLE = 6.0  # tokens by which the length of neighbours in a batch may differ by chance


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
    import torch  # noqa: PLC0415 - torch is loaded with the model, not with the module
    from torch.nn import functional  # noqa: PLC0415

    from .injection_network import ReaderNetwork  # noqa: PLC0415 - imports torch

    torch.manual_seed(seed)
    chance = np.random.default_rng(seed)
    network = ReaderNetwork(encoder.module, RANK).train()
    optimizer, schedule = _optimizer(network, EPOCHS * math.ceil(len(examples) / BATCH))
    ids = [encoder.tokens([example.text], MOST_TOKENS)[0][0] for example in examples]
    wanted = torch.tensor([float(example.hostile) for example in examples])
    weight = torch.tensor([example.weight for example in examples])
    average = _Average(network)
    for epoch in range(EPOCHS):
        total = 0.0
        for rows in _batches(np.array([len(each) for each in ids]), chance):
            padded = torch.nn.utils.rnn.pad_sequence([ids[row] for row in rows], batch_first=True)
            with torch.autocast("cpu", torch.bfloat16):
                logits = network(padded, (padded != 0).long())
            losses = functional.binary_cross_entropy_with_logits(logits.float(), wanted[rows], reduction="none")
            loss = (losses * weight[rows]).mean()
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(list(network.learned().values()), 1.0)
            optimizer.step()
            schedule.step()
            if epoch == EPOCHS - 1:
                average.add(network)
            total += float(loss.detach()) * len(rows)
        tell(f"epoch {epoch + 1}: {total / len(examples):.4f}")
    average.put(network)
    return network.eval()


class _Average:
    """The mean of what was learnt over some steps: steadier than any of them (Izmailov et al. 2018)."""

    def __init__(self, network: Any) -> None:
        self._mean = {name: value.detach().clone() for name, value in network.learned().items()}
        self._steps = 0

    def add(self, network: Any) -> None:
        self._steps += 1
        for name, value in network.learned().items():
            self._mean[name].lerp_(value.detach(), 1 / self._steps)

    def put(self, network: Any) -> None:
        for name, value in network.learned().items():
            value.data.copy_(self._mean[name])


def _optimizer(network: Any, steps: int) -> tuple[Any, Any]:
    import torch  # noqa: PLC0415 - torch is loaded with the model, not with the module

    body = [value for name, value in network.learned().items() if name.startswith("encoder.")]
    head = [value for name, value in network.learned().items() if not name.startswith("encoder.")]
    groups = [{"params": body, "lr": RATE}, {"params": head, "lr": HEAD_RATE}]
    optimizer = torch.optim.AdamW(groups, weight_decay=DECAY)

    def rate(step: int) -> float:
        return min(1.0, (step + 1) / (WARM * steps)) * max(LEAST, 1 - step / steps)

    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, rate)


def _batches(lengths: npt.NDArray[np.int64], chance: np.random.Generator) -> Iterator[npt.NDArray[np.int64]]:
    order = np.argsort(lengths + chance.uniform(-SHUFFLE, SHUFFLE, len(lengths)), kind="stable")
    batches = [order[begin : begin + BATCH] for begin in range(0, len(order), BATCH)]
    for place in chance.permutation(len(batches)):
        yield batches[place]


def logits_of(network: Any, encoder: Encoder, texts: Sequence[str]) -> Floats:
    """(N,) what a network makes of texts, before it is saved."""
    import torch  # noqa: PLC0415 - torch is loaded with the model, not with the module

    out = np.zeros(len(texts), np.float32)
    order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
    with torch.inference_mode():
        for begin in range(0, len(order), BATCH):
            rows = order[begin : begin + BATCH]
            out[rows] = network(*encoder.tokens([texts[row] for row in rows], MOST_TOKENS)).numpy()
    return out


def save(network: Any, encoder: Encoder, told: dict[str, Any], folder: Path = FOLDER) -> str:
    """Write weights, as float16, and card.

    Args:
        network: from `fit`.
        encoder: what it was trained on.
        told: what else the card says.
        folder: where to.

    Returns:
        The version.
    """
    import torch  # noqa: PLC0415 - torch is loaded with the model, not with the module
    from safetensors.torch import save as packed  # noqa: PLC0415 - imports torch

    learned = {name: value.detach().to(torch.float16).contiguous() for name, value in network.learned().items()}
    data = packed(learned)
    card = {
        "name": "injection reader",
        "sha256": hashlib.sha256(data).hexdigest(),
        "encoder_sha256": encoder.sha256,
        "rank": RANK,
        "parameters": sum(value.numel() for value in learned.values()),
        **told,
    }
    (folder / WEIGHTS).write_bytes(data)
    (folder / CARD).write_text(json.dumps(card, indent=1) + "\n", "utf-8")
    return str(card["sha256"])[:12]
