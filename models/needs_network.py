"""The network of the needs reader: an adapted MiniLM, and label attention over its tokens. It imports torch."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from .adapters import AdaptedNetwork
from .label_attention import BLOCK, LabelAttention
from .minilm import FEATURE_LAYERS

DROPOUT = 0.2
EVIDENCE = 3.0  # by which what the tokens say begins larger


class NeedsNetwork(AdaptedNetwork):
    """Token ids in, one logit a capability out.

    Args:
        encoder: a BertModel; it is copied.
        rank: of the adapters.
        hidden: width of the attention.
        labels: capabilities.
    """

    def __init__(self, encoder: Any, rank: int, hidden: int, labels: int) -> None:
        super().__init__(encoder, rank)
        self.head = LabelAttention(BLOCK * len(FEATURE_LAYERS), hidden, labels, dropout=DROPOUT)
        nn.init.zeros_(self.head.bias)  # the prior says how rare a set is
        with torch.no_grad():
            self.head.value.mul_(EVIDENCE)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(N, labels) logits.

        Args:
            ids: (N, T) token numbers.
            mask: (N, T) 1 where there is a token.
        """
        layers = self.encoder(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states
        logits: torch.Tensor = self.head(torch.cat([layers[layer] for layer in FEATURE_LAYERS], dim=-1), mask.bool())
        return logits
