"""A MiniLM that learns: a copy with a low-rank layer beside every linear one, which can be merged into it.

Importing it imports torch. Source: LoRA, Hu et al. 2021 (arXiv:2106.09685).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional

from .minilm import Encoder

BATCH = 32
SCALE = 2.0  # of what an adapter adds


class Adapted(nn.Module):
    """A linear layer that stays as it is, and a low-rank one beside it that learns.

    Args:
        base: the layer.
        rank: of what is added.
    """

    def __init__(self, base: nn.Linear, rank: int) -> None:
        super().__init__()
        self.base = base.requires_grad_(False)
        self.down = nn.Parameter(torch.randn(rank, base.in_features) / math.sqrt(base.in_features))
        self.up = nn.Parameter(torch.zeros(base.out_features, rank))

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """(…, in) to (…, out)."""
        added = functional.linear(functional.linear(states, self.down), self.up)
        out: torch.Tensor = self.base(states) + SCALE * added
        return out

    def merged(self) -> nn.Linear:
        """One linear layer that does the same."""
        layer = copy.deepcopy(self.base)
        with torch.no_grad():
            layer.weight += SCALE * (self.up @ self.down)
        return layer


class AdaptedNetwork(nn.Module):
    """Token ids in, (N, L) logits out; adapters, layer norms and whatever a subclass builds on the states learn.

    Args:
        encoder: a BertModel; it is copied.
        rank: of the adapters.
    """

    def __init__(self, encoder: Any, rank: int) -> None:
        super().__init__()
        self.encoder = copy.deepcopy(encoder).requires_grad_(False)
        for parent, name, layer in list(_children(self.encoder.encoder, nn.Linear)):
            setattr(parent, name, Adapted(layer, rank))
        for module in self.encoder.encoder.modules():
            if isinstance(module, nn.LayerNorm):
                module.requires_grad_(True)

    def learned(self) -> dict[str, torch.Tensor]:
        """What training changes, by name: all that has to be kept."""
        return {name: value for name, value in self.named_parameters() if value.requires_grad}

    def take(self, weights: dict[str, torch.Tensor], encoder: Any) -> Self:
        """Put such weights in, and merge the adapters; for reading only from here on.

        Args:
            weights: by name.
            encoder: the one that was copied; its embeddings, half of it, are used from here on in place of the copy.

        Raises:
            KeyError: one is missing.
            RuntimeError: one has another shape.
        """
        with torch.no_grad():
            for name, value in self.learned().items():
                value.copy_(weights[name].to(value.dtype))
        for parent, name, layer in list(_children(self.encoder, Adapted)):
            setattr(parent, name, layer.merged())
        self.encoder.embeddings = encoder.embeddings
        return self.eval()


def logits_of(network: nn.Module, encoder: Encoder, texts: Sequence[str], most_tokens: int) -> npt.NDArray[np.float32]:
    """(N, L) what a network makes of N texts.

    Args:
        network: an `AdaptedNetwork`.
        encoder: whose tokenizer it reads with.
        texts: any; those of like length are read together.
        most_tokens: of each that are read.
    """
    order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
    out: list[npt.NDArray[np.float32]] = [np.zeros(0, np.float32)] * len(texts)
    with torch.inference_mode():
        for begin in range(0, len(order), BATCH):
            places = order[begin : begin + BATCH]
            ids, mask = encoder.tokens([texts[place] for place in places], most_tokens)
            for place, row in zip(places, network(ids, mask).float().cpu().numpy(), strict=True):
                out[place] = row
    return np.stack(out) if out else np.zeros((0, 1), np.float32)


def _children(root: nn.Module, kind: type[Any]) -> Iterator[tuple[nn.Module, str, Any]]:
    for parent in root.modules():
        for name, child in parent.named_children():
            if isinstance(child, kind):
                yield parent, name, child
