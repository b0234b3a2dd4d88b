"""Train the router's classifier: `python -m aura_ia_mcp.models.train_router`, at the root of the repository.

Deterministic: the same files and packages give the same weights. Two heads are trained, with the meaning and without.
Scale and floor come from predictions on lines not learnt from: in five folds, where the head knows other lines of the
same writer and phrases written after looking at errors (too good to be true), and writer by writer, where it knows half
of what the shipped one knows (too bad). Both count alike for scale and floor, and the card has the figures of both.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse
import yaml
from rich.console import Console
from safetensors.numpy import save
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from .intent_features import MEANING_WEIGHT, WIDTH, Features, Floats, features, weighted
from .intents import CARD, FOLDER, WEIGHTS
from .lexicon import ENGLISH, Lexicon
from .minilm import Encoder

REQUESTS = Path("tests/corpora/dev")
PHRASES = ("phrases.yaml", "phrases-2.yaml", "corrections.yaml")
FOLDS = 5
ROUNDS = 400
STRENGTH = {"meaning": 20.0, "words": 20.0}
RIGHT = 0.96  # of the answers, in predictions on lines not learnt from: the floors are the lowest that reach it
FLOORS = np.linspace(0.15, 0.8, 66)
MARGIN = 0.05
BATCH = 32
DIGITS = 4

Split = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]  # rows to learn from, rows to predict


@dataclass(frozen=True, slots=True)
class Line:
    """A text to learn from.

    Attributes:
        text: what a person says.
        label: what it means.
        also: names of other right labels.
        writer: who wrote it: the number that ends the file's name. Writer 2's phrases answer to writer 2's requests.
        measured: whether figures are taken on it; phrases aren't measured on.
    """

    text: str
    label: str
    also: frozenset[str]
    writer: str
    measured: bool


def read_lines(folder: Path) -> list[Line]:
    """Requests that aren't refused for what they would destroy, and all phrases."""
    lines = []
    for path in sorted(folder.glob("requests*.jsonl")):
        for row in map(json.loads, path.read_text("utf-8").splitlines()):
            if row["kind"] == "none" and row["destructive"]:
                continue  # the lexicon of destructive verbs decides these
            name = row.get("name") or ("foreign" if row["scope"] == "foreign" else "unclear")
            also = frozenset(row.get("also", ()))
            lines.append(Line(row["text"], f"{row['kind']}:{name}", also, _writer(path.stem), measured=True))
    for file in PHRASES:
        phrases: dict[str, str] = yaml.safe_load((FOLDER / file).read_text("utf-8"))
        for label, texts in phrases.items():
            lines += [
                Line(text, label, frozenset(), _writer(Path(file).stem), measured=False)
                for text in texts.strip().splitlines()
            ]
    return lines


def _writer(stem: str) -> str:
    return stem.partition("-")[2] or "1"


def rarity_of(rows: list[Features]) -> Floats:
    """(WIDTH,) float32: the rarer a feature, the more it weighs."""
    seen = np.bincount(np.concatenate([row.indices for row in rows]), minlength=WIDTH)
    out: Floats = (np.log((1 + len(rows)) / (1 + seen)) + 1).astype(np.float16).astype(np.float32)
    return out


def matrix(rows: list[Features], rarity: Floats) -> Any:
    """(N, WIDTH) sparse."""
    starts = np.cumsum([0] + [len(row.indices) for row in rows])
    values = np.concatenate([weighted(row, rarity) for row in rows])
    return scipy.sparse.csr_matrix((values, np.concatenate([row.indices for row in rows]), starts), (len(rows), WIDTH))


def embed(texts: list[str]) -> Floats:
    """(N, 384) meanings."""
    encoder = Encoder.load(device="cpu", threads=2)
    order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
    out = np.zeros((len(texts), 384), dtype=np.float32)
    for start in range(0, len(order), BATCH):
        rows = order[start : start + BATCH]
        out[rows] = encoder.encode([texts[row] for row in rows])
    return out


def fit(table: Any, labels: npt.NDArray[np.str_], strength: float) -> LogisticRegression:
    """One head."""
    return LogisticRegression(C=strength, max_iter=ROUNDS).fit(table, labels)


def right(line: Line, label: str) -> bool:
    """Whether an answer counts as right, as tests/corpora/README.md says."""
    kind, _, name = label.partition(":")
    wanted, _, _ = line.label.partition(":")
    if {line.label, label} & {"tool:ollama_consult"} and "model" in {kind, wanted}:
        return True
    return label == line.label or name in line.also or kind == wanted == "none"


def by_fold(lines: list[Line]) -> Iterator[Split]:
    """Five folds of the measured lines; all phrases are learnt from."""
    labels = np.array([line.label for line in lines])
    measured = np.flatnonzero([line.measured for line in lines])
    phrases = np.flatnonzero([not line.measured for line in lines])
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    for seen, unseen in folds.split(measured, labels[measured]):
        yield np.concatenate([measured[seen], phrases]), measured[unseen]


def by_writer(lines: list[Line]) -> Iterator[Split]:
    """Each writer's measured lines, with all that the others wrote to learn from."""
    writers = np.array([line.writer for line in lines])
    measured = np.array([line.measured for line in lines])
    for writer in sorted(set(writers)):
        yield np.flatnonzero(writers != writer), np.flatnonzero((writers == writer) & measured)


def unseen(
    table: Any, lines: list[Line], strength: float, wanted: npt.NDArray[np.bool_], splits: Iterable[Split]
) -> tuple[list[int], Floats, list[str]]:
    """Rows, logits and labels of the measured lines that are `wanted`, each predicted by a head that hasn't seen it."""
    labels = np.array([line.label for line in lines])
    names = sorted(set(labels))
    logits = np.full((len(lines), len(names)), -np.inf, dtype=np.float32)
    for seen, left in splits:
        head = fit(table[seen], labels[seen], strength)
        places = np.array([names.index(name) for name in head.classes_])
        logits[np.ix_(left, places)] = head.decision_function(table[left])
    chosen = [row for row, line in enumerate(lines) if line.measured and wanted[row]]
    return chosen, logits[chosen], names


def probabilities(logits: Floats, scale: float) -> Floats:
    """Softmax of the scaled scores."""
    odds = np.exp(scale * (logits - logits.max(axis=1, keepdims=True)))
    out: Floats = odds / odds.sum(axis=1, keepdims=True)
    return out


def calibrate(logits: Floats, correct: npt.NDArray[np.bool_]) -> float:
    """The scale at which the top probability is nearest to how often it is right (Brier score)."""
    scales = np.geomspace(0.5, 3.0, 61)
    errors = [float(np.mean((probabilities(logits, scale).max(axis=1) - correct) ** 2)) for scale in scales]
    return float(scales[int(np.argmin(errors))])


def threshold(top: Floats, correct: npt.NDArray[np.bool_], answers: npt.NDArray[np.bool_]) -> float:
    """The lowest floor at which RIGHT of the answers are right; answers of kind none are none at any floor."""
    for floor in FLOORS:
        answered = (top >= floor) & answers
        if answered.any() and correct[answered].mean() >= RIGHT:
            return float(floor)
    return float(FLOORS[-1])


def figures(
    lines: list[Line], found: tuple[list[int], Floats, list[str]], scale: float, floor: float | None = None
) -> dict[str, Any]:
    """What a floor gives; without one the lowest at which RIGHT of the answers are right."""
    rows, logits, names = found
    best = logits.argmax(axis=1)
    correct = np.array([right(lines[row], names[place]) for row, place in zip(rows, best, strict=True)])
    top = probabilities(logits, scale).max(axis=1)
    answers = np.array([not names[place].startswith("none:") for place in best])
    ours = np.array([not lines[row].label.startswith("none:") for row in rows])
    chosen = threshold(top, correct, answers) if floor is None else floor
    answered = (top >= chosen) & answers
    return {
        "floor": round(chosen, DIGITS),
        "measured": len(rows),
        "top1": round(float(correct.mean()), DIGITS),
        "right_when_answered": round(float(correct[answered].mean()), DIGITS),
        "answered": round(float(answered[ours].mean()), DIGITS),
        "foreign_answered": int(answered[~ours].sum()),
    }


def train_head(table: Any, lines: list[Line], name: str, wanted: npt.NDArray[np.bool_]) -> tuple[Any, dict[str, Any]]:
    """A head on all lines, and its card from predictions on lines not learnt from."""
    found = {
        way: unseen(table, lines, STRENGTH[name], wanted, split(lines))
        for way, split in (("by_fold", by_fold), ("by_writer", by_writer))
    }
    ways = list(found.values())
    both = (ways[0][0] + ways[1][0], np.concatenate([logits for _, logits, _ in ways]), ways[0][2])
    correct = np.array(
        [right(lines[row], both[2][place]) for row, place in zip(both[0], both[1].argmax(1), strict=True)]
    )
    scale = calibrate(both[1], correct)
    floor = float(figures(lines, both, scale)["floor"])
    card = {
        "scale": round(scale, DIGITS),
        "floor": round(floor, DIGITS),
        "margin": MARGIN,
        **{way: figures(lines, each, scale, floor) for way, each in found.items()},
    }
    return fit(table, np.array([line.label for line in lines]), STRENGTH[name]), card


def main() -> None:
    """Train, write weights and card, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=Path, default=REQUESTS, help="their folder")
    parser.add_argument("--out", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    lines = read_lines(arguments.requests)
    lexicon = Lexicon.load()
    rows = [features(line.text, lexicon) for line in lines]
    rarity = rarity_of(rows)
    sparse = matrix(rows, rarity)
    vectors = scipy.sparse.csr_matrix(embed([line.text for line in lines]) * np.float32(MEANING_WEIGHT))
    english = np.array([row.words.language == ENGLISH for row in rows])
    tables = {"meaning": scipy.sparse.hstack([vectors, sparse]).tocsr(), "words": sparse}
    wanted = {"meaning": english, "words": np.ones(len(lines), dtype=bool)}
    arrays: dict[str, npt.NDArray[Any]] = {"rarity": rarity.astype(np.float16)}
    cards = {}
    for name, table in tables.items():
        head, cards[name] = train_head(table, lines, name, wanted[name])
        arrays[f"{name}.weights"] = np.ascontiguousarray(head.coef_.T.astype(np.float16))
        arrays[f"{name}.bias"] = head.intercept_.astype(np.float32)
    data = save(arrays)
    card = {
        "labels": [str(label) for label in head.classes_],
        "sha256": hashlib.sha256(data).hexdigest(),
        "lines": len(lines),
        "folds": FOLDS,
        "heads": cards,
    }
    (arguments.out / WEIGHTS).write_bytes(data)
    (arguments.out / CARD).write_text(json.dumps(card, indent=1) + "\n", "utf-8")
    Console().print_json(json.dumps(cards))


if __name__ == "__main__":
    main()
