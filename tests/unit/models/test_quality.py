"""Promises of `models.quality`, held against scikit-learn and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from aura_ia_mcp.models import quality


def sample(seed: int, rows: int = 60, labels: int = 5) -> tuple[quality.Bools, quality.Floats]:
    rng = np.random.default_rng(seed)
    return rng.random((rows, labels)) < 0.3, rng.random((rows, labels)).astype(np.float32)


@given(st.integers(0, 10_000))
def test_f1_agrees_with_scikit_learn(seed: int) -> None:
    truth, probabilities = sample(seed)
    predicted = probabilities > 0.6
    expected = f1_score(truth, predicted, average=None, zero_division=0)
    np.testing.assert_allclose(quality.f1_per_label(truth, predicted), expected)
    assert quality.macro_f1(truth, predicted) == pytest.approx(expected.mean())


@given(st.integers(0, 10_000))
def test_no_cut_beats_the_best_threshold(seed: int) -> None:
    truth, probabilities = sample(seed, labels=1)
    if not truth.any():
        return
    cut = np.float32(quality.best_threshold(truth[:, 0], probabilities[:, 0]))
    best = quality.macro_f1(truth, probabilities >= cut)
    assert all(quality.macro_f1(truth, probabilities >= other) <= best + 1e-12 for other in probabilities[:, 0])


def test_a_row_does_not_help_to_choose_its_own_cut() -> None:
    truth, probabilities = sample(3, rows=200)
    folds = np.arange(200, dtype=np.int64) % 5
    before = quality.cross_fitted_predictions(truth, probabilities, folds, seed=0)
    changed = truth.copy()
    changed[folds == 2] = ~changed[folds == 2]
    after = quality.cross_fitted_predictions(changed, probabilities, folds, seed=0)
    np.testing.assert_array_equal(before[folds == 2], after[folds == 2])
    assert (before != after).any()


def test_the_bootstrap_interval_holds_the_value_and_narrows_with_rows() -> None:
    widths = []
    for rows in (100, 2000):
        truth, probabilities = sample(1, rows=rows)
        predicted = truth ^ (probabilities < 0.2)
        low, high = quality.bootstrap_interval(truth, predicted, seed=0, resamples=200)
        assert low < quality.macro_f1(truth, predicted) < high
        widths.append(high - low)
    assert widths[1] < widths[0] / 2


def test_top1_counts_a_row_when_its_most_probable_label_is_one_of_its_own() -> None:
    truth = np.array([[True, True, False], [False, False, True]])
    probabilities = np.array([[0.1, 0.9, 0.2], [0.9, 0.1, 0.8]], dtype=np.float32)
    assert quality.top1_accuracy(truth, probabilities) == 0.5
