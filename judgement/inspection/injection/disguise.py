"""Words in disguise, told by what they say otherwise: turned by 13, backwards, with digits for letters."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from operator import ne
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .fold import Folded
from .leet import known_shapes, shaped, translated, unleet, unleet_any
from .vocabulary import LONGEST, is_known, telling

Floats = npt.NDArray[np.float64]

_LETTERS = string.ascii_lowercase.encode()
_TURN = bytes.maketrans(_LETTERS, _LETTERS[13:] + _LETTERS[:13])
_LONG = 6  # letters; such a word is hardly one by chance
_ENOUGH = 2.5  # what the words of a stretch must weigh together
_OF_NEITHER = -0.4  # a word that's as strange otherwise, as those of other languages are
_MOST_AGAINST = 2.0  # plain words between two in disguise that part them
_MOST_APART = 8
_MOST_EDGE = 4  # words at a stretch's ends that may be in disguise belong to it as well


class Disguise(NamedTuple):
    """A way to change words.

    Args:
        name: for a person.
        undo: what a word says, or several between spaces.
        backwards: whether that turns their order as well.
    """

    name: str
    undo: Callable[[str], str]
    backwards: bool = False

    def of(self, words: Sequence[str]) -> list[str]:
        """What each word says."""
        said = self.undo(" ".join(words)).split(" ")
        return said[::-1] if self.backwards else said


def _rot13(text: str) -> str:
    return translated(text, _TURN)


def _backwards(text: str) -> str:
    return text[::-1]


def _both(text: str) -> str:
    return _backwards(_rot13(text))


DISGUISES = (
    Disguise("rot13", _rot13),
    Disguise("backwards", _backwards, True),
    Disguise("rot13, backwards", _both, True),
    Disguise("digits for letters", str),
)
_NOTHING = (0.0,) * len(DISGUISES)


@lru_cache(maxsize=50_000)
def _gains(word: str) -> tuple[float, ...]:
    """How much a word speaks for each disguise: above 0 where only that makes it English, below where it was."""
    if not word.isalnum() or word.isdigit() or len(word) > LONGEST:
        return _NOTHING
    return tuple(_gain(word, unleet(disguise.undo(word))) for disguise in DISGUISES)


def _gain(word: str, meant: str) -> float:
    before, after = is_known(word), is_known(meant)
    if meant == word or len(word) == 1 or (before and after):
        return 0.0
    if not before and not after:
        return _OF_NEITHER * word.isalpha() * (len(word) > 2)  # noqa: PLR2004 - a short word
    gained = after - before
    if len(word) == 2:  # noqa: PLR2004 - a short word
        return 0.5 * gained * word.isalpha()
    weight = 1.5 if len(word) >= _LONG else 1.0
    return gained * (weight + (meant in telling() and gained > 0))


def _table(words: list[str]) -> Floats:
    """(words, disguises) the gains of words, few of which may be English in any way."""
    table = np.zeros((len(words), len(DISGUISES)))
    may_be = np.zeros(len(words), np.bool_)
    strange = np.fromiter((2 < len(word) <= LONGEST and word.isalpha() for word in words), np.bool_, len(words))  # noqa: PLR2004 - a short word
    for place, disguise in enumerate(DISGUISES):
        said = disguise.of(words)
        shapes = shaped(" ".join(said)).split(" ")
        may_be |= np.fromiter(map(known_shapes().__contains__, shapes), np.bool_, len(words))
        table[strange & np.fromiter(map(ne, said, words), np.bool_, len(words)), place] = _OF_NEITHER
    for number in np.flatnonzero(may_be).tolist():
        table[number] = _gains(words[number])
    return table


def is_disguised(strange: Iterable[str]) -> bool:
    """Whether words that aren't known may hold enough in disguise."""
    sums = _NOTHING
    for word in strange:
        sums = tuple(total + max(0.0, gain) for total, gain in zip(sums, _gains(word), strict=True))
    return max(sums) >= _ENOUGH


class Stretch(NamedTuple):
    """Words in a row that are in disguise.

    Args:
        first: the first one's number.
        last: the number after the last one's.
        words: what they say.
        weight: how much they speak for it.
    """

    first: int
    last: int
    words: list[str]
    weight: float


def stretches(folded: Folded) -> Iterator[tuple[Disguise, list[Stretch]]]:
    """For each disguise that there is, where; linear in the words."""
    words = folded.words
    if not words:
        return
    table = _table(folded.distinct)
    for place in np.flatnonzero((table > 0).any(axis=0)).tolist():
        found = [
            Stretch(first, last, _undone(words[first:last], DISGUISES[place]), weight)
            for first, last, weight in _spans(table[:, place][folded.numbers], words)
        ]
        if found:
            yield DISGUISES[place], found


def _spans(gains: Floats, words: list[str]) -> Iterator[tuple[int, int, float]]:
    """(first, last, weight) of the stretches, in order, none over another."""
    sums = np.concatenate(([0.0], np.cumsum(gains)))
    there = np.flatnonzero(gains > 0)
    against = sums[there[:-1] + 1] - sums[there[1:]]
    parted = (against >= _MOST_AGAINST) | (np.diff(there) > _MOST_APART)
    firsts, lasts = there[np.append(True, parted)], there[np.append(parted, True)]
    weights = sums[lasts + 1] - sums[firsts]
    enough = weights >= _ENOUGH
    end = 0
    for first, last, weight in zip(*(each[enough].tolist() for each in (firsts, lasts, weights)), strict=True):
        begin = _edge(words, gains, first, -1, end - 1)
        end = _edge(words, gains, last, 1, len(words)) + 1
        yield begin, end, weight


def _edge(words: list[str], gains: Floats, at: int, step: int, stop: int) -> int:
    """The last word on one side that doesn't speak against the disguise."""
    edge = at
    for place in range(at + step, at + step * _MOST_EDGE, step):
        if place == stop:
            break
        too_short = words[place].isalpha() and len(words[place]) == 2  # noqa: PLR2004
        if gains[place] < _OF_NEITHER or too_short:
            break
        if words[place].isalnum():
            edge = place
    return edge


def _undone(words: list[str], disguise: Disguise) -> list[str]:
    """What the words say; digits alone may be words where others have digits in them."""
    mixed = any(not word.isalpha() and not word.isdigit() and word.isalnum() for word in words)
    read = unleet_any if mixed else unleet
    return [read(disguise.undo(word)) for word in words]
