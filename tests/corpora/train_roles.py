"""Trains what suggest_role learns: `python -m tests.corpora.train_roles [--by-author]`.

A softmax over sets of needed capabilities, each scored by the sum of its capabilities' logits. A task with `needs`
teaches its set; one with a role alone teaches, with less weight, that its set is one of those for which this role is
the least powerful. Pairs of tasks joined into one teach that needs add up.

Two scorers learn so: a network over MiniLM's token states with the words beside it (`models/train_needs.py`), the mean
of three; and the words alone, with an L2 penalty, by full-batch gradient descent with momentum. The same tasks, lexicon
and encoder give the same `models/needs` and `judgement/roles/head.npz`, which belong together. The held-out tasks are
no part of it.
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from aura_ia_mcp.judgement.roles import meaning as trained
from aura_ia_mcp.judgement.roles import shipped
from aura_ia_mcp.judgement.roles.names import fold
from aura_ia_mcp.models.minilm import Encoder
from aura_ia_mcp.models.token_states import TokenStates, embed
from aura_ia_mcp.models.train_needs import OF_SET, Lessons, fit, logits_of, merge, save

Array = npt.NDArray[np.float32]
Need = frozenset[str]

ROOT = Path(__file__).parents[2]
DEV = ROOT / "tests" / "corpora" / "dev"
ROLES = shipped()
HEAD = ROOT / "judgement" / "roles" / "head.npz"
SEEDS = 3
PENALTY = 0.3  # this and the following: cross-validated by author
JOINED, JOINED_WEIGHT = 600, 0.5
WITHOUT_NEEDS = 0.3  # what a line counts that has a role alone
UNSEEN = 0.1  # how often a set counts as seen that wasn't
STEPS, POWERS = 300, 50
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
    found = []
    for line in map(json.loads, path.read_text("utf-8").splitlines()):
        right, needs = frozenset(map(fold, (line["role"], *line.get("also", ())))), frozenset(line.get("needs", ()))
        found.append(Task(line["text"], right, needs, 1.0 if needs else WITHOUT_NEEDS))
    return found


def least(needs: Need) -> str:
    """The role that has all these with the least power."""
    able = [name for name in ROLES.engineers if needs <= ROLES.own(name)]
    return min(able, key=lambda name: (ROLES.by_name[name].trust, len(ROLES.own(name)), name))


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
    known = sorted(ROLES.document.capabilities)
    pairs = {frozenset(pair) for size in (1, 2) for pair in combinations(known, size)}
    return sorted(pairs | {task.needs for task in tasks if task.needs}, key=lambda needs: (len(needs), sorted(needs)))


def lessons_of(tasks: list[Task], states: TokenStates) -> tuple[Lessons, Array]:
    """What tasks teach, and how often each set was seen, smoothed."""
    names, found = sorted(ROLES.document.capabilities), sets_of(tasks)
    seen = np.array([UNSEEN + sum(task.needs == needs for task in tasks) for needs in found], dtype=np.float32)
    of_set = np.array([least(needs) for needs in found])
    exact = np.array([[task.needs == needs for needs in found] for task in tasks], dtype=np.float32)
    right = np.array([np.isin(of_set, sorted(task.roles)) for task in tasks], dtype=np.float32)
    unknown = ~exact.any(axis=1)
    exact[unknown], right = right[unknown], np.maximum(right, exact)
    sets = np.array([[name in needs for name in names] for needs in found], dtype=np.float32)
    weights = np.array([task.weight for task in tasks], dtype=np.float32)
    return Lessons(states, words_of(tasks, alone=False), sets, prior_of(seen, of_set), exact, right, weights), seen


def prior_of(seen: Array, of_set: npt.NDArray[np.str_]) -> Array:
    """(sets,): before a task is read, all roles are equally probable."""
    prior: Array = np.log(seen / [seen[of_set == role].sum() for role in of_set]).astype(np.float32)
    return prior


def words_of(tasks: list[Task], *, alone: bool) -> Array:
    """(tasks, features)."""
    return np.array([trained.of_words(task.text, alone=alone) for task in tasks], dtype=np.float32)


def train(x: Array, lessons: Lessons) -> Array:
    """(columns of x, capabilities): the weights with the least loss."""
    sets, matter = lessons.sets, lessons.weights[:, None]
    weights = before = np.zeros((x.shape[1], sets.shape[1]), np.float32)
    step = len(x) / (2 * _norm(x) ** 2 + PENALTY)
    for turn in range(1, STEPS + 1):
        ahead = weights + np.float32((turn - 1) / (turn + 2)) * (weights - before)  # Nesterov 1983
        found = _softmax(x @ ahead @ sets.T + lessons.prior)
        wanted = OF_SET * _within(found, lessons.exact) + (1 - OF_SET) * _within(found, lessons.right)
        slope = (x.T @ ((found - wanted) * matter @ sets) + PENALTY * ahead) / len(x)
        before, weights = weights, (ahead - np.float32(step) * slope).astype(np.float32)
    return weights


def _norm(x: Array) -> float:
    """The largest singular value, by power iteration."""
    along = np.ones(x.shape[1], np.float32)
    for _ in range(POWERS):
        along = x.T @ (x @ along)
        along /= np.linalg.norm(along)
    return float(np.linalg.norm(x @ along))


def _within(found: Array, allowed: Array) -> Array:
    kept = found * allowed
    return np.asarray(kept / (kept.sum(axis=1, keepdims=True) + 1e-12))


def _softmax(logits: Array) -> Array:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def learn(tasks: list[Task], encoder: Encoder, folder: Path) -> tuple[Any, trained.Head]:
    """The network and the head that learnt from these tasks; token states are kept in the folder."""
    tasks = [*tasks, *joined(tasks)]
    lessons, seen = lessons_of(tasks, states_of(tasks, encoder, folder))
    network, words = merge([fit(lessons, seed) for seed in range(SEEDS)])
    alone = train(words_of(tasks, alone=True), lessons)
    names = tuple(sorted(ROLES.document.capabilities))
    numbers = (array.astype(np.float64) for array in (words, alone, lessons.sets, seen))
    return network, trained.Head(names, trained.feature_names(), "", *numbers)


def states_of(tasks: list[Task], encoder: Encoder, folder: Path) -> TokenStates:
    """MiniLM's, in the order of the tasks."""
    return embed(encoder, [task.text for task in tasks], folder, lambda _: None)


def right_share(head: trained.Head, tasks: list[Task], meaning: Array | None) -> float:
    """How often the role of the most probable sets is right.

    Args:
        head: what scores.
        tasks: by which it is measured.
        meaning: (tasks, capabilities), what the network gives; None goes by words alone.
    """
    of_set = np.array([least(frozenset(np.array(head.capabilities)[row > 0])) for row in head.sets])
    logits: npt.NDArray[Any] = words_of(tasks, alone=meaning is None) @ (head.alone if meaning is None else head.words)
    logits = logits if meaning is None else logits + meaning
    shares = _softmax((logits @ head.sets.T + prior_of(head.seen.astype(np.float32), of_set)).astype(np.float32))
    roles = sorted(set(of_set))
    best = np.argmax([shares[:, of_set == role].sum(axis=1) for role in roles], axis=0)
    return float(np.mean([roles[place] in task.roles for place, task in zip(best, tasks, strict=True)]))


def by_author(authors: dict[str, list[Task]], encoder: Encoder, folder: Path) -> None:
    """Print how often each author's tasks with needs are ranked right by what learnt from the others'."""
    for name, tasks in authors.items():
        if not any(len(task.needs) > 1 for task in tasks):  # no tasks, only roles or phrases
            continue
        others = [task for other, theirs in authors.items() if other != name for task in theirs]
        network, head = learn(others, encoder, folder)
        both = right_share(head, tasks, logits_of(network, states_of(tasks, encoder, folder)))
        print(f"{name}: {both:.3f}, without MiniLM {right_share(head, tasks, None):.3f}, of {len(tasks)}", flush=True)


def write(network: Any, head: trained.Head, encoder: Encoder, lines: int) -> None:
    """Both files."""
    head = replace(head, beside=save(network, encoder.sha256, head.capabilities, {"lines": lines}))
    half = {name: getattr(head, name).astype(np.float16) for name in ("words", "alone", "seen")}
    names = {name: np.array(getattr(head, name)) for name in ("capabilities", "features", "beside")}
    arrays: dict[str, Any] = half | names | {"sets": head.sets.astype(np.uint8)}
    np.savez_compressed(HEAD, **arrays)


def main() -> None:
    """Train on all and write, or measure by author."""
    authors = {path.name: tasks_of(path) for path in sorted(DEV.glob("roles*.jsonl"))}
    encoder = Encoder.load(None, device="cpu", threads=1)
    with tempfile.TemporaryDirectory() as folder:
        if "--by-author" in sys.argv:
            by_author(authors, encoder, Path(folder))
            return
        tasks = [task for tasks in authors.values() for task in tasks]
        network, head = learn(tasks, encoder, Path(folder))
        write(network, head, encoder, len(tasks))


if __name__ == "__main__":
    main()
