"""Tells quickly that nothing in a short text can be of interest, as in nearly all: a hundred characters in some 40 µs.

Everything here errs on one side: what isn't plainly calm is looked at properly.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import re2

from .decode import SHORTEST
from .disguise import is_disguised
from .fold import INNER_DOT
from .grammar import needs_of_rules
from .lexicon import lexicon
from .views import turned_round
from .wordscore import REACH, TOGETHER, place_of_pair, shipped

MOST_CHARS = 1500  # from here on whole arrays are faster
_MANY_CAPITALS = 5  # one in so many letters is more than names have
_MARGIN = 0.4  # a score so near the threshold is looked at properly: words are cut more roughly here

# What markup, encodings, spaced letters and letters in digits need.
_ODD = re2.compile(
    rb"[<\[{#]|\n\s*\n|\n\s*\[|[-=*_~,.]{2}|[\"']\s*:\s*[\"'t]|\w=[<{\[]"
    rb"|%[0-9A-Fa-f]{2}|&[#A-Za-z0-9]+;|\\[uxn0-7]|(?:=[0-9A-F]{2}){3}|(?:[01]{8}[ ,]?){6}"
    rb"|(?:(?:\\x|0x)?[0-9A-Fa-f]{2}[ ,:;-]?\s?){8}"
    rb"|(?:\b[0-9]{2,3}[ ,;]+){7}|(?:[.-]{1,6}[ /|]{1,3}){7}"
    rb"|(?:[0-9A-Za-z][ \t\n.\-_*/|,~+:=]{1,5}){5}[0-9A-Za-z](?:[^0-9A-Za-z]|$)"
    rb"|[A-Za-z][0-9@$!|+]+[A-Za-z]|\b[0-9@$][A-Za-z]{2}"
)
_RUN = re2.compile(rb"[A-Za-z0-9+/_-]{12,}")
_SPACED = " .!?;:,()[]{}<>=@\n"
_TABLE = {code: chr(code).lower() if chr(code).isalnum() else " " for code in range(128)}
_TABLE |= {ord(sign): f" {sign} " for sign in _SPACED if sign != " "}
_TABLE |= {ord(sign): ' " ' for sign in "\"`'"} | {ord("."): f" {INNER_DOT} ", 1: " . "}
_TYPOGRAPHIC = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": ",", "…": ".", "\xa0": " "})  # noqa: RUF001
_ENDS = (".", "?", "!", ";")


_Scored = list[tuple[int, float]]


class _Tables(NamedTuple):
    """The model and the rules as lists, which are read by single places faster than arrays."""

    needs: list[int]
    all_needs: int
    width: int
    pairs: list[float]
    meanings: list[float]
    held: list[float]
    kinds: list[int]
    crossed: Any
    size: int


@cache
def _tables() -> _Tables:
    model = shipped().model
    needs, every, width = needs_of_rules()
    pairs, meanings, held, kinds = (part.tolist() for part in (model.pairs, model.meanings, model.held, model.kinds))
    crossed = memoryview(np.ascontiguousarray(model.crossed).reshape(-1).data)
    return _Tables(needs, every, width, pairs, meanings, held, kinds, crossed, len(model.crossed))


def is_calm(text: str) -> bool:
    """Whether a text is short and plain, no rule can match in it, and its words sound ordinary.

    Args:
        text: any.
    """
    if len(text) > MOST_CHARS:
        return False
    if not text.isascii():
        text = text.translate(_TYPOGRAPHIC)
        if not text.isascii():
            return False
    data = text.encode()
    if _ODD.search(data) or any(_is_code(match.group()) for match in _RUN.finditer(data)):
        return False
    words = _words(text)
    known = shipped().model.numbers
    strange = [word for word in words if word not in known]
    return not (strange and is_disguised(strange)) and not turned_round(words) and _no_rule_and_low(words)


def _is_code(run: bytes) -> bool:
    """Whether a long run may be base64 or base32 rather than a long word, a path or a name."""
    if len(run) < SHORTEST * 2 or run.islower() or (run[1:].islower() and b"/" not in run):
        return False
    text = run.decode()
    capitals = sum(map(str.isupper, text))
    return any(map(str.isdigit, text)) or text.isupper() or capitals * _MANY_CAPITALS > len(text)


def _words(text: str) -> list[str]:
    """The words of a plain text, nearly as `fold` has them."""
    if "'" in text:
        parts = text.split("'")
        inner = (first[-1:].isalnum() and second[:1].isalnum() for first, second in pairwise(parts))
        text = parts[0] + "".join(("" if gone else "'") + part for gone, part in zip(inner, parts[1:], strict=True))
    text = f"{text} ".replace(". ", "\x01").replace(".\n", "\x01")
    return text.translate(_TABLE).split()


def _no_rule_and_low(words: list[str]) -> bool:
    """Sentence by sentence, whether rules or the model have anything to say."""
    lex, tables, by = lexicon(), _tables(), shipped()
    known = lex.of_words(words)
    flat = f" {' '.join(words)} "
    phrases: list[tuple[int, int]] = []
    for index, start, stop in lex.phrases.find_matches_as_indexes(flat):
        if flat[stop] == " " or lex.phrase_is_stem[index]:
            phrases.append((flat.count(" ", 0, start + 1) - 1, lex.numbers[lex.phrase_meanings[index]]))
            first = phrases[-1][0]
            last = first + flat.count(" ", start + 1, stop) + 1
            known[first:last] = [phrases[-1][1]] + [-1] * (last - first - 1)
    limit = by.model.review - _MARGIN
    scored = by.of(words)
    sums: list[tuple[float, ...]] = []
    begin = 0
    for at in range(len(words) + 1):
        if at == len(words) or words[at] in _ENDS:
            if at >= begin:
                if _may_match(known[begin:at], tables):
                    return False
                sums.append(_sentence(known[begin : at + 1], scored[begin : at + 1], tables))
            begin = at + 1
    for together in range(1, TOGETHER + 1):
        for first in range(len(sums) - together + 1):
            added = [sum(column) for column in zip(*sums[first : first + together], strict=True)]
            score = by.model.offset + sum(
                weight / max(count, 1.0) ** 0.5 for weight, count in zip(added[:4], added[4:], strict=True)
            )
            if score > limit:
                return False
    return True


def _may_match(known: list[int], tables: _Tables) -> bool:
    """Whether a sentence has all concepts that some rule needs."""
    there = 0
    for number in known:
        if number > 0:
            there |= tables.needs[number]
    there |= tables.all_needs
    met = -1
    mask = (1 << tables.width) - 1
    while there:
        met &= there & mask
        if not met:
            return False
        there >>= tables.width
    return bool(met)


def _sentence(known: list[int], scored: _Scored, tables: _Tables) -> tuple[float, ...]:
    """The sums of one sentence: four weights, four counts."""
    single = double = 0.0
    before = -1
    for number, weight in scored:
        single += weight
        if before >= 0:
            double += tables.pairs[place_of_pair(before, number)]
        before = number
    told = [(at, n) for at, n in enumerate(n for n in known if n >= 0) if n and tables.held[n]]
    concepts = held = crossed = counted = 0.0
    for place, (at, number) in enumerate(told):
        own, row = tables.held[number], tables.kinds[number] * tables.size
        concepts += tables.meanings[number]
        held += own
        for other, second in told[place + 1 : place + 1 + REACH]:
            if other - at > REACH:
                break
            crossed += tables.crossed[row + tables.kinds[second]]
            counted += own * tables.held[second]
    return single, double, concepts, crossed, len(scored), max(0, len(scored) - 1), held, counted
