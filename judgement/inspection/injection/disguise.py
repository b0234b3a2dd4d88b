"""Words in disguise, told by what they say otherwise: turned by 13, backwards, with digits for letters."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .leet import unleet, unleet_any
from .vocabulary import LONGEST, is_known, telling

Floats = npt.NDArray[np.float64]

_TURN = str.maketrans(string.ascii_lowercase, string.ascii_lowercase[13:] + string.ascii_lowercase[:13])
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
        undo: what a word says.
        backwards: whether the words' order may be turned as well.
    """

    name: str
    undo: Callable[[str], str]
    backwards: bool = False


def _rot13(word: str) -> str:
    return word.translate(_TURN)


def _backwards(word: str) -> str:
    return word[::-1]


def _both(word: str) -> str:
    return _backwards(_rot13(word))


def _as_it_is(word: str) -> str:
    return word


DISGUISES = (
    Disguise("rot13", _rot13),
    Disguise("backwards", _backwards, True),
    Disguise("rot13, backwards", _both, True),
    Disguise("digits for letters", _as_it_is),
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
    """

    first: int
    last: int
    words: list[str]


def stretches(words: list[str]) -> Iterator[tuple[Disguise, list[Stretch]]]:
    """For each disguise that there is, where; linear in the words."""
    unique = {word: number for number, word in enumerate(dict.fromkeys(words))}
    table = np.array([_gains(word) for word in unique]).reshape(-1, len(DISGUISES))
    numbers = np.fromiter((unique[word] for word in words), np.int64, len(words))
    for place in np.flatnonzero((table > 0).any(axis=0)).tolist():
        found = [
            Stretch(first, last, _undone(words[first:last], DISGUISES[place]))
            for first, last in _spans(table[:, place][numbers], words)
        ]
        if found:
            yield DISGUISES[place], found


def _spans(gains: Floats, words: list[str]) -> Iterator[tuple[int, int]]:
    """(first, last) of the stretches, in order, none over another."""
    sums = np.concatenate(([0.0], np.cumsum(gains)))
    there = np.flatnonzero(gains > 0)
    against = sums[there[:-1] + 1] - sums[there[1:]]
    parted = np.flatnonzero((against >= _MOST_AGAINST) | (np.diff(there) > _MOST_APART)) + 1
    end = 0
    for group in np.split(there, parted):
        if len(group) and sums[group[-1] + 1] - sums[group[0]] >= _ENOUGH:
            first = _edge(words, gains, int(group[0]), -1, end - 1)
            end = _edge(words, gains, int(group[-1]), 1, len(words)) + 1
            yield first, end


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
