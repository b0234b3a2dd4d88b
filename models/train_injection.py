"""MiniLM's word pieces as vectors, once and for all: what the injection detector's words are learned through.

Each piece goes through the encoder by itself; what all share is taken away and the widest directions are kept, so that
words of like meaning lie near each other without a model at hand. The idea is model2vec's (Minish Lab 2024).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .minilm import DIMENSIONS, Encoder, packaged_folder

Floats = npt.NDArray[np.float32]

_BATCH = 1024
_HALF = 0.5  # directions are brought half-way to the same width


def pieces() -> list[str]:
    """MiniLM's vocabulary, in the order of its numbers."""
    return (packaged_folder() / "vocab.txt").read_text("utf-8").rstrip("\n").split("\n")


def piece_vectors(width: int) -> Floats:
    """(P, width) a vector for every piece; the same weights give the same vectors up to signs.

    Args:
        width: dimensions to keep, at most 384.
    """
    encoder = Encoder.load(device="cpu", threads=2)
    names = pieces()
    out = np.zeros((len(names), DIMENSIONS), np.float32)
    for begin in range(0, len(names), _BATCH):
        out[begin : begin + _BATCH] = encoder.encode(names[begin : begin + _BATCH])
    out -= out.mean(axis=0)
    _, lengths, directions = np.linalg.svd(out, full_matrices=False)
    spread = lengths[:width] / np.sqrt(len(out))
    turned: Floats = (out @ directions[:width].T / spread**_HALF).astype(np.float32)
    return turned
