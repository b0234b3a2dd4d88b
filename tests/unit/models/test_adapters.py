"""Promises of `models.adapters` and `models.train_adapters`; they need torch, but no weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.model


@pytest.fixture
def bert() -> Any:
    """A small encoder with weights by chance."""
    import torch  # noqa: PLC0415 - only tests of the real model import torch
    from transformers import BertConfig, BertModel  # noqa: PLC0415

    torch.manual_seed(0)
    sizes: dict[str, Any] = {"vocab_size": 50, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    model: Any = BertModel(BertConfig(**sizes, intermediate_size=32), add_pooling_layer=False)
    return model.eval()


def _tasks() -> Any:
    import torch  # noqa: PLC0415

    texts = [torch.tensor([7, 11, kind, 13][: 3 + kind % 2]) for kind in (20, 21, 30, 31) * 4]
    return texts, torch.tensor([float(text[2] >= 30) for text in texts])


def _trained(bert: Any) -> Any:
    import torch  # noqa: PLC0415

    from aura_ia_mcp.models.injection_network import ReaderNetwork  # noqa: PLC0415
    from aura_ia_mcp.models.train_adapters import Recipe, train  # noqa: PLC0415

    torch.manual_seed(1)
    network = ReaderNetwork(bert, 2).train()
    texts, wanted = _tasks()

    def loss(logits: Any, rows: Any) -> Any:
        return torch.nn.functional.binary_cross_entropy_with_logits(logits[:, 0], wanted[rows])

    recipe = Recipe(rate=1e-2, head_rate=1e-2, decay=0.0, shuffle=1.0)
    train(network, texts, loss, [np.arange(len(texts))] * 60, recipe, seed=0, tell=lambda _: None)
    return network.eval()


def test_what_was_learnt_serves_merged_as_it_did_beside(bert: Any) -> None:
    import torch  # noqa: PLC0415

    from aura_ia_mcp.models.injection_network import ReaderNetwork  # noqa: PLC0415

    network = _trained(bert)
    merged = ReaderNetwork(bert, 2).take(network.learned(), bert)
    texts, wanted = _tasks()
    ids = torch.nn.utils.rnn.pad_sequence(texts, batch_first=True)
    with torch.inference_mode():
        before, after = (each(ids, (ids != 0).long()) for each in (network, merged))
    torch.testing.assert_close(after, before, atol=1e-4, rtol=1e-4)
    assert ((after[:, 0] > 0) == (wanted > 0.5)).all()
    assert merged.encoder.embeddings is bert.embeddings


def test_the_same_texts_and_seed_give_the_same_weights_and_leave_the_encoder_alone(bert: Any) -> None:
    import torch  # noqa: PLC0415

    before = {name: value.clone() for name, value in bert.state_dict().items()}
    one, other = _trained(bert).learned(), _trained(bert).learned()
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert any(bool(value.any()) for name, value in one.items() if name.endswith(".up"))
    assert all(torch.equal(value, before[name]) for name, value in bert.state_dict().items())
