"""Trains the words' part of the injection detector: `python -m tests.corpora.train_injection [--cross-validate]`.

Logistic regression over the features of `judgement/inspection/injection/wordscore.py`. Lines: the authors' in
`dev/texts*.jsonl`, phrases with choices in `models/injection/*.txt`, requests, and paragraphs of ordinary documentation
as lines that must pass. The same lines and packages give the same weights. Thresholds come from predictions for authors
that were left out; held-out lines are no part of it.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import io
import json
import random
import sysconfig
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import re2
import scipy.sparse
from sklearn.linear_model import LogisticRegression

from aura_ia_mcp.judgement.inspection.injection import wordscore as ws
from aura_ia_mcp.judgement.inspection.injection.fold import fold
from aura_ia_mcp.judgement.inspection.injection.lexicon import lexicon, symbols
from aura_ia_mcp.judgement.inspection.injection.pieces import Pieces
from aura_ia_mcp.judgement.inspection.injection.sentences import rows_of
from aura_ia_mcp.models.train_injection import piece_vectors, pieces

ROOT = Path(__file__).parents[2]
DEV = ROOT / "tests" / "corpora" / "dev"
PHRASES = ROOT / "models" / "injection"
FOLDER = ROOT / "judgement" / "inspection" / "injection"
WIDTH = 256
CHOICES = {"attacks": 8, "ordinary": 10}  # of each phrase with choices
STRENGTH = 10.0
WEIGHT = {"author": 1.0, "phrase": 0.5, "document": 0.5}
SCALES = (1.0, 1.0, 1.0, 1.0, 0.25)  # of words, pairs, concepts, pairs of concepts, vectors; cross-validated
LEAST_SEEN = 2
CALM, CERTAIN = 0.01, 0.001  # of the benign lines of authors left out may be stopped, may be blocked
_CHOICE = re2.compile(r"\{([^{}]*\|[^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Line:
    """A text, whether it's an injection, who wrote it, and what kind of source that is."""

    text: str
    hostile: bool
    author: str
    kind: str
    family: str = ""


def of_authors() -> list[Line]:
    """English lines in plain writing; what is encoded or foreign is the decoders' and the lexicon's."""
    found = []
    for path in sorted(DEV.glob("texts*.jsonl")):
        for row in map(json.loads, filter(str.strip, path.read_text("utf-8").split("\n"))):
            if row["language"] == "en" and row["encoding"] == "plain":
                found.append(Line(row["text"], row["label"] == "injection", path.stem, "author", row["family"]))
    return found


def of_phrases(name: str) -> Iterator[Line]:
    """Some wordings of every phrase."""
    chance = random.Random(name)
    for path in sorted(PHRASES.glob(f"{name}*.txt")):
        for phrase in path.read_text("utf-8").split("\n"):
            if "|" in phrase:
                wordings = {_worded(phrase.replace("\\n", "\n"), chance) for _ in range(CHOICES[name])}
                yield from (Line(text, name == "attacks", name, "phrase") for text in sorted(wordings))


def _worded(phrase: str, chance: random.Random) -> str:
    while match := _CHOICE.search(phrase):
        phrase = phrase[: match.start()] + chance.choice(match.group(1).split("|")) + phrase[match.end() :]
    return phrase


def of_documents() -> Iterator[Line]:
    """Requests, our own pages, and what the standard library says of itself."""
    for row in map(json.loads, (DEV / "requests.jsonl").read_text("utf-8").strip().split("\n")):
        if row["language"] == "en":
            yield Line(row["text"], False, "requests", "document")
    for paragraph in paragraphs():
        yield Line(paragraph, False, "documents", "document")


def paragraphs() -> list[str]:
    """Ordinary paragraphs: three of every four; the rest measure."""
    return [text for number, text in enumerate(all_paragraphs()) if number % 4]


def all_paragraphs() -> list[str]:
    """Every tenth paragraph of the standard library's docstrings, and all of our pages."""
    found = []
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                found += (ast.get_docstring(node) or "").split("\n\n")
    found = [text for text in found if len(text) > 20][::5]
    for path in [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]:
        found += [text for text in path.read_text("utf-8").split("\n\n") if len(text) > 20]
    return [text[:600] for text in found]


class Space:
    """Where every feature lies, by what the lines hold."""

    def __init__(self, lines: list[Line]) -> None:
        seen = Counter(word for line in lines for word in set(fold(line.text).words))
        self.words = sorted(word for word, count in seen.items() if count >= LEAST_SEEN)
        self.numbers = {word: number for number, word in enumerate(self.words, 1)}
        self.concepts = sorted({name for meaning in lexicon().meanings for name in ws.names_of(meaning)})
        self.of = {name: place for place, name in enumerate(self.concepts)}
        self.piece_names = pieces()
        self.vectors = piece_vectors(WIDTH)
        self._cut = Pieces(self.piece_names).cut
        sizes = [len(self.words) + 1, ws.PAIRS, len(self.concepts), len(self.concepts) ** 2]
        self.begins = np.concatenate([[0], np.cumsum(sizes)])

    def row(self, text: str) -> tuple[dict[int, float], npt.NDArray[np.float32]]:
        """A line's features and the mean of its words' vectors."""
        folded = fold(text)
        if not folded.words:
            return {}, np.zeros(WIDTH, np.float32)
        found = symbols(folded)
        word_rows, id_rows, _ = rows_of(folded, found)
        numbers = np.array([self.numbers.get(word, 0) for word in folded.words], np.int64)
        inside = np.flatnonzero(word_rows[:-1] == word_rows[1:])
        told = [(at, [self.of[n] for n in ws.names_of(lexicon().meanings[i])]) for at, i in enumerate(found.ids)]
        told = [(at, names) for at, names in told if names]
        crossed = [
            first * len(self.concepts) + second
            for place, (at, names) in enumerate(told)
            for other, more in told[place + 1 : place + 1 + ws.REACH]
            if other - at <= ws.REACH and id_rows[at] == id_rows[other]
            for first in names
            for second in more
        ]
        blocks: list[Any] = [numbers, ws.pair_places(numbers)[inside], [n for _, names in told for n in names], crossed]
        row: dict[int, float] = {}
        for begin, scale, block in zip(self.begins[:4], SCALES[:4], blocks, strict=True):
            for place in block:
                row[begin + int(place)] = row.get(begin + int(place), 0.0) + scale / np.sqrt(len(block))
        return row, self._mean(folded.words)

    def _mean(self, words: list[str]) -> npt.NDArray[np.float32]:
        total = np.zeros(WIDTH, np.float32)
        for word in words:
            cut, _ = self._cut([word])
            if len(cut):
                total += self.vectors[cut].mean(axis=0)
        return total / np.float32(np.sqrt(len(words)))


def matrix(space: Space, lines: list[Line]) -> Any:
    """(N, features), and how rare each feature is among the lines, which scales it."""
    rows = [space.row(line.text) for line in lines]
    places = [place for row, _ in rows for place in row]
    values = [value for row, _ in rows for value in row.values()]
    starts = np.cumsum([0] + [len(row) for row, _ in rows])
    sparse = scipy.sparse.csr_matrix((values, places, starts), (len(rows), int(space.begins[-1])))
    seen = np.bincount(sparse.indices, minlength=sparse.shape[1])
    rarity = np.where(seen >= LEAST_SEEN, np.log((1 + len(rows)) / (1 + seen)) / 4, 0.0)
    vectors = scipy.sparse.csr_matrix(np.array([vector for _, vector in rows]) * SCALES[4])
    return scipy.sparse.hstack([sparse @ scipy.sparse.diags(rarity), vectors]).tocsr(), rarity


def fit(table: Any, lines: list[Line]) -> Any:
    """The regression, injections weighing as much as the others."""
    hostile = np.array([line.hostile for line in lines])
    weight = np.array([WEIGHT[line.kind] for line in lines])
    weight = weight * np.where(hostile, weight[~hostile].sum() / weight[hostile].sum(), 1.0)
    return LogisticRegression(C=STRENGTH, max_iter=500, tol=1e-3).fit(table, hostile, sample_weight=weight)


def model_of(space: Space, rarity: Any, head: Any, card: dict[str, float]) -> tuple[dict[str, Any], ws.Model]:
    """The arrays that are shipped, and the model that they make."""
    weights = head.coef_[0]
    parts = np.split(weights[: space.begins[-1]] * rarity, space.begins[1:-1])
    words, pairs, concepts, crossed = [part * scale for part, scale in zip(parts, SCALES[:4], strict=True)]
    crossed = crossed.reshape(len(space.concepts), -1)
    piece_weights = space.vectors @ weights[space.begins[-1] :] * SCALES[4]
    arrays = {
        "word_names": _names(space.words),
        "words": words.astype(np.float16),
        "pairs": pairs.astype(np.float16),
        "piece_names": _names(space.piece_names),
        "pieces": piece_weights.astype(np.float16),
        "concept_names": _names(space.concepts),
        "concepts": concepts.astype(np.float16),
        "crossed": crossed.astype(np.float16),
    }
    return arrays, ws.assembled(arrays, {"offset": float(head.intercept_[0]), **card})


def _names(names: Iterable[str]) -> npt.NDArray[np.uint8]:
    return np.frombuffer("\0".join(names).encode(), np.uint8)


def scores(model: ws.Model, lines: Iterable[Line]) -> npt.NDArray[np.float64]:
    """What the detector itself makes of each text, before it's a chance."""
    words = ws.Words(model)
    return np.array([max((j.score for j in ws.judged_of(line.text, words)), default=-9.0) for line in lines])


def threshold(values: npt.NDArray[np.float64], share: float) -> float:
    """What that share of the values lies above."""
    return float(np.sort(values)[::-1][int(share * len(values))])


def cross_validated(space: Space, table: Any, rarity: Any, lines: list[Line]) -> tuple[Any, list[Line]]:
    """Scores of every author's lines by a model that hasn't seen that author."""
    found: list[float] = []
    measured: list[Line] = []
    for author in sorted({line.author for line in lines if line.kind == "author"}):
        seen = np.array([line.author != author for line in lines])
        head = fit(table[seen], [line for line in lines if line.author != author])
        _, model = model_of(space, rarity, head, {"scale": 1.0, "review": 0.0, "block": 0.0})
        left = [line for line in lines if line.author == author]
        of = scores(model, left)
        hostile = np.array([line.hostile for line in left])
        for share in (0.01, 0.02, 0.05):
            at = threshold(of[~hostile], share)
            print(f"{author}: {np.mean(of[hostile] > at):.3f} found at {share:.0%} (above {at:.2f})")
        found += of.tolist()
        measured += left
    return np.array(found), measured


def main() -> None:
    """Train and write, or only tell what authors left out would have seen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cross-validate", action="store_true")
    options = parser.parse_args()
    lines = [*of_authors(), *of_phrases("attacks"), *of_phrases("ordinary"), *of_documents()]
    space = Space(lines)
    table, rarity = matrix(space, lines)
    of, measured = cross_validated(space, table, rarity, lines)
    hostile = np.array([line.hostile for line in measured])
    review, block = threshold(of[~hostile], CALM), threshold(of[~hostile], CERTAIN)
    card = {"scale": calibrated(of, hostile), "review": round(review, 4), "block": round(max(block, review), 4)}
    print(card, f"found {np.mean(of[hostile] > review):.3f}, blocked {np.mean(of[hostile] > block):.3f}")
    if options.cross_validate:
        return
    head = fit(table, lines)
    arrays, _ = model_of(space, rarity, head, card)
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    told: dict[str, Any] = {
        "sha256": hashlib.sha256(file.getvalue()).hexdigest(),
        "offset": float(head.intercept_[0]),
        **card,
    }
    (FOLDER / ws.WEIGHTS).write_bytes(file.getvalue())
    (FOLDER / ws.CARD).write_text(json.dumps(told, indent=1) + "\n", "utf-8")


def calibrated(values: npt.NDArray[np.float64], hostile: npt.NDArray[np.bool_]) -> float:
    """The factor that makes chances of scores (Platt 1999, without an offset)."""
    factors = np.geomspace(0.2, 3.0, 41)
    errors = [float(np.mean((1 / (1 + np.exp(-factor * values)) - hostile) ** 2)) for factor in factors]
    return round(float(factors[int(np.argmin(errors))]), 4)


if __name__ == "__main__":
    main()
