"""Promises of `models.rank`."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aura_ia_mcp.models.rank import rank


def vector(*values: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.array(values, dtype=np.float32)


def test_candidates_come_best_first_with_their_cosines() -> None:
    order, scores = rank(vector(1, 0), np.array([[0, 2], [3, 0], [-1, 0], [1, 1]], dtype=np.float32))
    assert order.tolist() == [1, 3, 0, 2]
    assert scores.tolist() == pytest.approx([1.0, 2**-0.5, 0.0, -1.0], abs=1e-6)


@given(st.integers(0, 2**32 - 1), st.integers(2, 30))
def test_equal_candidates_keep_the_order_in_which_they_came(seed: int, copies: int) -> None:
    rng = np.random.default_rng(seed)
    query, candidate = rng.normal(size=(2, 384)).astype(np.float32)
    noise = rng.normal(size=(copies, 384)).astype(np.float32) * np.float32(1e-9)
    order, _ = rank(query, candidate + noise)
    assert order.tolist() == list(range(copies))


def test_no_candidates_give_an_empty_order() -> None:
    order, scores = rank(vector(1, 0), np.zeros((0, 2), dtype=np.float32))
    assert order.shape == scores.shape == (0,)


@pytest.mark.parametrize(
    ("query", "candidates"),
    [
        ([0.0, 0.0], [[1.0, 0.0]]),
        ([1.0, 0.0], [[0.0, 0.0]]),
        ([float("nan"), 0.0], [[1.0, 0.0]]),
        ([1.0], [[1.0, 2.0]]),
    ],
)
def test_vectors_without_a_cosine_are_refused(query: list[float], candidates: list[list[float]]) -> None:
    with pytest.raises(ValueError, match=r"undefined|shapes"):
        rank(np.array(query, dtype=np.float32), np.array(candidates, dtype=np.float32))
