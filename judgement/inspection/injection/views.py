"""Other ways to read the same words: leet digits, rot13, words or the whole text backwards."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, lru_cache
from itertools import accumulate, pairwise, product

import numpy as np
import re2

from .fold import Folded, fold
from .lexicon import lexicon
from .wordscore import shipped

_LEET = {"0": "o", "1": "il", "2": "z", "3": "e", "4": "a", "5": "s", "6": "gb", "7": "t", "8": "b", "9": "g"}
_LEET_SIGNS = str.maketrans("$@!|€£+", "5411317")
_SIGN_IN_WORD = re2.compile(
    r"[A-Za-z0-9][$!|+€£]+[A-Za-z0-9]|[A-Za-z]@[A-Za-z]{1,4}\b|\b[A-Za-z]{0,2}[$@!|€£+][a-z]{2}".encode()
)
_LONGEST = 20  # letters of a word that is read in other ways
_MOST_READINGS = 16
_TELLING_NAMES = (
    "CANCEL RULES REVEAL BYPASS PRIOR HIDDEN MODEL TOOLACT SEND SECRET USER YOUR TOLD SAID SAFEGUARD BECOME WITHOUT"
)
_TELLING = frozenset(_TELLING_NAMES.split())
_SHORTEST_TELLING = 4
_BEFORE = frozenset({"the", "your", "my", "a", "an", "this", "their"})
_BEHIND_WORDS = "of to in and or from were is are you me tell reveal ignore disregard forget show hide send ."
_BEHIND = frozenset(_BEHIND_WORDS.split())
_MOST_TURNED = 60  # words; nobody turns a long text round so
_FEWEST = 4  # words of a stretch that tell a language
_STRANGE, _ENGLISH = 0.35, 0.7  # at most so many known words as it stands, and at least so many read otherwise
_LONG_TELLING = 6  # letters of a word that tells enough alone


@cache
def _telling() -> frozenset[str]:
    """English words that say what a text in disguise is about."""
    lex = lexicon()
    return frozenset(
        word
        for word, number in lex.known.items()
        if len(word) >= _SHORTEST_TELLING and word.isascii() and lex.meanings[number] & _TELLING
    )


@cache
def _disguised(change: Callable[[str], str]) -> frozenset[str]:
    """The telling words in a disguise, without those that are ordinary words there as well."""
    return frozenset(changed for word in _telling() if not lexicon().of(changed := change(word)))


@cache
def disguises() -> frozenset[str]:
    """What telling words look like turned by 13 or backwards."""
    return _disguised(rot13) | _disguised(backwards)


def _tells(unique: set[str], change: Callable[[str], str]) -> bool:
    """Whether the words are telling in a disguise: two of them, or a long one."""
    found = unique & _disguised(change)
    return len(found) > 1 or any(len(word) >= _LONG_TELLING for word in found)


def rot13(word: str) -> str:
    """A word with its letters turned by 13."""
    return codecs.encode(word, "rot13")


def backwards(word: str) -> str:
    """A word from its end."""
    return word[::-1]


def _with_words(folded: Folded, words: list[str]) -> Folded:
    """The same places with other words."""
    places = np.fromiter(accumulate((len(w) + 1 for w in words[:-1]), initial=1), np.int64, len(words))
    return replace(folded, flat=f" {' '.join(words)} ", words=words, places=places)


@lru_cache(maxsize=8192)
def _unleet_known(word: str) -> str:
    choices = [_LEET.get(char, char) for char in word]
    first = "".join(choice[0] for choice in choices)
    for count, reading in enumerate(product(*choices)):
        if count >= _MOST_READINGS:
            break
        candidate = "".join(reading)
        if lexicon().of(candidate):
            return candidate
    return first


def unleet(word: str) -> str:
    """A word with its digits read as the letters they look like, as a word that is known if there is one."""
    if word.isalpha() or word.isdigit() or not word.isalnum() or not word.isascii() or len(word) > _LONGEST:
        return word
    return _unleet_known(word)


def _unleet_any(word: str) -> str:
    """As `unleet`, in a text where digits alone may be a word as well, if one that is known."""
    read = _unleet_known(word) if word.isdigit() and len(word) <= _LONGEST else unleet(word)
    return word if word.isdigit() and read not in shipped().model.numbers else read


def _turned_by_13(word: str) -> str:
    return _unleet_any(rot13(word))


def _turned_about(word: str) -> str:
    return _unleet_any(backwards(word))


def _stretches(words: list[str]) -> list[list[str]]:
    """The words between signs, as far as they have letters, where there are enough to tell a language."""
    found: list[list[str]] = [[]]
    for word in words:
        if not word.isalnum():
            found.append([])
        elif len(word) > 1 and not word.isdigit():
            found[-1].append(word)
    return [stretch for stretch in found if len(stretch) >= _FEWEST]


def _strange(words: list[str]) -> list[list[str]]:
    """The stretches that aren't English as they stand."""
    return [stretch for stretch in _stretches(words) if _share_known(stretch) <= _STRANGE]


def _share_known(words: list[str]) -> float:
    known = shipped().model.numbers
    return sum(word in known for word in words) / len(words)


def _english_by(strange: list[list[str]], change: Callable[[str], str]) -> bool:
    """Whether such a stretch is English when its words are read otherwise."""
    return any(_share_known([change(word) for word in stretch]) >= _ENGLISH for stretch in strange)


def views(text: str, folded: Folded) -> Iterator[tuple[Folded, str]]:
    """The readings that have telling words or make strange ones English, each with a name for a person.

    Places are the original text's.
    """
    unique = set(folded.words)
    turned = not unique.isdisjoint(disguises())
    strange = _strange(folded.words)
    for change, further, name in ((rot13, _turned_by_13, "rot13"), (backwards, _turned_about, "words backwards")):
        english = _english_by(strange, further)
        if english or (turned and _tells(unique, change)):
            changed = {word: further(word) if english else change(word) for word in unique}
            yield _with_words(folded, [changed[word] for word in folded.words]), name
            if change is backwards:
                yield _backwards(text, _unleet_any if english else str), "text backwards"
    if turned_round(folded.words):
        order = slice(None, None, -1)
        reverse = replace(folded, starts=folded.starts[order], ends=folded.ends[order])
        yield _with_words(reverse, folded.words[order]), "words in turned order"
    yield from _unleet_view(text, folded, strange)


def _unleet_view(text: str, folded: Folded, strange: list[list[str]]) -> Iterator[tuple[Folded, str]]:
    leet = fold(text.translate(_LEET_SIGNS)) if _SIGN_IN_WORD.search(text.encode("utf-8", "replace")) else folded
    if leet is not folded:
        strange = _strange(leet.words)
    english = _english_by(strange, _unleet_any)
    changed = {word: (_unleet_any if english else unleet)(word) for word in set(leet.words) if not word.isalpha()}
    if english or any(word != other and other in _telling() for word, other in changed.items()):
        yield _with_words(leet, [changed.get(word, word) for word in leet.words]), "digits for letters"


def turned_round(words: list[str]) -> bool:
    """Whether small words stand in an order that only a text read from its last word has: "the of", "your and"."""
    pairs = pairwise([*words, "."])
    return len(words) <= _MOST_TURNED and any(first in _BEFORE and second in _BEHIND for first, second in pairs)


def _backwards(text: str, further: Callable[[str], str]) -> Folded:
    folded = fold(text[::-1])
    turned = replace(folded, starts=len(text) - folded.ends, ends=len(text) - folded.starts)
    return _with_words(turned, [further(word) for word in turned.words])
