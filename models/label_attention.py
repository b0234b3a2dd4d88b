"""The network of the heads of emotions and of needs. Imports torch: only loaded heads and training import it.

Each label looks for its own evidence among the token states of a frozen encoder, instead of in their average, where
the one word that says "thanks" drowns.

Source: label-wise attention, Mullenbach et al. 2018 (arXiv:1802.05695), over layers 4 to 6 of MiniLM.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

BLOCK = 384
MEAN_SCALE = 4.0
START_BIAS = -3.0


class LabelAttention(nn.Module):
    """Token states in, one logit per label out, averaged over `members` independent networks.

    For member e and label c, with g = gelu(P_e layer_norm(x_t)): the logit is sum_t a_t (v_ec . g_t) + b_ec, where
    a = softmax_t(q_ec . g_t), plus a linear term over the mean-pooled, L2-normalised layers.
    """

    def __init__(self, width: int, hidden: int, labels: int, *, members: int = 1, dropout: float = 0.0) -> None:
        super().__init__()
        self.hidden = hidden
        self.members = members
        self.project = nn.Linear(width, members * hidden)
        self.query = nn.Parameter(torch.empty(members, hidden, labels))
        self.value = nn.Parameter(torch.empty(members, hidden, labels))
        self.bias = nn.Parameter(torch.full((members, labels), START_BIAS))
        self.mean = nn.Linear(width, labels)
        self.dropout = nn.Dropout(dropout)
        for weight in (self.query, self.value):
            nn.init.uniform_(weight, -(hidden**-0.5), hidden**-0.5)
        nn.init.zeros_(self.mean.bias)

    def forward(self, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Compute logits.

        Args:
            states: (N, T, W) float32, concatenated encoder layers of 384 each.
            mask: (N, T) bool, True where there is a token; every row has at least one.

        Returns:
            (N, L) float32 logits.
        """
        count, length, width = states.shape
        normal = self.dropout(nn.functional.layer_norm(states, (width,)))
        hidden = self.dropout(nn.functional.gelu(self.project(normal)))
        hidden = hidden.view(count, length, self.members, self.hidden)
        scores = torch.einsum("nteh,ehl->netl", hidden, self.query)
        attention = scores.masked_fill(~mask[:, None, :, None], torch.finfo(scores.dtype).min).softmax(dim=2)
        evidence = torch.einsum("nteh,ehl->netl", hidden, self.value)
        found = ((attention * evidence).sum(dim=2) + self.bias).mean(dim=1)
        linear: torch.Tensor = self.mean(self.dropout(_mean_pool(states, mask)))
        return found + linear

    @classmethod
    def merge(cls, parts: Sequence[LabelAttention]) -> LabelAttention:
        """Join networks of equal shape into one that gives the mean of their logits; dropout is off in it."""
        first = parts[0]
        labels = first.mean.out_features
        merged = cls(first.project.in_features, first.hidden, labels, members=sum(part.members for part in parts))
        share = torch.tensor([part.members for part in parts], dtype=torch.float32)
        share = share / share.sum()
        with torch.no_grad():
            merged.project.weight.copy_(torch.cat([part.project.weight for part in parts]))
            merged.project.bias.copy_(torch.cat([part.project.bias for part in parts]))
            for name in ("query", "value", "bias"):
                getattr(merged, name).copy_(torch.cat([getattr(part, name) for part in parts]))
            for name in ("weight", "bias"):
                stack = torch.stack([getattr(part.mean, name) for part in parts])
                getattr(merged.mean, name).copy_(torch.tensordot(share, stack, dims=1))
        return merged.eval()


def _mean_pool(states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    weights = mask.unsqueeze(-1).to(states.dtype)
    mean = (states * weights).sum(dim=1) / weights.sum(dim=1)
    blocks = nn.functional.normalize(mean.view(len(mean), -1, BLOCK), dim=-1)
    return MEAN_SCALE * blocks.flatten(1)
