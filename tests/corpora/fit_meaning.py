"""Fits what weighs reader, words and grammar together: `python -m tests.corpora.fit_meaning SCORES...`.

The scores are those of `python -m tests.corpora.train_reader --left-out NAME --scores FILE`: each author's by a reader
that hasn't seen them; the words' are made here in the same way. The thresholds are those that so many of all these
benign lines lie above, no file left out by hand. It writes `judgement/inspection/injection/meaning.json` for the reader
that is in `models/injection`, and prints what authors left out would have seen, by family and encoding.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from aura_ia_mcp.judgement.inspection.injection import meaning, wordscore
from aura_ia_mcp.judgement.inspection.injection.windows import windows
from aura_ia_mcp.models.injection import ReaderCard

from . import train_injection as words
from .train_injection import threshold

FOLDER = words.FOLDER
REVIEW, BLOCK = 0.015, 0.003  # of the benign lines of authors left out may be held, may be blocked
ROUNDS = 4  # in which the window that counts is chosen anew
STRENGTH = 1.0
NOTHING = (-9.0, -1.0, 0.0, 0.0)

Floats = npt.NDArray[np.float64]
Scored = list[tuple[dict[str, Any], Floats]]  # lines, and (W, 4) what is said of each window


def models_without(names: Iterable[str]) -> dict[str, wordscore.Words]:
    """For each author a model of words that hasn't seen that author."""
    kinds = [words.of_phrases("attacks"), words.of_phrases("ordinary"), words.of_documents()]
    lines = [*words.of_authors(), *(line for kind in kinds for line in kind)]
    space = words.Space(lines)
    table, rarity = words.matrix(space, lines)
    made = {}
    for name in names:
        seen = np.array([line.author != name for line in lines])
        head = words.fit(table[seen], [line for line in lines if line.author != name])
        card = {"scale": 1.0, "review": 0.0, "block": 0.0}
        made[name] = wordscore.Words(words.model_of(space, rarity, head, card)[1])
    return made


def scored(rows: list[dict[str, Any]], by: dict[str, wordscore.Words]) -> Scored:
    """What reader, words and grammar say of each line's windows, and which were in disguise."""
    found = []
    for row in rows:
        said = [
            (score, *meaning.features(window, by[row["author"]]))
            for window, score in zip(windows(row["text"]).read, row["scores"], strict=True)
        ]
        found.append((row, np.array(said or [NOTHING])))
    return found


def fitted(lines: Scored) -> tuple[float, Floats]:
    """Offset and weights; of each line the window counts that scores most."""
    hostile = np.array([row["hostile"] for row, _ in lines])
    english = np.array([row["language"] == "en" for row, _ in lines])
    weights, offset = np.array([1.0, 0.0, 0.0, 0.0]), 0.0
    for _ in range(ROUNDS):
        table = np.array([said[np.argmax(said @ weights)] for _, said in lines])
        head = LogisticRegression(C=STRENGTH, class_weight="balanced").fit(table[english], hostile[english])
        weights, offset = head.coef_[0], float(head.intercept_[0])
    return offset, weights


def tell(lines: Scored, together: Floats, review: float) -> None:
    """Who would have been held: by author, family and encoding."""
    groups: dict[str, list[bool]] = defaultdict(list)
    for (row, _), score in zip(lines, together, strict=True):
        held = bool(score >= review)
        if not row["hostile"]:
            groups[f"benign {row['author']}"].append(held)
            groups["benign"].append(held)
        elif row["language"] != "en":
            groups["other languages"].append(held)
        else:
            for name in ("English", f"English {row['author']}", row["family"], f"encoding {row['encoding']}"):
                groups[name].append(held)
    for name, each in sorted(groups.items()):
        print(f"{name}: {sum(each)} of {len(each)}, {np.mean(each):.1%}")


def main() -> None:
    """Fit, tell, write."""
    rows = [row for path in sys.argv[1:] for row in json.loads(Path(path).read_text("utf-8"))]
    write(scored(rows, models_without(sorted({row["author"] for row in rows}))))


def write(lines: Scored) -> None:
    """Fit to these lines, tell, write."""
    offset, weights = fitted(lines)
    together = np.array([offset + float((said @ weights).max()) for _, said in lines])
    calm = together[np.array([not row["hostile"] for row, _ in lines])]
    review, block = (threshold(calm, share) for share in (REVIEW, BLOCK))
    tell(lines, together, review)
    names = ("offset", "meaning", "words", "grammar", "disguise", "review", "block")
    values = (offset, *weights.tolist(), review, max(block, review))
    card = {"reader": ReaderCard.read().version} | {
        name: round(float(value), 4) for name, value in zip(names, values, strict=True)
    }
    (FOLDER / meaning.CARD).write_text(json.dumps({"weights": card}, indent=1) + "\n", "utf-8")
    print(card)


if __name__ == "__main__":
    main()
