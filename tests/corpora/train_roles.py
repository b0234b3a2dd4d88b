"""Trains the head of suggest_role: `python -m tests.corpora.train_roles [--by-author]`.

A softmax over sets of needed capabilities, each scored by the sum of its capabilities' logits, with an L2 penalty, by
full-batch gradient descent with momentum. A task with `needs` teaches its set; one with a role alone teaches that its
set is one of those for which this role is the least powerful. Pairs of tasks joined into one teach that needs add up.
The same tasks, lexicon and encoder give the same `judgement/roles/head.npz`. The held-out tasks are no part of it.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from aura_ia_mcp.judgement.roles import meaning as trained
from aura_ia_mcp.judgement.roles import shipped
from aura_ia_mcp.judgement.roles.names import fold
from aura_ia_mcp.models.minilm import Encoder

Array = npt.NDArray[np.float64]
Need = frozenset[str]

ROOT = Path(__file__).parents[2]
DEV = ROOT / "tests" / "corpora" / "dev"
HEAD = ROOT / "judgement" / "roles" / "head.npz"
PENALTY = 0.3  # this and the following: cross-validated by author
JOINED, JOINED_WEIGHT = 1000, 0.5
OF_SET = 0.5  # of the loss is for the set, the rest for the role
UNSEEN = 0.1  # how often a set counts as seen that wasn't
STEPS = 300
LONGEST = 140  # characters of a task that is joined with another
JOINTS = (" and ", "; then ", ", and ", " and also ", ". ")


@dataclass(frozen=True)
class Task:
    """A labelled task: the right roles, and what it needs where its author said so."""

    text: str
    roles: frozenset[str]
    needs: Need = frozenset()
    weight: float = 1.0


def tasks_of(path: Path) -> list[Task]:
    """One author's tasks."""
    return [
        Task(
            line["text"], frozenset(map(fold, (line["role"], *line.get("also", ())))), frozenset(line.get("needs", ()))
        )
        for line in map(json.loads, path.read_text("utf-8").splitlines())
    ]


def least(needs: Need) -> str:
    """The role that has all these with the least power."""
    roles = shipped()
    able = [name for name in roles.engineers if needs <= roles.own(name)]
    return min(able, key=lambda name: (roles.by_name[name].trust, len(roles.own(name)), name))


def joined(tasks: list[Task]) -> list[Task]:
    """Pairs of short tasks as one, with the needs of both."""
    dice = np.random.default_rng(0)
    short = [task for task in tasks if task.needs and len(task.text) < LONGEST]
    made: list[Task] = []
    while short and len(made) < JOINED:
        one, other = (short[number] for number in dice.integers(len(short), size=2))
        joint, needs = JOINTS[dice.integers(len(JOINTS))], one.needs | other.needs
        if len(needs) <= 5 and needs != one.needs:
            second = other.text if joint == ". " else other.text[0].lower() + other.text[1:]
            made.append(Task(one.text.rstrip(".?") + joint + second, frozenset([least(needs)]), needs, JOINED_WEIGHT))
    return made


def sets_of(tasks: list[Task]) -> list[Need]:
    """All sets that were seen, all capabilities alone and all pairs of them."""
    known = sorted(shipped().document.capabilities)
    pairs = {frozenset(pair) for size in (1, 2) for pair in combinations(known, size)}
    return sorted(pairs | {task.needs for task in tasks if task.needs}, key=lambda needs: (len(needs), sorted(needs)))


def train(x: Array, tasks: list[Task], sets: Array, prior: Array, exact: Array, right: Array) -> Array:
    """(columns of x, capabilities): the weights with the least loss."""
    weights = before = np.zeros((x.shape[1], sets.shape[1]))
    matter = np.array([[task.weight] for task in tasks])
    step = len(x) / (2 * np.linalg.norm(x, 2) ** 2 + PENALTY)
    for turn in range(1, STEPS + 1):
        ahead = weights + (turn - 1) / (turn + 2) * (weights - before)  # Nesterov 1983
        found = _softmax(x @ ahead @ sets.T + prior)
        wanted = OF_SET * _within(found, exact) + (1 - OF_SET) * _within(found, right)
        slope = (x.T @ ((found - wanted) * matter @ sets) + PENALTY * ahead) / len(x)
        before, weights = weights, ahead - step * slope
    return weights


def _within(found: Array, allowed: Array) -> Array:
    kept = found * allowed
    return np.asarray(kept / (kept.sum(axis=1, keepdims=True) + 1e-12))


def _softmax(logits: Array) -> Array:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def fit(tasks: list[Task], encoder: Encoder) -> trained.Head:
    """A head that learnt from these tasks."""
    tasks = [*tasks, *joined(tasks)]
    names, found = tuple(sorted(shipped().document.capabilities)), sets_of(tasks)
    seen = np.array([UNSEEN + sum(task.needs == needs for task in tasks) for needs in found])
    of_set = np.array([least(needs) for needs in found])
    prior = np.log([count / seen[of_set == role].sum() for count, role in zip(seen, of_set, strict=True)])
    exact = np.array([[float(task.needs == needs) for needs in found] for task in tasks])
    right = np.array([np.isin(of_set, sorted(task.roles)) for task in tasks], dtype=np.float64)
    unknown = ~exact.any(axis=1)
    exact[unknown], right = right[unknown], np.maximum(right, exact)
    sets = np.array([[float(name in needs) for name in names] for needs in found])
    vectors = vectors_of([task.text for task in tasks], encoder)
    words, alone = (np.array([trained.of_words(task.text, alone=flag) for task in tasks]) for flag in (False, True))
    both = train(np.hstack([vectors, words]), tasks, sets, prior, exact, right)
    lone = train(alone, tasks, sets, prior, exact, right)
    width = vectors.shape[1]
    return trained.Head(names, trained.feature_names(), both[:width], both[width:], lone, sets, seen)


def vectors_of(texts: list[str], encoder: Encoder) -> Array:
    """(texts, 384)."""
    return np.concatenate([encoder.encode(texts[at : at + 32]) for at in range(0, len(texts), 32)]).astype(np.float64)


def right_share(head: trained.Head, tasks: list[Task], vectors: Array | None) -> float:
    """How often the role of the most probable sets is right; by words alone where there are no vectors."""
    of_set = np.array([least(frozenset(np.array(head.capabilities)[row > 0])) for row in head.sets])
    total = {role: head.seen[of_set == role].sum() for role in of_set}
    prior = np.log(head.seen / [total[role] for role in of_set])
    right = 0
    for number, task in enumerate(tasks):
        logits = trained.of_words(task.text, alone=vectors is None) @ (head.alone if vectors is None else head.words)
        logits = logits if vectors is None else logits + vectors[number] @ head.meaning
        shares = _softmax((head.sets @ logits + prior)[None])[0]
        right += max(total, key=lambda role: float(shares[of_set == role].sum())) in task.roles
    return right / len(tasks)


def by_author(authors: dict[str, list[Task]], encoder: Encoder) -> None:
    """Print how often each author's tasks are ranked right by a head that learnt from the others."""
    for name, tasks in authors.items():
        head = fit([task for other, theirs in authors.items() if other != name for task in theirs], encoder)
        both = right_share(head, tasks, vectors_of([task.text for task in tasks], encoder))
        print(f"{name}: {both:.3f}, without MiniLM {right_share(head, tasks, None):.3f}, of {len(tasks)}", flush=True)


def main() -> None:
    """Train on all and write, or measure by author."""
    authors = {path.name: tasks_of(path) for path in sorted(DEV.glob("roles*.jsonl"))}
    encoder = Encoder.load(None, device="cpu", threads=1)
    if "--by-author" in sys.argv:
        by_author(authors, encoder)
        return
    head = fit([task for tasks in authors.values() for task in tasks], encoder)
    half = {name: getattr(head, name).astype(np.float16) for name in ("meaning", "words", "alone", "seen")}
    names = {"capabilities": np.array(head.capabilities), "features": np.array(head.features)}
    arrays: dict[str, Any] = half | names | {"sets": head.sets.astype(np.uint8)}
    np.savez_compressed(HEAD, **arrays)


if __name__ == "__main__":
    main()
