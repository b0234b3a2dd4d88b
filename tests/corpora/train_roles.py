"""Trains the head of suggest_role: `python -m tests.corpora.train_roles [--cross-validate]`.

Softmax regression with an L2 penalty, by full-batch gradient descent with momentum: the same tasks, lexicon and encoder
give the same `judgement/roles/head.json`. The held-out tasks are no part of it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from aura_ia_mcp.judgement.roles import shipped
from aura_ia_mcp.judgement.roles.needs import lexicon
from aura_ia_mcp.models.minilm import Encoder

Array = npt.NDArray[np.float64]

ROOT = Path(__file__).parents[2]
TASKS = ROOT / "tests" / "corpora" / "dev" / "roles.jsonl"
HEAD = ROOT / "judgement" / "roles" / "head.json"
SCALE = 0.25  # of a word feature beside a vector of length 1; cross-validated
PENALTY, PENALTY_ALONE = 0.2, 2.0  # likewise
STEPS = 600
FOLDS = 10


def features() -> list[str]:
    """The names of the word features."""
    found = lexicon()
    return [*found.words, *(f"needs {name}" for name in found.needs)]


def of_words(text: str, names: list[str]) -> list[float]:
    """Which of them a text has."""
    groups = lexicon().groups(text)
    there = groups | {f"needs {name}" for name in lexicon().needs_of(groups)}
    return [float(name in there) for name in names]


def train(x: Array, y: Array, penalty: float) -> Array:
    """Weights (columns of x, columns of y) that minimise the mean log loss; the last column of x is the offset."""
    weights, before = np.zeros((x.shape[1], y.shape[1])), np.zeros((x.shape[1], y.shape[1]))
    step = len(x) / (0.5 * np.linalg.norm(x, 2) ** 2 + penalty)
    for turn in range(1, STEPS + 1):
        ahead = weights + (turn - 1) / (turn + 2) * (weights - before)  # Nesterov 1983
        slope = (x.T @ (_softmax(x @ ahead) - y) + penalty * ahead) / len(x)
        before, weights = weights, ahead - step * slope
    return weights


def _softmax(logits: Array) -> Array:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def main() -> None:
    """Train and write, or tell how often left-out tenths are ranked right."""
    tasks: list[dict[str, Any]] = [json.loads(line) for line in TASKS.read_text("utf-8").splitlines()]
    roles, names = list(shipped().engineers), features()
    texts = [task["text"] for task in tasks]
    encoder = Encoder.load(None, device="cpu", threads=1)
    vectors = np.concatenate([encoder.encode(texts[at : at + 32]) for at in range(0, len(texts), 32)])
    words = np.array([of_words(text, names) for text in texts])
    one = np.ones((len(texts), 1))
    joint, alone = np.hstack([vectors, words * SCALE, one * SCALE]), np.hstack([words, one])
    wanted = np.array([[float(task["role"] == role) for role in roles] for task in tasks])
    if "--cross-validate" in sys.argv:
        for title, x, penalty in (("words and meaning", joint, PENALTY), ("words alone", alone, PENALTY_ALONE)):
            print(f"{title}: {cross_validated(x, wanted, penalty, tasks, roles):.3f} top-1 of {len(tasks)}")
        return
    both, lone = train(joint, wanted, PENALTY), train(alone, wanted, PENALTY_ALONE)
    width = vectors.shape[1]
    head = {
        "features": names,
        "meaning": _rows(both[:width], roles),
        "words": _rows(both[width:] * SCALE, roles),
        "alone": _rows(lone, roles),
    }
    HEAD.write_text(json.dumps(head, separators=(",", ":")) + "\n", "utf-8")


def cross_validated(x: Array, y: Array, penalty: float, tasks: list[dict[str, Any]], roles: list[str]) -> float:
    """The share of tasks ranked right by a head that didn't see their tenth; `also` counts as right."""
    fold = np.random.default_rng(0).permutation(len(tasks)) % FOLDS
    right = 0
    for left_out in range(FOLDS):
        weights = train(x[fold != left_out], y[fold != left_out], penalty)
        for number in np.flatnonzero(fold == left_out):
            best = roles[int(np.argmax(x[number] @ weights))]
            right += best in {tasks[number]["role"], *tasks[number].get("also", ())}
    return right / len(tasks)


def _rows(weights: Array, roles: list[str]) -> dict[str, list[float]]:
    return {role: np.round(weights[:, number], 4).tolist() for number, role in enumerate(roles)}


if __name__ == "__main__":
    main()
