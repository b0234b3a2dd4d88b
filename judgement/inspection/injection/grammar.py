"""Finds the patterns of `grammar.yaml` in a text of concepts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import islice, permutations
from typing import Any

import numpy as np
import numpy.typing as npt
import re2

from .lexicon import FIRST_END, FIRST_SYMBOL, SYMBOL_BYTES, Meaning, Symbols, encode, lexicon, load

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
    """

    family: str
    weight: float
    first: int
    last: int
    foreign: bool = False


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


def _class(names: str) -> str:
    """The character class of all meanings that hold one of the concepts."""
    wanted = set(names.split("|"))
    numbers = [n for n, meaning in enumerate(lexicon().meanings) if wanted & {concept(label) for label in meaning}]
    if not numbers:
        raise ValueError(f"no word has the concept {names}: add it to english.yaml or correct grammar.yaml")
    ends = {lexicon().known[sign] for sign in ".?"}
    codes = (n + (FIRST_END if n in ends else FIRST_SYMBOL) for n in numbers)
    return "[" + "".join(f"\\x{{{code:x}}}" for code in codes) + "]"


def _shared(names: tuple[str, ...]) -> list[int]:
    """The numbers of the meanings that hold all of the concepts: a phrase may say all at once."""
    meanings = lexicon().meanings
    return [n for n, meaning in enumerate(meanings) if set(names) <= {concept(label) for label in meaning}]


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
def _flags() -> tuple[Bools, Bools]:
    """For every meaning, whether it anchors a rule, and whether it ends a sentence."""
    anchors = frozenset().union(*(rule.anchor for rule in _rules()))
    meanings = lexicon().meanings
    ends = np.zeros(len(meanings), np.bool_)
    ends[[lexicon().known[sign] for sign in ".?"]] = True
    return np.array([not anchors.isdisjoint(map(concept, meaning)) for meaning in meanings]), ends


def _anchored(text: Symbols) -> npt.NDArray[np.int64]:
    """The places of the sentences in which some rule can match: most of a calm text is never looked at twice."""
    anchors, ends = _flags()
    sentences: npt.NDArray[np.int64] = np.cumsum(ends[text.ids]) - ends[text.ids]
    wanted = np.zeros(len(text.ids) + 1, np.bool_)
    wanted[sentences[anchors[text.ids]]] = True
    return np.flatnonzero(wanted[sentences])


def hits(text: Symbols) -> list[Hit]:
    """All patterns found, at most `MOST_HITS` of each; linear in the text."""
    meanings = lexicon().meanings
    present = {concept(label) for number in set(text.ids.tolist()) for label in meanings[number]}
    places = _anchored(text)
    data = encode(text.ids[places])
    found = []
    for rule in _rules():
        if not all(need & present for need in rule.needs):
            continue
        for match in islice(rule.pattern.finditer(data), MOST_HITS):
            first = int(places[match.start() // SYMBOL_BYTES])
            last = int(places[match.end() // SYMBOL_BYTES - 1]) + 1
            if not rule.foreign or _one_language(rule, text.ids[first:last].tolist(), meanings):
                found.append(Hit(rule.family, rule.weight, first, last, rule.foreign))
    return found
