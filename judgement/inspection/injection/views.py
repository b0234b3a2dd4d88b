"""Other ways to read the same words: turned by 13, backwards, with digits for letters, from the last to the first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import accumulate, pairwise

import numpy as np

from .disguise import Disguise, Stretch, stretches
from .fold import Folded, fold
from .leet import with_digits

_BEFORE = frozenset({"the", "your", "my", "an", "their", "our", "every"})
_BEHIND_WORDS = (
    "of to in and or from were is are was you me tell reveal ignore disregard forget show hide send all any with for "
    "by about do give ask that ."
)
_BEHIND = frozenset(_BEHIND_WORDS.split())
_MOST_TURNED = 60  # words; nobody turns a long text round so
_LONG = 1 << 16  # characters; of a longer text only what stands near words in disguise is read otherwise
_AROUND = 40  # words
_MOST_NEAR = 20_000  # words that are read otherwise, of a long text


def views(text: str, folded: Folded) -> Iterator[tuple[Folded, str]]:
    """The readings in which strange words are English, each with a name for a person.

    What isn't in disguise stays as it is. Places are the original text's; within a stretch that is backwards they are
    those of the word that stands there.
    """
    signs = with_digits(text)
    read = folded if signs is text else fold(signs)
    for disguise, found in stretches(read):
        yield from _undisguised(*(_near(read, found) if len(text) > _LONG else (read, found)), disguise)
    if turned_round(folded.words):
        yield _with_words(folded, folded.words[::-1]), "words in turned order"


def _near(folded: Folded, found: list[Stretch]) -> tuple[Folded, list[Stretch]]:
    """Of a long text, the weightiest stretches that there is time for, and the words around them."""
    near = np.zeros(len(folded.words), np.bool_)
    left, kept = _MOST_NEAR, []
    for each in sorted(found, key=lambda each: -each.weight):
        if left > 0:
            kept.append(each._replace(last=min(each.last, each.first + left), words=each.words[:left]))
            near[max(0, each.first - _AROUND) : kept[-1].last + _AROUND] = True
            left -= len(kept[-1].words) + 2 * _AROUND
    numbers = np.cumsum(near) - 1
    there = np.flatnonzero(near)
    words = [folded.words[number] for number in there]
    for gap in np.flatnonzero(np.diff(there) > 1).tolist():
        words[gap] = "."  # what isn't together is no sentence
    kept = [each._replace(first=int(numbers[each.first]), last=int(numbers[each.last - 1]) + 1) for each in kept]
    placed = replace(folded, starts=folded.starts[there], ends=folded.ends[there])
    return _with_words(placed, words), sorted(kept)


def _undisguised(folded: Folded, found: list[Stretch], disguise: Disguise) -> Iterator[tuple[Folded, str]]:
    """The text with what the stretches say; of what is backwards, each order that may be meant."""
    if not disguise.backwards:
        yield _with_words(folded, _replaced(folded.words, found, 1)), disguise.name
        return
    mirrored, straight = (any(turned_round(each.words[::order]) for each in found) for order in (1, -1))
    if straight or not mirrored:
        yield _with_words(folded, _replaced(folded.words, found, 1)), f"words {disguise.name}"
    if mirrored or not straight:
        yield _with_words(folded, _replaced(folded.words, found, -1)), f"text {disguise.name}"


def _replaced(words: list[str], found: list[Stretch], order: int) -> list[str]:
    changed = list(words)
    for each in found:
        changed[each.first : each.last] = each.words[::order]
    return changed


def _with_words(folded: Folded, words: list[str]) -> Folded:
    """The same places with other words."""
    places = np.fromiter(accumulate((len(w) + 1 for w in words[:-1]), initial=1), np.int64, len(words))
    return replace(folded, flat=f" {' '.join(words)} ", words=words, places=places)


def turned_round(words: list[str]) -> bool:
    """Whether small words stand in an order that only a text read from its last word has: "the of", "your and"."""
    pairs = pairwise([*words, "."])
    return len(words) <= _MOST_TURNED and any(first in _BEFORE and second in _BEHIND for first, second in pairs)
