"""Trains what suggest_role learns: `python -m tests.corpora.train_roles [--left-out NAME ...]`.

A softmax over sets of needed capabilities, each scored by the sum of its capabilities' logits. A task with `needs`
teaches its set; one with a role alone teaches, with less weight, that its set is one of those for which this role is
the least powerful. Pairs of tasks joined into one teach that needs add up, and tasks beside something forbidden that
this is no need; both are made anew for every epoch.

Two scorers learn so: an adapted MiniLM with the words beside it (`models/train_needs.py`); and the words alone, with an
L2 penalty, by full-batch gradient descent with momentum. A share of the words alone is added to the words beside. The
same tasks, lexicon and encoder give the same `models/needs` and `judgement/roles/head.npz`, which belong together. With
`--left-out` nothing is written; it prints how often the tasks of the named files are right. The held-out tasks are no
part of it.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from aura_ia_mcp.judgement.roles import meaning as trained
from aura_ia_mcp.judgement.roles import shipped
from aura_ia_mcp.judgement.roles.names import fold
from aura_ia_mcp.judgement.roles.needs import BUCKETS
from aura_ia_mcp.models.minilm import Encoder
from aura_ia_mcp.models.train_needs import EPOCHS, OF_SET, Lessons, fit, logits_of, save

Array = npt.NDArray[np.float32]
Need = frozenset[str]

ROOT = Path(__file__).parents[2]
DEV = ROOT / "tests" / "corpora" / "dev"
ROLES = shipped()
HEAD = ROOT / "judgement" / "roles" / "head.npz"
PENALTY = 0.3  # this and the following: measured on authors left out
JOINED, REFUSED, MADE_WEIGHT = 1000, 300, 0.5
ALONE = 0.2  # of the words alone, in the words beside
WITHOUT_NEEDS = 0.3  # what a line counts that has a role alone
UNSEEN = 0.1  # how often a set counts as seen that wasn't
STEPS, POWERS = 300, 50
LONGEST, SHORTEST = 140, 60  # characters of a task that is joined with another, and of an order that is refused
JOINTS = (" and ", "; then ", ", and ", " and also ", ". ")
REFUSALS = (
    "Don't {}",
    "There's no need to {}",
    "You need not {}",
    "The others will {}",
    "Ana will {}",
    "Somebody else will {}",
    "It isn't for you to {}",
    "Later someone can {}",
    "Nobody asks you to {}",
)
NO_VERBS = (
    " is are who what which why how may can could does do did has have the a our should whose where when i we it this"
    " that please there in on from for to your my her his their no any let's nobody somebody someone "
)


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


def joined(tasks: list[Task], turn: int) -> list[Task]:
    """Pairs of short tasks as one, with the needs of both; others every turn."""
    dice = np.random.default_rng(turn)
    short = [task for task in tasks if task.needs and len(task.text) < LONGEST]
    made: list[Task] = []
    while short and len(made) < JOINED:
        one, other = (short[number] for number in dice.integers(len(short), size=2))
        joint, needs = JOINTS[dice.integers(len(JOINTS))], one.needs | other.needs
        if len(needs) <= 5 and needs != one.needs:
            second = other.text if joint == ". " else _lowered(other.text)
            made.append(Task(one.text.rstrip(".?") + joint + second, frozenset([least(needs)]), needs, MADE_WEIGHT))
    return made


def refused(tasks: list[Task], turn: int) -> list[Task]:
    """Short tasks beside an order that is forbidden or somebody else's, which adds no need; others every turn."""
    dice = np.random.default_rng((turn, 1))
    short = [task for task in tasks if task.needs and len(task.text) < LONGEST]
    orders = [task.text for task in short if _is_order(task)]
    made: list[Task] = []
    while orders and len(made) < REFUSED:
        task, order = short[dice.integers(len(short))], orders[dice.integers(len(orders))]
        said = REFUSALS[dice.integers(len(REFUSALS))].format(_lowered(order).rstrip(".!")) + "."
        parts = [task.text if task.text[-1] in ".!?" else task.text + ".", said]
        made.append(replace(task, text=" ".join(parts if dice.random() < 0.6 else parts[::-1]), weight=MADE_WEIGHT))
    return made


def _is_order(task: Task) -> bool:
    """Whether it's one short sentence that begins with its verb."""
    first = task.text.split()[0].strip(",").lower()
    plain = task.text[0].isupper() and task.text.count(".") <= 1 and "?" not in task.text
    return plain and len(task.needs) == 1 and len(task.text) < SHORTEST and f" {first} " not in NO_VERBS


def _lowered(text: str) -> str:
    return text[0].lower() + text[1:]


def sets_of(tasks: list[Task]) -> list[Need]:
    """All sets that were seen, all capabilities alone and all pairs of them."""
    known = sorted(ROLES.document.capabilities)
    pairs = {frozenset(pair) for size in (1, 2) for pair in combinations(known, size)}
    return sorted(pairs | {task.needs for task in tasks if task.needs}, key=lambda needs: (len(needs), sorted(needs)))


def lessons_of(tasks: list[Task]) -> tuple[Lessons, Array]:
    """What tasks teach, with others made of them for every epoch; and how often each set was seen, smoothed."""
    made = [joined(tasks, turn) for turn in range(EPOCHS)]
    found = sets_of([*tasks, *made[0]])
    seen = np.array([UNSEEN + sum(task.needs == needs for task in [*tasks, *made[0]]) for needs in found])
    every, epochs = list(tasks), []
    for turn in range(EPOCHS):
        new = [task for task in [*made[turn], *refused(tasks, turn)] if task.needs in found]
        epochs.append(np.r_[: len(tasks), len(every) : len(every) + len(new)])
        every += new
    of_set = np.array([least(needs) for needs in found])
    exact = np.array([[task.needs == needs for needs in found] for task in every], dtype=np.float32)
    right = np.array([np.isin(of_set, sorted(task.roles)) for task in every], dtype=np.float32)
    unknown = ~exact.any(axis=1)
    exact[unknown], right = right[unknown], np.maximum(right, exact)
    names = sorted(ROLES.document.capabilities)
    sets = np.array([[name in needs for name in names] for needs in found], dtype=np.float32)
    weights = np.array([task.weight for task in every], dtype=np.float32)
    texts, words = [task.text for task in every], words_of(every, alone=False)
    prior, counts = prior_of(seen, of_set), seen.astype(np.float32)
    return Lessons(texts, words, sets, prior, exact, right, weights, epochs), counts


def prior_of(seen: npt.NDArray[Any], of_set: npt.NDArray[np.str_]) -> Array:
    """(sets,): before a task is read, all roles are equally probable."""
    prior: Array = np.log(seen / [seen[of_set == role].sum() for role in of_set]).astype(np.float32)
    return prior


def words_of(tasks: list[Task], *, alone: bool) -> Array:
    """(tasks, features)."""
    return np.array([trained.of_words(task.text, alone=alone) for task in tasks], dtype=np.float32)


def train(x: Array, lessons: Lessons) -> Array:
    """(columns of x, capabilities): the weights with the least loss over the tasks of the first epoch, rows of x."""
    rows = lessons.epochs[0]
    sets, matter, exact, right = lessons.sets, lessons.weights[rows, None], lessons.exact[rows], lessons.right[rows]
    weights = before = np.zeros((x.shape[1], sets.shape[1]), np.float32)
    step = len(x) / (2 * _norm(x) ** 2 + PENALTY)
    for turn in range(1, STEPS + 1):
        ahead = weights + np.float32((turn - 1) / (turn + 2)) * (weights - before)  # Nesterov 1983
        found = _softmax(x @ ahead @ sets.T + lessons.prior)
        wanted = OF_SET * _within(found, exact) + (1 - OF_SET) * _within(found, right)
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


def learn(tasks: list[Task], encoder: Encoder) -> tuple[Any, trained.Head]:
    """The network and the head that learnt from these tasks."""
    lessons, seen = lessons_of(tasks)
    network, words = fit(encoder, lessons)
    first = [Task(lessons.texts[row], frozenset()) for row in lessons.epochs[0]]
    alone = train(words_of(first, alone=True), lessons)
    words = words + ALONE * alone / scale_of_words()[:, None]
    names = tuple(sorted(ROLES.document.capabilities))
    numbers = (array.astype(np.float64) for array in (words, alone, lessons.sets, seen))
    return network, trained.Head(names, trained.feature_names(), "", *numbers)


def scale_of_words() -> Array:
    """(features,): how much less each weighs beside the network than alone."""
    scale = np.ones(BUCKETS + len(trained.feature_names()) + 1, np.float32)
    scale[:BUCKETS] = trained.OF_WORDS
    return scale


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


def measure(authors: dict[str, list[Task]], left_out: list[str], encoder: Encoder) -> None:
    """Print how often the tasks of these files are ranked right by what learnt from the others."""
    others = [task for name, tasks in authors.items() if name not in left_out for task in tasks]
    network, head = learn(others, encoder)
    for name in left_out:
        tasks = authors[name]
        both = right_share(head, tasks, logits_of(network, encoder, [task.text for task in tasks]))
        print(f"{name}: {both:.3f}, without MiniLM {right_share(head, tasks, None):.3f}, of {len(tasks)}", flush=True)


def write(network: Any, head: trained.Head, encoder: Encoder, lines: int) -> None:
    """Both files."""
    head = replace(head, beside=save(network, encoder, head.capabilities, {"lines": lines}))
    half = {name: getattr(head, name).astype(np.float16) for name in ("words", "alone", "seen")}
    names = {name: np.array(getattr(head, name)) for name in ("capabilities", "features", "beside")}
    arrays: dict[str, Any] = half | names | {"sets": head.sets.astype(np.uint8)}
    np.savez_compressed(HEAD, **arrays)


def main() -> None:
    """Train on all and write, or measure on files left out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--left-out", nargs="+", metavar="NAME", help="such as roles-3")
    left_out = parser.parse_args().left_out
    authors = {path.stem: tasks_of(path) for path in sorted(DEV.glob("roles*.jsonl"))}
    encoder = Encoder.load(None, device="cpu", threads=1)
    if left_out:
        measure(authors, left_out, encoder)
        return
    tasks = [task for tasks in authors.values() for task in tasks]
    write(*learn(tasks, encoder), encoder, len(tasks))


if __name__ == "__main__":
    main()
