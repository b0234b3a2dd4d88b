"""Order candidates by cosine similarity to a query."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

DECIMALS = 6


def rank(
    query_vec: npt.NDArray[np.float32], candidate_vecs: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Order candidates by cosine, best first; equal scores keep the order in which the candidates came.

    Args:
        query_vec: (D,) float32, any length but zero.
        candidate_vecs: (N, D) float32, rows of any length but zero. N may be 0.

    Returns:
        order: (N,) int64, indices of the candidates, best first.
        scores: (N,) float32 in [-1, 1], in that same order, rounded to 6 decimals.

    Raises:
        ValueError: If the shapes don't fit, or a vector is zero or not finite: it has no direction.
    """
    if query_vec.ndim != 1 or candidate_vecs.ndim != 2 or candidate_vecs.shape[1] != query_vec.shape[0]:  # noqa: PLR2004
        raise ValueError(f"shapes {query_vec.shape} and {candidate_vecs.shape} are no (D,) and (N, D)")
    query = query_vec.astype(np.float64)
    candidates = candidate_vecs.astype(np.float64)
    lengths = np.linalg.norm(candidates, axis=1) * np.linalg.norm(query)
    if not np.all(np.isfinite(lengths)) or np.any(lengths == 0):
        raise ValueError("a vector is zero or not finite, so its cosine is undefined")
    # Rounded, so that float noise (a text embedded in another batch differs by 1e-7) doesn't break a tie.
    scores = np.round(np.clip(candidates @ query / lengths, -1.0, 1.0), DECIMALS)
    order = np.argsort(-scores, kind="stable").astype(np.int64)
    return order, scores[order].astype(np.float32)
