"""A training set's token states on disk: embedded once, read many times. Used by training only."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .batching import plan
from .minilm import DIMENSIONS, FEATURE_LAYERS, Encoder

WIDTH = DIMENSIONS * len(FEATURE_LAYERS)
EMBED_BATCH = 128
EMBED_TOKENS = 8192
SHUFFLE_TOKENS = 2.0


@dataclass(frozen=True, slots=True)
class TokenStates:
    """Token states of R texts, one after the other.

    Attributes:
        values: (sum of lengths, 1152) float16, on disk.
        lengths: (R,) int64, tokens of each text.
        starts: (R,) int64, where each text begins in `values`.
    """

    values: npt.NDArray[np.float16]
    lengths: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]

    def gather(self, rows: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
        """Pad some texts to a batch: (B, T, 1152) float32 states and (B, T) bool mask."""
        longest = int(self.lengths[rows].max())
        states = np.zeros((len(rows), longest, WIDTH), dtype=np.float32)
        mask = np.arange(longest) < self.lengths[rows][:, None]
        for place, row in enumerate(rows):
            length = self.lengths[row]
            states[place, :length] = self.values[self.starts[row] : self.starts[row] + length]
        return states, mask

    def batches(
        self, rows: npt.NDArray[np.int64], size: int, rng: np.random.Generator | None
    ) -> Iterator[npt.NDArray[np.int64]]:
        """Split rows into batches of similar length; with a generator, the neighbours and the order are random."""
        key = self.lengths[rows].astype(np.float64)
        if rng is not None:
            key += rng.uniform(-SHUFFLE_TOKENS, SHUFFLE_TOKENS, len(rows))
        ordered = rows[np.argsort(key, kind="stable")]
        starts = np.arange(0, len(rows), size)
        if rng is not None:
            rng.shuffle(starts)
        for start in starts:
            yield ordered[start : start + size]


def embed(encoder: Encoder, texts: list[str], folder: Path, step: Callable[[int], None]) -> TokenStates:
    """Run the encoder over all texts, or take the states that an earlier run left in the folder.

    Args:
        encoder: Gives the states.
        texts: R strings.
        folder: Where the states are kept, about 45 KB a text of 20 tokens.
        step: Called with the number of texts done since the last call.
    """
    digest = hashlib.sha256(f"{encoder.sha256} {FEATURE_LAYERS}".encode())
    for text in texts:
        digest.update(hashlib.sha256(text.encode()).digest())
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{digest.hexdigest()[:24]}.f16"
    lengths = np.array(encoder.count_tokens(texts), dtype=np.int64)
    starts = np.cumsum(lengths) - lengths
    shape = (int(lengths.sum()), WIDTH)
    if path.is_file():
        step(len(texts))
    else:
        partial = path.with_suffix(".partial")
        values = np.memmap(partial, dtype=np.float16, mode="w+", shape=shape)
        for group in plan(lengths.tolist(), EMBED_BATCH, EMBED_TOKENS):
            states = encoder.forward([texts[row] for row in group], with_states=True).states
            assert states is not None
            for place, row in enumerate(group):
                values[starts[row] : starts[row] + lengths[row]] = states[place, : lengths[row]]
            step(len(group))
        values.flush()
        partial.replace(path)
    return TokenStates(np.memmap(path, dtype=np.float16, mode="r", shape=shape), lengths, starts)
