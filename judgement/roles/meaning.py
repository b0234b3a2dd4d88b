"""The trained part of suggest_role: how much a task's words and meaning speak for each capability being needed.

`tests/corpora/train_roles.py` makes `head.npz` from the labelled tasks in `tests/corpora/dev/roles*.jsonl`. The head
knows capabilities and no roles, so it serves roles that were added later as well as those shipped.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from .needs import BUCKETS, buckets, lexicon

Floats = npt.NDArray[np.float64]
OF_WORDS, OF_LEXICON, OFFSET = 0.25, 0.3, 0.25
"""What features weigh beside a vector of length 1, so that one penalty suits all; cross-validated by author."""


@dataclass(frozen=True)
class Head:
    """Weights, and the sets of needs among which they choose.

    Args:
        capabilities: names, the columns of all else.
        features: names of the lexicon's features.
        meaning: (384, capabilities), for the vector of all-MiniLM-L6-v2.
        words: (features of `of_words`, capabilities), for use beside the vector.
        alone: likewise, for use without a vector.
        sets: (sets, capabilities), 1 where a set holds a capability.
        seen: (sets,), how often a set was seen in training, smoothed.
    """

    capabilities: tuple[str, ...]
    features: tuple[str, ...]
    meaning: Floats
    words: Floats
    alone: Floats
    sets: Floats
    seen: Floats

    def logits(self, task: str, near: Mapping[str, float] | None) -> Floats:
        """(capabilities,): how much a task speaks for each; `near` is what `meaning` returned, None goes by words."""
        given = of_words(task, alone=near is None)
        if near is None:
            return np.asarray(given @ self.alone)
        return np.asarray(given @ self.words) + [near.get(name, 0.0) for name in self.capabilities]


def feature_names() -> tuple[str, ...]:
    """The lexicon's groups and needs, in the order of their weights."""
    found = lexicon()
    return (*found.words, *(f"needs {name}" for name in found.needs))


def of_words(task: str, *, alone: bool) -> Floats:
    """(BUCKETS + lexicon's features + 1,): hashed words and pairs, concepts of the lexicon, and an offset."""
    found = lexicon().groups(task)
    there = found | {f"needs {name}" for name in lexicon().needs_of(found)}
    hashed = np.zeros(BUCKETS)
    hashed[sorted(buckets(task))] = 1.0
    hashed *= (1.0 if alone else OF_WORDS) / max(1.0, float(np.sqrt(hashed.sum())))
    return np.concatenate([hashed, [OF_LEXICON * (name in there) for name in feature_names()], [OFFSET]])


@cache
def head() -> Head:
    """The head that comes with the system."""
    data = (files("aura_ia_mcp.judgement.roles") / "head.npz").read_bytes()
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        numbers = {name: arrays[name].astype(np.float64) for name in ("meaning", "words", "alone", "sets", "seen")}
        return Head(tuple(arrays["capabilities"].tolist()), tuple(arrays["features"].tolist()), **numbers)


def meaning(vector: Sequence[float]) -> dict[str, float]:
    """How much a text's meaning speaks for each capability being needed (logits).

    Args:
        vector: of all-MiniLM-L6-v2, (384,), of length 1.

    Raises:
        ValueError: it has another length.
    """
    if len(vector) != len(head().meaning):
        raise ValueError(f"the vector has {len(vector)} numbers, not those of all-MiniLM-L6-v2")
    return dict(zip(head().capabilities, (np.asarray(vector) @ head().meaning).tolist(), strict=True))
