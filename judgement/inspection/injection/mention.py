"""Tells speaking of an attack, or of ordinary work, from attempting one: how much of a hit's weight remains."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .grammar import Hit, concept
from .lexicon import Symbols, lexicon

_AROUND_QUOTE = 40  # symbols around a quotation where a word such as "attackers" may stand
_QUOTE_REACH = 30  # a quotation is not longer
_BEFORE_NOT = 6  # so far before its verb a negation may stand
_AFTER_LINK = 6  # "instructions for the old shelf"
_REMAINS_QUOTED = 0.4
_REMAINS_REPORTED = 0.45
_STRONG = 0.8
_REMAINS_ANNOUNCED = 0.65
_REMAINS_FORBIDDEN = 0.35
_REMAINS_QUESTION = 0.5
_REMAINS_WORK = 0.5
_REMAINS_REPORTED_AFTER = 0.6

_OPENERS = {"PLEASE", "MODEL", "LABEL", "NOWYOU", "PRETASK", "MUST", "YOU", "AUTHORITYMARK", "AND", "NEW"}
_BREAKS = {"END", "QUESTION", "COLON", "QUOTE", "COMMA", "MARK"}

Flags = npt.NDArray[np.bool_]


@cache
def _holding(*concepts: str) -> Flags:
    """For every meaning, whether it holds one of the concepts."""
    wanted = set(concepts)
    return np.array([not wanted.isdisjoint(map(concept, meaning)) for meaning in lexicon().meanings])


class Sentence(NamedTuple):
    """Where a hit stands: its sentence, what stands before and after it there, and the clause's beginning."""

    before: npt.NDArray[np.int64]
    after: npt.NDArray[np.int64]
    opening: npt.NDArray[np.int64]
    is_question: bool


class Context:
    """One text's places that matter, found once for all its hits."""

    def __init__(self, text: Symbols) -> None:
        self.text = text
        self._ends = np.flatnonzero(_holding("END", "QUESTION")[text.ids])
        self._breaks = np.flatnonzero(_holding(*_BREAKS)[text.ids])
        self._quotes = np.flatnonzero(_holding("QUOTE")[text.ids])
        self._reports = np.flatnonzero(_holding("REPORT")[text.ids])

    def sentence(self, hit: Hit) -> Sentence:
        """The sentence around a hit."""
        ids, ends, breaks = self.text.ids, self._ends, self._breaks
        at = int(np.searchsorted(ends, hit.first))
        begin = int(ends[at - 1]) + 1 if at else 0
        at = int(np.searchsorted(ends, hit.last))
        stop = int(ends[at]) if at < len(ends) else len(ids)
        at = int(np.searchsorted(breaks, hit.first))
        clause = int(breaks[at - 1]) + 1 if at else 0
        question = stop < len(ids) and bool(_holding("QUESTION")[ids[stop]])
        return Sentence(ids[begin : hit.first], ids[hit.last : stop], ids[clause : hit.first], question)

    def is_quoted(self, hit: Hit) -> bool:
        """Whether quotation marks stand on both sides, not far away."""
        quotes = self._quotes
        before, after = np.searchsorted(quotes, (hit.first + 1, hit.last - 1))
        if _any("QUOTE", self.text.ids[hit.first : hit.last]):
            return True
        opened = before > 0 and hit.first - quotes[before - 1] <= _QUOTE_REACH
        return bool(opened and after < len(quotes) and quotes[after] - hit.last <= _QUOTE_REACH)

    def is_reported_around(self, hit: Hit) -> bool:
        """Whether a word that speaks of attacks stands near, outside the hit."""
        low, first, last, high = np.searchsorted(
            self._reports, (hit.first - _AROUND_QUOTE, hit.first, hit.last, hit.last + _AROUND_QUOTE)
        )
        return bool(first > low or high > last)

    def remains(self, hit: Hit) -> float:
        """The part of a hit's weight that its context leaves, 0 to 1."""
        sentence = self.sentence(hit)
        within = self.text.ids[hit.first : hit.last]
        if hit.foreign and _any("X_MENTION", sentence.before, sentence.after, within):
            return _REMAINS_REPORTED
        return min(
            self._quotation(hit),
            _reported(hit, sentence, within),
            _forbidden(hit, sentence, within),
            _asked(hit, sentence, within),
            _of_work(hit, sentence, within),
        )

    def _quotation(self, hit: Hit) -> float:
        return _REMAINS_QUOTED if self.is_quoted(hit) and self.is_reported_around(hit) else 1.0


def _any(name: str, *parts: npt.NDArray[np.int64]) -> bool:
    flags = _holding(name)
    return any(bool(flags[part].any()) for part in parts)


def _follows_colon(sentence: Sentence) -> bool:
    """Whether a colon stands right before: "an example of an attack: ..." can be meant to be followed."""
    clause = len(sentence.before) - len(sentence.opening)
    return clause > 0 and _any("COLON", sentence.before[clause - 1 : clause]) and _is_imperative(sentence)


def _is_imperative(sentence: Sentence) -> bool:
    return bool(_holding(*_OPENERS)[sentence.opening].all())


def _reported(hit: Hit, sentence: Sentence, within: npt.NDArray[np.int64]) -> float:
    """Attackers write that ...; he told the bot to ...; ... is a common attack."""
    before, after = sentence.before, sentence.after
    inside = hit.family != "bypass" and _any("REPORT", within[1:-1])
    narrated = _any("NARRATE", within[1:-1]) and not _any("YOU", within)
    if inside or narrated or _any("PREVENT", before):
        return _REMAINS_REPORTED
    if _any("REPORT", before):
        return _REMAINS_ANNOUNCED if hit.weight >= _STRONG and _follows_colon(sentence) else _REMAINS_REPORTED
    if _any("THIRD", before) and _any("NARRATE", before) and not bool(_holding("YOU")[before].any()):
        return _REMAINS_REPORTED
    if _any("PAST", before) and not _is_imperative(sentence):
        return _REMAINS_REPORTED
    if not _is_imperative(sentence) and _any("REPORT", after):
        return _REMAINS_REPORTED_AFTER
    return 1.0


def _forbidden(hit: Hit, sentence: Sentence, within: npt.NDArray[np.int64]) -> float:
    """It must never ...; do not ...; nobody can ...."""
    if hit.family == "conceal" and _any("HARMLESS", sentence.after[:3]):
        return _REMAINS_WORK
    if hit.family == "conceal" and not _any("HIDE", within[:1]):
        near = sentence.opening[-3:]
        return _REMAINS_FORBIDDEN if _any("OUGHT", near) and not _any("YOU", near) else 1.0
    if hit.family in {"hijack", "exfiltrate", "authority"} and _any("OUGHT", within[1:]):
        return _REMAINS_FORBIDDEN
    if hit.family not in {"override", "bypass"} and _any("OUGHT", within[:1]):
        return _REMAINS_FORBIDDEN
    near = sentence.opening[-_BEFORE_NOT:]
    return _REMAINS_FORBIDDEN if _any("OUGHT", near) or _any("NOT", near[-3:]) else 1.0


def _asked(hit: Hit, sentence: Sentence, within: npt.NDArray[np.int64]) -> float:
    """How can we ... ? Should an assistant ... ?"""
    if _any("CANBE", within[1:]):
        return _REMAINS_QUESTION
    if _any("DEFENCE", sentence.before) and (sentence.is_question or _any("REPORT", sentence.after)):
        return _REMAINS_QUESTION
    if sentence.is_question and hit.family != "leak" and not _is_imperative(sentence):
        return _REMAINS_QUESTION
    return 1.0


def _of_work(hit: Hit, sentence: Sentence, within: npt.NDArray[np.int64]) -> float:
    """Ignore my previous instructions; the rules of the house."""
    if _any("CODE", within) or (hit.family == "override" and _any("OWN", within)):
        return _REMAINS_WORK
    if hit.family == "hijack" and _any("ME", sentence.after[:1]):
        return _REMAINS_WORK
    if hit.family in {"override", "leak", "bypass", "authority", "persona"}:
        links = np.flatnonzero(_holding("LINK")[sentence.after[:2]])
        linked = sentence.after[:_AFTER_LINK] if len(links) else sentence.after[: hit.family != "leak"]
        if _any("WORK", linked) or (hit.family != "bypass" and _any("WORK", within[-2:])):
            return _REMAINS_WORK
    return 1.0
