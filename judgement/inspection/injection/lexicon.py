"""Which concepts a word stands for, read from the YAML files beside this one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

import ahocorasick_rs
import numpy as np
import numpy.typing as npt
import yaml

from .fold import INNER_DOT, Folded, fold_terms
from .memory import Memory

# A symbol is one character between U+0800 and U+FFFF: three bytes in UTF-8, so that places are counted by division.
FIRST_SYMBOL = 0x0800
FIRST_END = 0xE000  # the symbols that end a sentence stand apart, so that "no end" is one range
SYMBOL_BYTES = 3
_EXAMPLE = "example"  # in a host's name it says nothing
_SHORTEST_STEM = 2
_MOST_SEEN = 50_000  # words that are remembered
_MOST_AT_ONCE = 20_000  # words of one text; more aren't remembered
_LONGEST_WORD = 40  # a longer one is no word of ours
_PUNCTUATION = {
    ".": "END", "!": "END", "?": "QUESTION", ";": "END", ",": "COMMA", ":": "COLON", '"': "QUOTE", "\n": "NEWLINE",
}  # fmt: skip
_MARKS = {
    "[": "MARK",
    "]": "MARK",
    "<": "MARK",
    ">": "MARK",
    "(": "CODE",
    ")": "CODE",
    "{": "CODE",
    "}": "CODE",
    "=": "CODE",
}

_VERBS = frozenset(
    {"REVEAL", "REPEAT", "CANCEL", "BYPASS", "SEND", "TOOLACT", "STRONGACT", "OBEY", "SAID", "KNOW", "DETECTS"}
)

Meaning = frozenset[str]  # concepts; of other languages with the language: "X_CANCEL:de"


class Symbols(NamedTuple):
    """A text as concepts: one symbol for each word or phrase.

    Args:
        data: the symbols in UTF-8, three bytes each.
        ids: the number of each symbol's meaning in `meanings()`.
        starts: where each begins in the original text.
        ends: where it ends there.
    """

    data: bytes
    ids: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]


class _Lexicon:
    """Words, stems and phrases with their meanings, each meaning numbered."""

    def __init__(self) -> None:
        words: dict[str, set[str]] = defaultdict(set)
        stems: dict[str, set[str]] = defaultdict(set)
        terms = _terms()
        all_folded = fold_terms([term.rstrip("*") for _, term in terms])
        self.open_phrases: set[str] = set()
        for (concept, term), folded in zip(terms, all_folded, strict=True):
            stem = term.endswith("*")
            if folded:
                (stems if stem and " " not in folded else words)[folded].add(concept)
            if stem:
                self.open_phrases.add(folded)
        self.stems = {stem: frozenset(found) for stem, found in stems.items() if len(stem) >= _SHORTEST_STEM}
        self.stem_lengths = sorted({len(stem) for stem in self.stems}, reverse=True)
        self._lengths_by_start = {start: self._lengths_of(start) for start in {s[:_SHORTEST_STEM] for s in self.stems}}
        self.words = {w: self._with_stem(w, frozenset(found)) for w, found in words.items() if " " not in w}
        self.words |= {sign: frozenset({concept}) for sign, concept in (_PUNCTUATION | _MARKS).items()}
        self.words[INNER_DOT] = frozenset({"DOT"})
        phrases = {word: frozenset(found) | self._of_parts(word) for word, found in words.items() if " " in word}
        self.phrase_meanings = list(phrases.values())
        self.phrase_is_stem = [phrase in self.open_phrases for phrase in phrases]
        self.phrases = ahocorasick_rs.AhoCorasick(
            [f" {phrase}" for phrase in phrases], matchkind=ahocorasick_rs.MatchKind.LeftmostLongest
        )
        self.meanings: list[Meaning] = [frozenset()]
        self.numbers: dict[Meaning, int] = {frozenset(): 0}
        for meaning in [*self.words.values(), *self.stems.values(), *self.phrase_meanings]:
            self.number(meaning)
        for word, meaning in list(self.words.items()):
            self.number(self._with_stem(word, meaning))
        self.known = {word: self.number(meaning) for word, meaning in self.words.items()}
        self._seen = Memory(self._of_each, _MOST_SEEN, _MOST_AT_ONCE)

    def number(self, meaning: Meaning) -> int:
        """The meaning's number, a new one the first time."""
        if meaning not in self.numbers:
            self.numbers[meaning] = len(self.meanings)
            self.meanings.append(meaning)
        return self.numbers[meaning]

    def of_words(self, words: Sequence[str]) -> list[int]:
        """`of` each word, remembered for a bounded number of words."""
        return self._seen.of(words)

    def _of_each(self, words: Sequence[str]) -> list[int]:
        """`of`, for words most of which mean nothing."""
        known, starts = self.known, self._lengths_by_start
        return [
            self.of(each) if each in known or each[:_SHORTEST_STEM] in starts or each[-1] == "s" else 0
            for each in words
        ]

    def _with_stem(self, word: str, meaning: Meaning) -> Meaning:
        for length in self.stem_lengths:
            if len(word) >= length and word[:length] in self.stems:
                return meaning | self.stems[word[:length]]
        return meaning

    def _lengths_of(self, start: str) -> list[int]:
        """How long the stems are that begin so, the longest first."""
        return sorted({len(stem) for stem in self.stems if stem.startswith(start)}, reverse=True)

    def _of_parts(self, phrase: str) -> Meaning:
        """What the words of a phrase mean by themselves; the phrase means that too, so that it hides nothing."""
        return frozenset().union(*(self._with_stem(w, self.words.get(w, frozenset())) for w in phrase.split()))

    def of(self, word: str) -> int:
        """The number of a word's meaning, by itself or its longest stem; 0 when it has none."""
        number = self.known.get(word)
        if number is not None or len(word) > _LONGEST_WORD:
            return number or 0
        for length in self._lengths_by_start.get(word[:_SHORTEST_STEM], ()):
            meaning = self.stems.get(word[:length])
            if meaning is not None:
                return self.numbers[meaning]
        if word.endswith("s") and not self.words.get(word[:-1], _VERBS) & _VERBS:
            return self.known[word[:-1]]  # plurals and possessives, whose apostrophe is gone
        return 0


def _terms() -> list[tuple[str, str]]:
    """(concept, term) from the three files."""
    found = []
    for name in ("english", "mention", "languages"):
        for concept, value in load(name).items():
            by_language = {"": value} if isinstance(value, str) else value
            for language, line in by_language.items():
                label = f"{concept}:{language}" if language else concept
                found += [(label, term) for term in line.split(",") if term.strip()]
    return found


def load(name: str) -> dict[str, Any]:
    """One of the YAML files beside this module."""
    text = (resources.files(__package__) / f"{name}.yaml").read_text("utf-8")
    data: dict[str, Any] = yaml.load(text, Loader=yaml.CSafeLoader)
    return data


@cache
def lexicon() -> _Lexicon:
    """The one lexicon; read at the first use."""
    return _Lexicon()


def symbols(folded: Folded) -> Symbols:
    """Put concepts for words and phrases; ordinary words get the symbol of none."""
    lex = lexicon()
    ids = np.array(lex.of_words(folded.distinct), np.int64)[folded.numbers]
    ends = folded.ends.copy()
    newline, end, dot = lex.known["\n"], lex.known["."], lex.known[INNER_DOT]
    dots = ids == dot
    beside = np.zeros(len(ids), np.bool_)
    beside[:-1] |= dots[1:]
    beside[1:] |= dots[:-1]
    ids[[at for at in np.flatnonzero(beside).tolist() if _EXAMPLE in folded.words[at]]] = 0
    lines = ids == newline
    ids[1:][lines[1:] & lines[:-1]] = end  # an empty line ends the sentence, one line's end doesn't
    keep = ids != newline
    matches = lex.phrases.find_matches_as_indexes(folded.flat)
    for index, start, stop in matches:
        if folded.flat[stop] != " " and not lex.phrase_is_stem[index]:
            continue
        first, last = np.searchsorted(folded.places, (start + 1, stop))
        ids[first] = lex.numbers[lex.phrase_meanings[index]]
        ends[first] = folded.ends[last - 1]
        keep[first + 1 : last] = False
        keep[first] = True
    ids = ids[keep]
    return Symbols(encode(ids), ids, folded.starts[keep], ends[keep])


def encode(ids: npt.NDArray[np.int64]) -> bytes:
    """Symbols in UTF-8."""
    ends = np.isin(ids, [lexicon().known["."], lexicon().known["?"]])
    codes = ids + np.where(ends, FIRST_END, FIRST_SYMBOL)
    data = np.empty((len(ids), SYMBOL_BYTES), np.uint8)
    data[:, 0] = 0xE0 | codes >> 12
    data[:, 1] = 0x80 | codes >> 6 & 0x3F
    data[:, 2] = 0x80 | codes & 0x3F
    return data.tobytes()
