"""How good a multi-label classifier is, and where to cut its probabilities. Pure numpy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]


def f1_per_label(truth: Bools, predicted: Bools) -> npt.NDArray[np.float64]:
    """F1 of each label: 2 TP / (2 TP + FP + FN); 0 where a label is neither true nor predicted anywhere.

    Args:
        truth: (N, L) bool.
        predicted: (N, L) bool.

    Returns:
        (L,) float64.
    """
    hits = (truth & predicted).sum(axis=0)
    size = truth.sum(axis=0) + predicted.sum(axis=0)
    f1: npt.NDArray[np.float64] = np.divide(2.0 * hits, size, out=np.zeros(truth.shape[1]), where=size > 0)
    return f1


def macro_f1(truth: Bools, predicted: Bools) -> float:
    """Mean of the labels' F1."""
    return float(f1_per_label(truth, predicted).mean())


def top1_accuracy(truth: Bools, probabilities: Floats) -> float:
    """Share of rows whose most probable label is one of their true labels."""
    return float(truth[np.arange(len(truth)), probabilities.argmax(axis=1)].mean())


def best_threshold(truth: Bools, probabilities: Floats) -> float:
    """The cut of one label that gives the highest F1 when `probability >= cut` means present.

    Args:
        truth: (N,) bool.
        probabilities: (N,) float32.

    Returns:
        One of the probabilities.
    """
    order = np.argsort(-probabilities, kind="stable")
    hits = np.cumsum(truth[order])
    f1 = 2.0 * hits / (np.arange(1, len(order) + 1) + truth.sum())
    return float(probabilities[order[int(f1.argmax())]])


def choose_thresholds(truth: Bools, probabilities: Floats, *, seed: int, resamples: int = 100) -> Floats:
    """A threshold per label: the median of the best cuts of bootstrap resamples.

    The best cut of one sample is noisy for rare labels (77 rows of 43,410 show grief); the median is steadier.

    Args:
        truth: (N, L) bool.
        probabilities: (N, L) float32 that the rows' own labels didn't help to fit.
        seed: Of the resampling.
        resamples: How many.

    Returns:
        (L,) float32.
    """
    rng = np.random.default_rng(seed)
    cuts = np.empty((resamples, truth.shape[1]), dtype=np.float32)
    for row in range(resamples):
        picked = rng.integers(0, len(truth), len(truth))
        for label in range(truth.shape[1]):
            cuts[row, label] = best_threshold(truth[picked, label], probabilities[picked, label])
    return np.median(cuts, axis=0).astype(np.float32)


def cross_fitted_predictions(truth: Bools, probabilities: Floats, folds: npt.NDArray[np.int64], *, seed: int) -> Bools:
    """Cut each fold with thresholds chosen on the other folds, so that no row helps to choose its own cut.

    Args:
        truth: (N, L) bool.
        probabilities: (N, L) float32, out of fold.
        folds: (N,) int64, the fold of each row.
        seed: Of the choice of thresholds.

    Returns:
        (N, L) bool.
    """
    predicted = np.zeros(truth.shape, dtype=np.bool_)
    for fold in np.unique(folds):
        rest, own = folds != fold, folds == fold
        predicted[own] = probabilities[own] >= choose_thresholds(truth[rest], probabilities[rest], seed=seed)
    return predicted


def bootstrap_interval(truth: Bools, predicted: Bools, *, seed: int, resamples: int = 2000) -> tuple[float, float]:
    """The 95 % percentile interval of macro-F1 over resampled rows."""
    rng = np.random.default_rng(seed)
    values = [
        macro_f1(truth[picked], predicted[picked])
        for picked in (rng.integers(0, len(truth), len(truth)) for _ in range(resamples))
    ]
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)
