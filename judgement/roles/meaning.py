"""The trained part of suggest_role: how much a task's words and meaning speak for each capability being needed.

`tests/corpora/train_roles.py` makes `head.npz` from the labelled tasks in `tests/corpora/dev/roles*.jsonl`, together
with the network over MiniLM in `models/needs`, which gives what the meaning speaks for. Both know capabilities and no
roles, so they serve roles that were added later as well as those shipped.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from .needs import BUCKETS, buckets, lexicon

Floats = npt.NDArray[np.float64]
OF_WORDS, OF_LEXICON, OFFSET = 0.25, 0.3, 0.25
"""What features weigh beside each other; cross-validated by author."""


@dataclass(frozen=True)
class Head:
    """Weights, and the sets of needs among which they choose.

    Args:
        capabilities: names, the columns of all else.
        features: names of the lexicon's features.
        beside: the version of the network beside which `words` were learnt.
        words: (features of `of_words`, capabilities), for use beside what that network gives.
        alone: likewise, for use without it.
        sets: (sets, capabilities), 1 where a set holds a capability.
        seen: (sets,), how often a set was seen in training, smoothed.
    """

    capabilities: tuple[str, ...]
    features: tuple[str, ...]
    beside: str
    words: Floats
    alone: Floats
    sets: Floats
    seen: Floats

    def logits(self, task: str, near: Mapping[str, float] | None) -> Floats:
        """(capabilities,): how much a task speaks for each; `near` is the meaning's part, None goes by words."""
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
        numbers = {name: arrays[name].astype(np.float64) for name in ("words", "alone", "sets", "seen")}
        capabilities, features = (tuple(arrays[name].tolist()) for name in ("capabilities", "features"))
        return Head(capabilities, features, str(arrays["beside"]), **numbers)


def fits(version: str) -> bool:
    """Whether logits of this version of the network are those that this head's words were learnt beside."""
    return version == head().beside
