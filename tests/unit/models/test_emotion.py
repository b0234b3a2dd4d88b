"""Promises of `models.emotion`: the shipped card, its meaning, and the head itself."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from aura_ia_mcp.models.emotion import (
    AMBIGUOUS,
    FILES,
    NEGATIVE,
    POSITIVE,
    EmotionCard,
    EmotionHead,
    Floats,
    describe,
)
from aura_ia_mcp.models.errors import ModelError
from aura_ia_mcp.models.goemotions import read_split
from aura_ia_mcp.models.minilm import PINNED_SHA256, Encoder
from aura_ia_mcp.models.model_page import render
from aura_ia_mcp.models.quality import macro_f1

ROOT = Path(__file__).parents[3]
DEV_SUBSET = ROOT / "tests" / "data" / "goemotions-dev-subset"
REQUIRED_MACRO_F1 = 0.42
MOST_BYTES = 5_000_000


@pytest.fixture(scope="module")
def card() -> EmotionCard:
    return EmotionCard.read()


def probabilities_of(card: EmotionCard, **values: float) -> Floats:
    out = np.full(len(card.labels), 0.0, dtype=np.float32)
    for label, value in values.items():
        out[card.labels.index(label)] = value
    return out


def test_the_card_names_28_labels_and_the_paper_groups_all_but_neutral(card: EmotionCard) -> None:
    assert len(card.labels) == len(set(card.labels)) == 28
    assert set(card.labels) - {"neutral"} == POSITIVE | NEGATIVE | AMBIGUOUS
    assert len(POSITIVE) + len(NEGATIVE) + len(AMBIGUOUS) == 27


def test_the_shipped_head_is_the_one_the_card_describes(card: EmotionCard) -> None:
    data = (FILES.folder / FILES.weights).read_bytes()
    assert hashlib.sha256(data).hexdigest() == card.sha256
    assert len(data) == card.document["head"]["bytes"] < MOST_BYTES
    assert card.encoder_sha256 == PINNED_SHA256


def test_every_threshold_can_be_passed_and_missed(card: EmotionCard) -> None:
    assert all(0 < threshold < 1 for threshold in card.thresholds)


def test_the_card_reports_a_quality_above_the_mark_that_agrees_with_itself(card: EmotionCard) -> None:
    quality = card.quality
    assert quality["dev_macro_f1"] >= REQUIRED_MACRO_F1
    low, high = quality["dev_macro_f1_ci95"]
    assert low < quality["dev_macro_f1"] < high
    assert quality["bootstrap_resamples"] >= 1000
    per_label = quality["dev_per_label"]
    assert list(per_label) == list(card.labels)
    assert np.mean([row["f1"] for row in per_label.values()]) == pytest.approx(quality["dev_macro_f1"], abs=1e-4)
    assert 0 < quality["dev_top1_accuracy"] < 1
    assert 0 < quality["oof_macro_f1"] < 1


def test_the_page_in_the_docs_gives_the_measured_figures(card: EmotionCard) -> None:
    assert render(card) in (ROOT / "docs" / "emotion.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("damage", "code"),
    [("missing", "file_missing"), ("not json", "bad_file"), ("no thresholds", "bad_file")],
)
def test_a_damaged_card_is_refused(tmp_path: Path, damage: str, code: str) -> None:
    if damage == "not json":
        (tmp_path / "emotion.json").write_text("{")
    elif damage == "no thresholds":
        (tmp_path / "emotion.json").write_text(json.dumps({"labels": ["joy"]}))
    with pytest.raises(ModelError) as refusal:
        EmotionCard.read(tmp_path)
    assert refusal.value.code == code


def test_a_head_with_a_changed_byte_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "emotion"
    shutil.copytree(FILES.folder, folder)
    data = bytearray((folder / FILES.weights).read_bytes())
    data[-1] ^= 1
    (folder / FILES.weights).write_bytes(data)
    with pytest.raises(ModelError) as refusal:
        EmotionHead.load(folder)
    assert refusal.value.code == "bad_hash"


def test_a_head_is_refused_for_another_encoder() -> None:
    with pytest.raises(ModelError, match="trained on encoder") as refusal:
        EmotionHead.load(encoder_sha256="0" * 64)
    assert refusal.value.code == "bad_hash"


def test_a_description_names_the_highest_first_and_tells_which_are_present(card: EmotionCard) -> None:
    described = describe(probabilities_of(card, joy=0.9, love=0.8, anger=0.001), card, top_k=3)
    assert [entry["label"] for entry in described["labels"]] == ["joy", "love", "anger"]
    assert [entry["present"] for entry in described["labels"]] == [True, True, False]
    assert described["dominant"] == "joy"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"joy": 0.9, "pride": 0.3}, 1.0),
        ({"anger": 0.5}, -1.0),
        ({"neutral": 0.7}, 0.0),
        ({"surprise": 0.7}, 0.0),
        ({"joy": 0.5, "anger": 0.5}, 0.0),
        ({"joy": 0.4, "neutral": 0.4}, 0.5),
        ({}, 0.0),
    ],
)
def test_valence_follows_the_sentiment_groups(card: EmotionCard, values: dict[str, float], expected: float) -> None:
    assert describe(probabilities_of(card, **values), card)["valence"] == pytest.approx(expected, abs=1e-4)


@given(arrays(np.float32, 28, elements=st.floats(0, 1, width=32)), st.integers(1, 40))
def test_any_probabilities_can_be_described(probabilities: Floats, top_k: int) -> None:
    described = describe(probabilities, EmotionCard.read(), top_k)
    scores = [entry["score"] for entry in described["labels"]]
    assert len(scores) == min(top_k, 28)
    assert scores == sorted(scores, reverse=True)
    assert described["dominant"] == described["labels"][0]["label"]
    assert -1 <= described["valence"] <= 1


def test_a_description_of_nothing_or_of_the_wrong_size_is_refused(card: EmotionCard) -> None:
    with pytest.raises(ValueError, match="top_k"):
        describe(probabilities_of(card), card, top_k=0)
    with pytest.raises(ValueError, match="top_k"):
        describe(np.zeros(3, dtype=np.float32), card)


@pytest.mark.model
@pytest.mark.parametrize(
    ("text", "label", "sign"),
    [
        ("I am so grateful for your help, thank you!", "gratitude", 1),
        ("I love you all so much.", "love", 1),
        ("This is disgusting, it makes me want to vomit.", "disgust", -1),
        ("I'm so sorry, I apologize for what I did.", "remorse", -1),
        ("I was terrified, I have never been so scared.", "fear", -1),
        ("Haha that is hilarious lol", "amusement", 1),
        ("The meeting is on the second floor at ten.", "neutral", 0),
    ],
)
def test_clear_sentences_get_the_emotion_a_reader_would_name(
    encoder: Encoder, head: EmotionHead, text: str, label: str, sign: int
) -> None:
    encoded = encoder.forward([text], with_states=True)
    assert encoded.states is not None
    described = describe(head.predict(encoded.states, encoded.mask)[0], head.card)
    assert described["dominant"] == label
    assert described["labels"][0]["present"]
    assert np.sign(described["valence"]) == sign or (sign == 0 and abs(described["valence"]) < 0.2)


@pytest.mark.model
def test_no_texts_give_no_probabilities(encoder: Encoder, head: EmotionHead) -> None:
    encoded = encoder.forward([], with_states=True)
    assert encoded.states is not None
    assert head.predict(encoded.states, encoded.mask).shape == (0, 28)


@pytest.mark.model
def test_the_shipped_weights_give_the_quality_that_the_card_states(encoder: Encoder, head: EmotionHead) -> None:
    from aura_ia_mcp.models.train_emotion import predict_texts  # noqa: PLC0415 - imports torch

    dev = read_split(DEV_SUBSET, "dev", len(head.card.labels))
    subset = head.card.quality["dev_subset"]
    assert len(dev.texts) == subset["rows"]
    probabilities = predict_texts(encoder, head, dev.texts)
    predicted = probabilities >= np.array(head.card.thresholds, dtype=np.float32)
    # A probability within float noise of its threshold may fall on the other side on another machine.
    assert macro_f1(dev.truth, predicted) == pytest.approx(subset["macro_f1"], abs=0.005)
