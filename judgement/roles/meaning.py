"""The trained part of suggest_role: a linear head over a task's words and, where a model gave it, its meaning.

`tests/corpora/train_roles.py` makes `head.json` from the labelled tasks in `tests/corpora/dev/roles.jsonl`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from operator import mul

Rows = Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Head:
    """Weights by role.

    Args:
        features: names of the word features: groups and needs of the lexicon.
        meaning: 384 weights for the vector of all-MiniLM-L6-v2, by role.
        words: weights of the features, and a last one as offset, for use beside the vector.
        alone: likewise, for use without a vector.
    """

    features: tuple[str, ...]
    meaning: Rows
    words: Rows
    alone: Rows

    def of_words(self, found: frozenset[str], *, alone: bool) -> dict[str, float]:
        """How much the words speak for each role (logits)."""
        given = [float(name in found) for name in self.features] + [1.0]
        return {role: sum(map(mul, row, given)) for role, row in (self.alone if alone else self.words).items()}


@cache
def head() -> Head:
    """The head that comes with the system."""
    data = json.loads((files("aura_ia_mcp.judgement.roles") / "head.json").read_text("utf-8"))
    return Head(tuple(data["features"]), data["meaning"], data["words"], data["alone"])


def meaning(vector: Sequence[float]) -> dict[str, float]:
    """How much a text's meaning speaks for each role (logits).

    Args:
        vector: of all-MiniLM-L6-v2, (384,), of length 1.

    Raises:
        ValueError: it has another length.
    """
    found = {role: sum(map(mul, row, vector)) for role, row in head().meaning.items()}
    if any(len(row) != len(vector) for row in head().meaning.values()):
        raise ValueError(f"the vector has {len(vector)} numbers, not those of all-MiniLM-L6-v2")
    return found
