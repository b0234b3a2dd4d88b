"""Finds letters that are set apart, "i g n o r e", and puts them together again."""

from __future__ import annotations

import math
from collections import Counter
from functools import cache
from itertools import pairwise

import re2

from .lexicon import lexicon
from .vocabulary import is_known
from .wordscore import shipped

_LETTER = r"[0-9A-Za-z\x{80}-\x{B6}\x{B8}-\x{2019}\x{201E}-\x{10FFFF}]"
_BETWEEN = r"[ \t\n.\-_*/|,~+:=\x{B7}'\"!?;@()<>&$#%]{1,7}"
SPACED = re2.compile(rf"(?:^|[^0-9A-Za-z])((?:{_LETTER}{_BETWEEN}){{5,}}{_LETTER})(?:[^0-9A-Za-z]|$)".encode())
_FEWEST = 6  # letters
_BLANK = " \t\n.-_*/|,~+:=\u00b7"  # what letters are set apart by; other signs are of the text
_LONGEST_UNCUT = 7  # letters; longer words of a spaced text that nobody knows are words run together
_MOST_CUT = 300  # letters that are cut into words; more are left as they are
_LONGEST_WORD = 15
_SINGLE = frozenset({"a", "i", "u"})
_STRANGE = 12.0  # what a letter outside any word costs
_LEAST_KNOWN = 0.85  # the part of the letters that must stand in words
_LEAST_MEAN = 2.8  # letters of a word; those of a single strange word make English words as well, but short ones


def joined(piece: str) -> str:
    """What the letters say; words that were run together as well are cut by the words that are known.

    Args:
        piece: a match of `SPACED`.
    """
    letters, gaps = _apart(piece)
    if len(letters) < _FEWEST:
        return ""  # signs that only look like letters
    usual = Counter(gaps[:-1]).most_common(1)[0][0]
    text = "".join(letter + _gap(gap, usual) for letter, gap in zip(letters, gaps, strict=True))
    words = text.split()
    return " ".join(cut(word) if len(word) > _LONGEST_UNCUT and not is_known(word.lower()) else word for word in words)


def _apart(piece: str) -> tuple[list[str], list[str]]:
    """The letters, and what stands behind each."""
    letters: list[str] = []
    gaps: list[str] = []
    for char in piece:
        if char.isalnum():
            letters.append(char)
            gaps.append("")
        elif gaps:
            gaps[-1] += char
    return letters, gaps


def _gap(gap: str, usual: str) -> str:
    """What a gap stands for: nothing, or a space, with the signs in it."""
    if gap == usual:
        return ""
    signs = "".join(char for char in gap if char not in _BLANK)
    return signs if signs and len(gap) <= 2 * len(usual) + len(signs) else f"{signs} "


@cache
def _costs() -> dict[str, float]:
    """The price of each word: MiniLM's vocabulary has the common ones first (Zipf's law)."""
    words = [word for word in (*shipped().model.pieces, *lexicon().known) if word.isalpha() and word.isascii()]
    ranks = {word: rank for rank, word in reversed([*enumerate(words, 20)])}
    return {word: math.log(rank) for word, rank in ranks.items() if is_known(word) or word in _SINGLE}


def cut(letters: str) -> str:
    """Put spaces between words that were run together, so that the words are the most common ones; linear.

    Letters that are no English words are left as they are.
    """
    costs, small = _costs(), letters[:_MOST_CUT].lower()
    best: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, len(small) + 1):
        choices = [
            (best[start][0] + costs.get(small[start:end], _STRANGE * (end - start)), start)
            for start in range(max(0, end - _LONGEST_WORD), end)
        ]
        best.append(min(choices))
    places = [len(small)]
    while places[-1]:
        places.append(best[places[-1]][1])
    places.reverse()
    pieces = [letters[start:end] for start, end in pairwise(places)]
    words = [piece for piece in pieces if piece.lower() in costs]
    known = sum(map(len, words))
    english = known > _LEAST_KNOWN * len(small) and (len(small) > _LONGEST_WORD or known > _LEAST_MEAN * len(words))
    return " ".join(pieces) + letters[_MOST_CUT:] if english else letters
