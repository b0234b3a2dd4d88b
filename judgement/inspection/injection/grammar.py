"""Finds the patterns of `grammar.yaml` in a text of concepts."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from itertools import islice, permutations
from typing import Any

import numpy as np
import numpy.typing as npt
import re2

from .lexicon import FIRST_END, FIRST_SYMBOL, SYMBOL_BYTES, Meaning, Symbols, lexicon, load

Bools = npt.NDArray[np.bool_]

# How common a concept is in ordinary texts, beside 1 for all others; rules are looked for by their rarest.
_OFTEN = "THE A ALL YOU YOUR ME AND PRIOR WITH WHAT NOTE WORDS NEW USER TASK LABEL MUST NOT"
_RATHER = "REVEAL REPEAT SEND TOOLACT TOOLOBJ SAY SAID BECOME DEST NEXT PLEASE TOLD WITHOUT COMMA COLON THEM READACT"
_COMMON = dict.fromkeys(_OFTEN.split(), 100) | dict.fromkeys(_RATHER.split(), 50)
MOST_HITS = 64  # of one pattern in one text; more say nothing new


@dataclass(frozen=True, slots=True)
class Hit:
    """A pattern that was found.

    Args:
        family: what it attempts.
        weight: how sure the pattern alone is, 0 to 1.
        first: its first symbol.
        last: the symbol after its last.
        foreign: whether it is made of words of other languages than English.
        many: whether it's the last of so many that nobody looks for more.
    """

    family: str
    weight: float
    first: int
    last: int
    foreign: bool = False
    many: bool = False


@dataclass(frozen=True, slots=True)
class _Rule:
    family: str
    weight: float
    pattern: Any
    needs: tuple[frozenset[str], ...]
    anchor: frozenset[str]
    foreign: bool


def concept(label: str) -> str:
    """`X_CANCEL` of `X_CANCEL:de`."""
    return label.partition(":")[0]


@cache
def _holding() -> dict[str, frozenset[int]]:
    """For each concept the numbers of the meanings that hold it."""
    found: dict[str, set[int]] = defaultdict(set)
    for number, meaning in enumerate(lexicon().meanings):
        for label in meaning:
            found[concept(label)].add(number)
    return {name: frozenset(numbers) for name, numbers in found.items()}


@cache
def _class(names: str) -> str:
    """The character class of all meanings that hold one of the concepts."""
    numbers = sorted(frozenset().union(*(_holding().get(name, frozenset()) for name in names.split("|"))))
    if not numbers:
        raise ValueError(f"no word has the concept {names}: add it to english.yaml or correct grammar.yaml")
    ends = {lexicon().known[sign] for sign in ".?"}
    codes = (n + (FIRST_END if n in ends else FIRST_SYMBOL) for n in numbers)
    return "[" + "".join(f"\\x{{{code:x}}}" for code in codes) + "]"


def _shared(names: tuple[str, ...]) -> list[int]:
    """The numbers of the meanings that hold all of the concepts: a phrase may say all at once."""
    return sorted(frozenset.intersection(*(_holding().get(name, frozenset()) for name in names)))


def _shared_class(names: tuple[str, ...]) -> str:
    return "[" + "".join(f"\\x{{{n + FIRST_SYMBOL:x}}}" for n in _shared(names)) + "]"


def _groupings(names: list[str]) -> list[list[tuple[str, ...]]]:
    """All ways to put the concepts into groups, each of which one word or phrase may say."""
    if not names:
        return [[]]
    found = []
    for grouping in _groupings(names[1:]):
        found.append([(names[0],), *grouping])
        found += [[*grouping[:i], (names[0], *group), *grouping[i + 1 :]] for i, group in enumerate(grouping)]
    return found


def _gap(most: int) -> str:
    return f"[\\x{{{FIRST_SYMBOL:x}}}-\\x{{{FIRST_END - 1:x}}}]{{0,{most}}}?"


def _compile(pattern: str, near: int) -> str:
    if "&" in pattern:
        names = [part.strip() for part in pattern.split("&")]
        orders = [order for groups in _groupings(names) for order in permutations(groups)]
        return "|".join(_gap(near).join(map(_shared_class, order)) for order in orders if all(map(_shared, order)))
    parts = []
    for item in pattern.split():
        if item.startswith("~"):
            parts.append(_gap(int(item[1:])))
        else:
            parts.append(_class(item.rstrip("?")) + ("?" if item.endswith("?") else ""))
    return "".join(parts)


def _needs(pattern: str) -> tuple[frozenset[str], ...]:
    items = pattern.replace("&", " ").split()
    return tuple(frozenset(item.split("|")) for item in items if item[0] != "~" and item[-1] != "?")


def _anchor(pattern: str) -> frozenset[str]:
    """The part of a pattern that is least common in ordinary texts; without it the rule can't match."""
    return min(_needs(pattern), key=lambda need: sum(_COMMON.get(name, 1) for name in need))


@cache
def _rules() -> list[_Rule]:
    grammar = load("grammar")
    near = grammar.pop("near")
    options = re2.Options()
    options.max_mem = 1 << 26
    found = []
    for family, lines in grammar.items():
        for line in lines:
            compiled = re2.compile(_compile(line[1], near).encode(), options)
            label = line[2] if len(line) > 2 else family  # noqa: PLR2004 - the family of a foreign rule
            found.append(_Rule(label, line[0], compiled, _needs(line[1]), _anchor(line[1]), family == "foreign"))
    return found


def _one_language(rule: _Rule, ids: Any, meanings: list[Meaning]) -> bool:
    """Whether the words of a foreign hit are all of one language, and not English ones that look alike."""
    spoken: dict[str, set[str]] = {}
    alien = False
    for number in set(ids):
        labels = [label for label in meanings[number] if ":" in label]
        alien |= bool(labels) and len(labels) == len(meanings[number]) and any(":en" not in label for label in labels)
        for label in labels:
            name, _, language = label.partition(":")
            spoken.setdefault(language, set()).add(name)
    common = spoken.pop("en", set())
    wanted = {name for need in rule.needs for name in need}
    return alien and any(wanted <= names | common for names in spoken.values())


@cache
def needs_of_rules() -> tuple[list[int], int, int]:
    """What every meaning gives to the rules, as bits.

    Returns:
        For each meaning the needs of rules that it meets, as one number of several parts, each with a bit for every
        rule: the first need, the second, ...; the bits of needs that rules don't have; the bits of one part. A rule can
        match in a sentence only where its bit is set in all parts of the numbers of the sentence's meanings taken
        together.
    """
    rules = _rules()
    parts = max(len(rule.needs) for rule in rules)
    met = [0] * len(lexicon().meanings)
    for number, meaning in enumerate(lexicon().meanings):
        names = {concept(label) for label in meaning}
        for place, rule in enumerate(rules):
            for part, need in enumerate(rule.needs):
                if need & names:
                    met[number] |= 1 << part * len(rules) + place
    absent = sum(
        1 << part * len(rules) + place for place, rule in enumerate(rules) for part in range(len(rule.needs), parts)
    )
    return met, absent, len(rules)


_WORD_BITS = 64


@cache
def _tables() -> tuple[npt.NDArray[np.uint64], Bools]:
    """(M, parts, words) the needs that each meaning meets, in 64 bits a word, and which meanings end a sentence."""
    met, absent, width = needs_of_rules()
    parts = max(len(rule.needs) for rule in _rules())
    words = -(-width // _WORD_BITS)
    out = np.zeros((len(met) + 1, parts, words), np.uint64)
    for row, bits in enumerate([*met, absent]):
        for part in range(parts):
            of_part = bits >> part * width & (1 << width) - 1
            out[row, part] = [of_part >> _WORD_BITS * word & (1 << _WORD_BITS) - 1 for word in range(words)]
    ends = np.zeros(len(met), np.bool_)
    ends[[lexicon().known[sign] for sign in ".?"]] = True
    return out, ends


def _possible(text: Symbols) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """(rules, sentences) where a rule has all that it needs; and where sentences begin, with the end of the last."""
    table, ends = _tables()
    begins = np.concatenate(([0], np.flatnonzero(ends[text.ids]) + 1))
    begins = begins[begins < len(text.ids)]
    useful = np.flatnonzero(_meets()[text.ids])
    sentences = np.searchsorted(begins, useful, "right") - 1
    rows, firsts = np.unique(sentences, return_index=True)
    if not len(rows):
        return rows, rows, begins
    there = np.bitwise_or.reduceat(table[text.ids[useful]], firsts, axis=0) | table[-1]
    met = np.bitwise_and.reduce(there, axis=1)
    bits = np.unpackbits(met.view(np.uint8), axis=1, bitorder="little")
    places, rules = np.nonzero(bits)
    order = np.argsort(rules, kind="stable")
    return rules[order], rows[places[order]], np.append(begins, len(text.ids))


@cache
def _meets() -> Bools:
    """Which meanings any rule needs."""
    return np.array([bool(bits) for bits in needs_of_rules()[0]])


def hits(text: Symbols) -> list[Hit]:
    """All patterns found, at most `MOST_HITS` of each; linear in the text."""
    if not len(text.ids):
        return []
    meanings = lexicon().meanings
    rules, sentences, begins = _possible(text)
    counts: dict[int, int] = {}
    found = []
    for number, sentence in zip(rules.tolist(), sentences.tolist(), strict=True):
        if counts.get(number, 0) >= MOST_HITS:
            continue
        rule, begin = _rules()[number], int(begins[sentence])
        data = text.data[begin * SYMBOL_BYTES : int(begins[sentence + 1]) * SYMBOL_BYTES]
        for match in islice(rule.pattern.finditer(data), MOST_HITS):
            first, last = begin + match.start() // SYMBOL_BYTES, begin + match.end() // SYMBOL_BYTES
            if not rule.foreign or _one_language(rule, text.ids[first:last].tolist(), meanings):
                counts[number] = counts.get(number, 0) + 1
                found.append(Hit(rule.family, rule.weight, first, last, rule.foreign, counts[number] >= MOST_HITS))
    return found
