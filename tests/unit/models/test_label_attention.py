"""Promises of `models.label_attention`; they need torch, but no weights."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.model


def test_a_merged_network_gives_the_mean_of_its_parts() -> None:
    import torch  # noqa: PLC0415 - only tests of the real model import torch

    from aura_ia_mcp.models.label_attention import LabelAttention  # noqa: PLC0415 - imports torch

    torch.manual_seed(0)
    parts = [LabelAttention(768, 16, 5, dropout=0.5).eval() for _ in range(3)]
    states = torch.randn(4, 7, 768)
    mask = torch.arange(7) < torch.tensor([[1], [3], [7], [2]])
    with torch.inference_mode():
        expected = torch.stack([part(states, mask) for part in parts]).mean(dim=0)
        torch.testing.assert_close(LabelAttention.merge(parts)(states, mask), expected)


def test_padding_changes_nothing() -> None:
    import torch  # noqa: PLC0415 - only tests of the real model import torch

    from aura_ia_mcp.models.label_attention import LabelAttention  # noqa: PLC0415 - imports torch

    torch.manual_seed(0)
    network = LabelAttention(768, 16, 5).eval()
    states = torch.randn(2, 9, 768)
    mask = torch.arange(9) < torch.tensor([[4], [6]])
    with torch.inference_mode():
        torch.testing.assert_close(network(states, mask)[:1], network(states[:1, :4], mask[:1, :4]))
