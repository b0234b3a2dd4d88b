"""The network of the injection reader: MiniLM with low-rank adapters in every layer, and a head over its tokens.

Importing it imports torch. Source of the adapters: LoRA, Hu et al. 2021.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.nn import functional

POOLS = 4  # ways in which the tokens are weighed
SCALE = 2.0  # of what an adapter adds
MEAN_SCALE = 2.0
DROPOUT = 0.2


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


class ReaderNetwork(nn.Module):
    """Token ids in, one logit a text out.

    Args:
        encoder: a BertModel; it is copied.
        rank: of the adapters.
    """

    def __init__(self, encoder: Any, rank: int) -> None:
        super().__init__()
        self.encoder = copy.deepcopy(encoder).requires_grad_(False)
        for parent, name, layer in list(_linear(self.encoder.encoder)):
            setattr(parent, name, Adapted(layer, rank))
        for module in self.encoder.encoder.modules():
            if isinstance(module, nn.LayerNorm):
                module.requires_grad_(True)
        width = int(encoder.config.hidden_size)
        self.weigh = nn.Linear(width, POOLS)
        self.judge = nn.Linear(width * (POOLS + 1), 1)
        nn.init.zeros_(self.judge.weight)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(N,) logits: above 0 is more like an injection than not.

        Args:
            ids: (N, T) token numbers.
            mask: (N, T) 1 where there is a token.
        """
        states = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        there = mask.unsqueeze(-1).bool()
        mean = (states * there).sum(dim=1) / there.sum(dim=1)
        shares = self.weigh(states).masked_fill(~there, -1e9).softmax(dim=1)
        pooled = torch.einsum("nth,ntp->nph", states, shares).flatten(1)
        features = torch.cat([MEAN_SCALE * mean, pooled], dim=1)
        logits: torch.Tensor = self.judge(functional.dropout(features, DROPOUT, self.training))[:, 0]
        return logits

    def learned(self) -> dict[str, torch.Tensor]:
        """What training changes, by name: all that has to be kept."""
        return {name: value for name, value in self.named_parameters() if value.requires_grad}

    def take(self, weights: dict[str, torch.Tensor]) -> ReaderNetwork:
        """Put such weights in, and merge the adapters; for reading only from here on.

        Raises:
            KeyError: one is missing.
            RuntimeError: one has another shape.
        """
        with torch.no_grad():
            for name, value in self.learned().items():
                value.copy_(weights[name].to(value.dtype))
        for parent, name, layer in list(_adapted(self.encoder)):
            setattr(parent, name, layer.merged())
        return self.eval()


def _linear(root: nn.Module) -> Iterator[tuple[nn.Module, str, nn.Linear]]:
    for parent in root.modules():
        for name, child in parent.named_children():
            if isinstance(child, nn.Linear):
                yield parent, name, child


def _adapted(root: nn.Module) -> Iterator[tuple[nn.Module, str, Adapted]]:
    for parent in root.modules():
        for name, child in parent.named_children():
            if isinstance(child, Adapted):
                yield parent, name, child
