"""The network of the injection reader: an adapted MiniLM, and a head over its tokens. It imports torch."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

from .adapters import AdaptedNetwork

POOLS = 4  # ways in which the tokens are weighed
MEAN_SCALE = 2.0
DROPOUT = 0.2


class ReaderNetwork(AdaptedNetwork):
    """Token ids in, one logit out.

    Args:
        encoder: a BertModel; it is copied.
        rank: of the adapters.
    """

    def __init__(self, encoder: Any, rank: int) -> None:
        super().__init__(encoder, rank)
        width = int(encoder.config.hidden_size)
        self.weigh = nn.Linear(width, POOLS)
        self.judge = nn.Linear(width * (POOLS + 1), 1)
        nn.init.zeros_(self.judge.weight)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(N, 1) logits: above 0 is more like an injection than not.

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
        logits: torch.Tensor = self.judge(functional.dropout(features, DROPOUT, self.training))
        return logits
