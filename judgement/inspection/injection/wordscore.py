"""How much a text's words sound like an injection: a linear model over words, pairs of words and pairs of concepts.

It knows words it was never trained on: each piece of MiniLM's vocabulary has a weight that was learned through the
piece's place in MiniLM's space. `tests/corpora/train_injection.py` makes `wordscore.npz`; nothing but additions
happens here.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .fold import Folded, fold
from .lexicon import Symbols, lexicon, symbols
from .memory import Memory
from .pieces import Pieces
from .sentences import rows_of

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

WEIGHTS, CARD = "wordscore.npz", "wordscore.json"
PAIRS = 1 << 17  # places for pairs of words
REACH = 6  # concepts so far apart still make a pair
TOGETHER = 3  # sentences in a row that are judged as one
_CERTAIN = 4.0  # so far above the upper threshold nothing is left to doubt
_MOST_TOLD = 3
FAINT = -1.0  # nothing below is of interest
_HASH = 1_000_003
_MOST_WORDS = 50_000  # that are remembered
_MOST_STRANGE = 20_000  # different words of one text, more than 64 KB of text can hold, that are cut into pieces


class Judged(NamedTuple):
    """What a stretch of text sounds like.

    Args:
        first: its first symbol.
        last: the symbol after its last.
        score: above 0 when it's more like an injection than not.
    """

    first: int
    last: int
    score: float


class Model(NamedTuple):
    """The weights, laid out for looking up.

    Args:
        words: (W,) by the word's number; 0 is any other word.
        pairs: (PAIRS,) by the hash of two words' numbers.
        meanings: (M,) by meaning, and `held` (M,) how many concepts each holds.
        kinds: (M,) the number of the set of concepts that a meaning holds; many hold the same.
        crossed: (K, K) by the kinds of two symbols near each other.
    """

    numbers: dict[str, int]
    words: Floats
    pairs: Floats
    pieces: dict[str, float]
    meanings: Floats
    held: Floats
    kinds: npt.NDArray[np.intp]
    crossed: Floats
    offset: float
    scale: float
    review: float
    block: float

    def weight(self, score: float, review: float, block: float) -> float:
        """The chance that a score stands for, moved so that both thresholds lie where the detector's do."""
        at = np.interp(score, [self.review, self.block, self.block + _CERTAIN], [review, block, 1.0])
        return float(at)


def names_of(meaning: frozenset[str]) -> list[str]:
    """The concepts of a meaning as the model counts them: a foreign word's stand for the English ones."""
    return sorted({label.partition(":")[0].removeprefix("X_") for label in meaning})


def holding(names: list[str]) -> Floats:
    """(M, C) which concepts each meaning of the lexicon holds."""
    places = {name: place for place, name in enumerate(names)}
    out = np.zeros((len(lexicon().meanings), len(names)), np.float32)
    for row, meaning in enumerate(lexicon().meanings):
        out[row, [places[name] for name in names_of(meaning) if name in places]] = 1
    return out


@cache
def model() -> Model:
    """The weights; read at the first use.

    Raises:
        ValueError: the file isn't the one that its card tells of.
    """
    folder = resources.files(__package__)
    card: dict[str, Any] = json.loads((folder / CARD).read_text("utf-8"))
    data = (folder / WEIGHTS).read_bytes()
    if hashlib.sha256(data).hexdigest() != card["sha256"]:
        raise ValueError(f"{WEIGHTS} isn't the file that {CARD} tells of: train it again or restore both")
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return assembled({name: arrays[name] for name in arrays.files}, card)


def assembled(arrays: dict[str, Any], card: dict[str, Any]) -> Model:
    """The model of these arrays, for the lexicon in force."""
    names = {name: bytes(arrays[f"{name}_names"]).decode().split("\0") for name in ("word", "piece", "concept")}
    holds = holding(names["concept"])
    sets, kinds = np.unique(holds, axis=0, return_inverse=True)
    return Model(
        {word: number for number, word in enumerate(names["word"], 1)},
        arrays["words"].astype(np.float32),
        arrays["pairs"].astype(np.float32),
        dict(zip(names["piece"], arrays["pieces"].astype(float).tolist(), strict=True)),
        holds @ arrays["concepts"].astype(np.float32),
        holds.sum(axis=1),
        kinds.reshape(-1),
        sets @ arrays["crossed"].astype(np.float32) @ sets.T,
        card["offset"],
        card["scale"],
        card["review"],
        card["block"],
    )


class Words:
    """A model with the number and the weight of every word that came, remembered."""

    def __init__(self, of: Model) -> None:
        self.model = of
        self._cut = Pieces(of.pieces)
        self._of_pieces = np.fromiter(of.pieces.values(), np.float64, len(of.pieces))
        self._seen = Memory(self._weighed, _MOST_WORDS, _MOST_STRANGE)

    def of(self, words: Sequence[str]) -> list[tuple[int, float]]:
        """Each word's number, 0 for a strange one, and its weight; of very many strange ones the first are weighed."""
        return self._seen.of(words)

    def _weighed(self, words: Sequence[str]) -> Iterator[tuple[int, float]]:
        numbers = [self.model.numbers.get(word, 0) for word in words]
        weights = self.model.words[numbers].astype(np.float64)
        there = np.flatnonzero(np.logical_or(numbers, np.cumsum(np.equal(numbers, 0)) <= _MOST_STRANGE))
        pieces, rows = self._cut.cut([words[at] for at in there.tolist()])
        cut_into = np.maximum(np.bincount(rows, minlength=len(there)), 1)
        weights[there] += np.bincount(rows, self._of_pieces[pieces], len(there)) / cut_into
        return zip(numbers, weights.tolist(), strict=True)


@cache
def shipped() -> Words:
    """The model in force."""
    return Words(model())


def pair_places(numbers: Ints) -> Ints:
    """(N - 1,) the places of each word with the next one."""
    return (numbers[:-1] * _HASH + numbers[1:]) % PAIRS


def place_of_pair(first: int, second: int) -> int:
    """`pair_places` of two words."""
    return (first * _HASH + second) % PAIRS


def judged_of(text: str, by: Words) -> list[Judged]:
    """`judged`, of a text that nobody has folded yet."""
    folded = fold(text)
    return judged(folded, symbols(folded), by) if folded.words else []


def judged(folded: Folded, text: Symbols, by: Words) -> list[Judged]:
    """How every sentence sounds, and every two and three in a row; linear in the text.

    Args:
        folded: the text's words.
        text: the same as concepts.
        by: the model.
    """
    word_rows, id_rows, size = rows_of(folded, text)
    alone_weights, alone_counts = _sums(folded, word_rows, text.ids, id_rows, size, by)
    weights, counts = alone_weights, alone_counts
    firsts = np.searchsorted(id_rows, np.arange(size))
    lasts = np.searchsorted(id_rows, np.arange(size), "right")
    found: list[Judged] = []
    for together in range(1, min(size, TOGETHER) + 1):
        if together > 1:
            weights = weights[:-1] + alone_weights[together - 1 :]
            counts = counts[:-1] + alone_counts[together - 1 :]
        values = (weights / np.sqrt(np.maximum(counts, 1.0))).sum(axis=1) + by.model.offset
        for row in np.flatnonzero(values > FAINT).tolist():
            if lasts[row + together - 1] > firsts[row]:
                found.append(Judged(int(firsts[row]), int(lasts[row + together - 1]), float(values[row])))
    return found


def _sums(folded: Folded, word_rows: Ints, ids: Ints, id_rows: Ints, size: int, by: Words) -> tuple[Any, Any]:
    """(size, 4) added weights of words, pairs, concepts and pairs of concepts by sentence, and how many were added."""
    scored = chain.from_iterable(by.of(folded.distinct))
    columns = np.fromiter(scored, np.float64, 2 * len(folded.distinct)).reshape(-1, 2)[folded.numbers]
    numbers, single = columns[:, 0].astype(np.int64), columns[:, 1]
    inside = word_rows[:-1] == word_rows[1:]
    double = by.model.pairs[pair_places(numbers)] * inside
    weights = [np.bincount(word_rows, single, size), np.bincount(word_rows[:-1], double, size)]
    counts = [np.bincount(word_rows, minlength=size), np.bincount(word_rows[:-1], inside, size)]
    held = by.model.held[ids]
    told = np.flatnonzero(held)
    at, kinds, rows, held = told, by.model.kinds[ids[told]], id_rows[told], held[told]
    weights.append(np.bincount(rows, by.model.meanings[ids[told]], size))
    counts.append(np.bincount(rows, held, size))
    crossed, counted = np.zeros(size), np.zeros(size)
    for apart in range(1, REACH + 1):
        near = (at[apart:] - at[:-apart] <= REACH) & (rows[apart:] == rows[:-apart])
        crossed += np.bincount(rows[apart:], by.model.crossed[kinds[:-apart], kinds[apart:]] * near, size)
        counted += np.bincount(rows[apart:], held[:-apart] * held[apart:] * near, size)
    return np.array([*weights, crossed]).T, np.array([*counts, counted]).T


def telling(part: Judged, text: Symbols, by: Words) -> str:
    """The concepts that weigh most in a stretch, for a person."""
    weights = {
        name: float(by.model.meanings[number])
        for number in set(text.ids[part.first : part.last].tolist())
        for name in names_of(lexicon().meanings[number])
    }
    most = sorted((name for name, weight in weights.items() if weight > 0), key=lambda name: (-weights[name], name))
    return ", ".join(name.lower() for name in most[:_MOST_TOLD])
