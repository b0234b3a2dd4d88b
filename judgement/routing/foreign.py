"""Verbs of other languages that take away or stop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import re2

from ..foreign_verbs import DELETES, STOPS, UNSPACED, in_unspaced, is_done, stems
from . import verbs
from .intent import Intent, Kind

_WORD = re2.compile(r"[\pL\pM\pN_'/-]+")


def in_language(cleaned: str, language: str, concepts: Sequence[str]) -> Intent | None:
    """Any verb of the language's lexicon, unless the request asks about it or reports it."""
    if set(concepts[:2]) & {"howto", "why", "who", "risk"} or set(concepts) & {"risk", "suggest", "simulate", "write"}:
        return None
    tokens = _tokens(cleaned)
    if ({"may", "capability"} & set(concepts) and "rolename" in concepts) or (
        tokens[:1] and tokens[0] in verbs.OTHER_HOW
    ):
        return None
    joined = f" {' '.join(tokens)} "
    for kind, lexicon in _LEXICONS:
        for stem in lexicon.get(language, ()):
            if found := _found(cleaned, joined, tokens, stem, language):
                return Intent(kind, found, tokens)
    return at_head(cleaned)


def _found(cleaned: str, joined: str, tokens: Sequence[str], stem: str, language: str) -> str:
    """The word with which a verb is told, or nothing."""
    if language in UNSPACED:
        return stem if in_unspaced(cleaned, stem) else ""
    if " " in stem:
        return stem if all(f" {part}" in joined for part in stem.split()) else ""
    begun = (token for token in tokens if token.startswith(stem))
    return next((token for token in begun if token == stem or not is_done(token, language)), "")


def at_head(cleaned: str) -> Intent | None:
    """A verb of any language's lexicon that the text begins with: short texts are easily taken for another language."""
    tokens = _tokens(cleaned)
    for kind, lexicon in _LEXICONS:
        for language, listed in lexicon.items():
            for stem in listed:
                if tokens and len(stem) >= verbs.SHORTEST_FOREIGN and tokens[0].startswith(stem):
                    done = tokens[0] != stem and is_done(tokens[0], language)
                    return None if done else Intent(kind, tokens[0], tokens)
    return None


def _tokens(cleaned: str) -> tuple[str, ...]:
    return tuple(match.group() for match in _WORD.finditer(cleaned) if match.group()[0].isalnum())


_LEXICONS: Final[tuple[tuple[Kind, dict[str, tuple[str, ...]]], ...]] = (
    ("deletes", stems(DELETES)),
    ("stops", stems(STOPS)),
)
