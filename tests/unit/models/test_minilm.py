"""Promises of `models.minilm`."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from aura_ia_mcp.models.errors import ModelError
from aura_ia_mcp.models.minilm import (
    FILES,
    MAX_TOKENS,
    PINNED_SHA256,
    Encoder,
    packaged_folder,
)
from aura_ia_mcp.models.rank import rank
from aura_ia_mcp.models.weights import read_verified

TEXTS = [
    "A cat sits on the mat.",
    "",
    "An embedding is a vector. " * 20,
    "Größe, 東京 and 🙂",
    "word " * 400,
]


def test_importing_the_package_of_models_leaves_torch_unloaded() -> None:
    code = (
        "import sys; from aura_ia_mcp.models import batching, emotion, errors, minilm, rank, worker; "
        "worker.Models().cards(); sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_file_with_another_hash_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"weights")
    assert read_verified(path, hashlib.sha256(b"weights").hexdigest().upper()) == b"weights"
    with pytest.raises(ModelError, match="was not loaded") as refusal:
        read_verified(path, PINNED_SHA256)
    assert refusal.value.code == "bad_hash"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"model\.safetensors, tokenizer\.json, config\.json") as refusal:
        Encoder.load(tmp_path, expected_sha256=PINNED_SHA256)
    assert refusal.value.code == "file_missing"


def test_another_path_needs_its_own_hash(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="without the SHA-256"):
        Encoder.load(tmp_path)


def test_weights_with_another_hash_are_refused_before_torch_sees_them(tmp_path: Path) -> None:
    for name in FILES:
        (tmp_path / name).write_bytes(b"{}")
    with pytest.raises(ModelError) as refusal:
        Encoder.load(tmp_path, expected_sha256=PINNED_SHA256)
    assert refusal.value.code == "bad_hash"


@pytest.mark.model
def test_files_that_make_no_model_are_refused(tmp_path: Path) -> None:
    for name in FILES:
        (tmp_path / name).write_bytes(b"{}")
    with pytest.raises(ModelError) as refusal:
        Encoder.load(tmp_path, expected_sha256=hashlib.sha256(b"{}").hexdigest())
    assert refusal.value.code == "bad_file"


@pytest.mark.model
def test_a_missing_gpu_is_said_and_auto_does_without() -> None:
    import torch  # noqa: PLC0415 - only tests of the real model import torch

    if torch.cuda.is_available():
        assert Encoder.load(device="auto").device == "cuda"
        return
    with pytest.raises(ModelError) as refusal:
        Encoder.load(device="cuda")
    assert refusal.value.code == "no_device"


@pytest.mark.model
def test_loading_tells_its_stages_in_rising_fractions() -> None:
    seen: list[tuple[str, float]] = []
    encoder = Encoder.load(device="cpu", progress=lambda stage, fraction: seen.append((stage, fraction)))
    fractions = [fraction for _, fraction in seen]
    assert fractions == sorted(fractions)
    assert seen[-1] == ("ready", 1.0)
    assert encoder.sha256 == PINNED_SHA256


@pytest.mark.model
def test_embeddings_agree_with_the_reference_implementation(encoder: Encoder) -> None:
    """The model card's own recipe: tokenize, run, mean over the mask, normalise."""
    import torch  # noqa: PLC0415 - only tests of the real model import torch
    from transformers import AutoModel, AutoTokenizer  # noqa: PLC0415 - imports torch

    tokenizer = AutoTokenizer.from_pretrained(packaged_folder(), local_files_only=True)
    model = AutoModel.from_pretrained(packaged_folder(), local_files_only=True).eval()
    batch = tokenizer(TEXTS, padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt")
    with torch.inference_mode():
        states = model(**batch).last_hidden_state
        mask = batch["attention_mask"].unsqueeze(-1)
        expected = torch.nn.functional.normalize((states * mask).sum(1) / mask.sum(1), dim=-1).numpy()
    np.testing.assert_allclose(encoder.encode(TEXTS), expected, atol=1e-5)


@pytest.mark.model
def test_a_text_gets_the_same_vector_alone_and_in_a_batch(encoder: Encoder) -> None:
    together = encoder.forward(TEXTS, with_states=True)
    assert together.states is not None
    np.testing.assert_allclose(np.linalg.norm(together.embeddings, axis=1), 1, atol=1e-5)
    for index, text in enumerate(TEXTS):
        alone = encoder.forward([text], with_states=True)
        assert alone.states is not None
        np.testing.assert_allclose(together.embeddings[index], alone.embeddings[0], atol=1e-5)
        length = int(together.mask[index].sum())
        np.testing.assert_allclose(together.states[index, :length], alone.states[0], atol=1e-4)


@pytest.mark.model
def test_token_counts_and_truncation_are_told(encoder: Encoder) -> None:
    encoded = encoder.forward(TEXTS)
    assert encoded.token_counts[1] == 2
    assert encoded.token_counts[4] == 402
    assert encoded.truncated.tolist() == [False, False, False, False, True]
    assert encoded.mask.sum(axis=1).max() == MAX_TOKENS
    assert encoded.states is None


@pytest.mark.model
def test_no_texts_and_half_characters_are_fine(encoder: Encoder) -> None:
    assert encoder.encode([]).shape == (0, 384)
    assert encoder.forward([]).embeddings.shape == (0, 384)
    assert np.isfinite(encoder.encode(["half a pair: \ud83d", "\x00"])).all()


@pytest.mark.model
def test_layers_are_pooled_and_normalised_one_by_one(encoder: Encoder) -> None:
    features = encoder.encode(TEXTS, layers=(4, 5, 6))
    assert features.shape == (len(TEXTS), 1152)
    np.testing.assert_allclose(np.linalg.norm(features.reshape(-1, 3, 384), axis=2), 1, atol=1e-5)
    np.testing.assert_allclose(features[:, -384:], encoder.encode(TEXTS), atol=1e-6)


@pytest.mark.model
def test_fruit_ranks_above_a_car(encoder: Encoder) -> None:
    vectors = encoder.encode(["fruit", "car", "banana", "apple", "apple"])
    order, scores = rank(vectors[0], vectors[1:])
    assert order[-1] == 0
    assert order.tolist().index(2) + 1 == order.tolist().index(3)
    assert scores[0] > scores[-1] + 0.1
