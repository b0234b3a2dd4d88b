"""Verbs of other languages that take away or stop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import re2

from . import verbs
from .intent import Intent, Kind

_WORD = re2.compile(r"[\pL\pM\pN_'/-]+")
_UNSPACED: Final = frozenset({"zh", "ja", "th"})


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
            found = _in_unspaced(cleaned, stem) if language in _UNSPACED else _in_spaced(joined, tokens, stem, language)
            if found:
                return Intent(kind, found, tokens)
    return at_head(cleaned)


def _in_unspaced(cleaned: str, stem: str) -> str:
    done = any(form in cleaned for form in (f"已{stem}", f"被{stem}", f"{stem}され", f"{stem}的"))
    return stem if stem in cleaned and not done else ""


def _in_spaced(joined: str, tokens: Sequence[str], stem: str, language: str) -> str:
    if " " in stem:
        return stem if all(f" {part}" in joined for part in stem.split()) else ""
    done = verbs.DONE_ENDINGS.get(language, ("\0",))
    return next(
        (token for token in tokens if token.startswith(stem) and (token == stem or not token.endswith(done))), ""
    )


def at_head(cleaned: str) -> Intent | None:
    """A verb of any language's lexicon that the text begins with: short texts are easily taken for another language."""
    tokens = _tokens(cleaned)
    for kind, lexicon in _LEXICONS:
        for language, stems in lexicon.items():
            done = verbs.DONE_ENDINGS.get(language, ("\0",))
            for stem in stems:
                if tokens and len(stem) >= verbs.SHORTEST_FOREIGN and tokens[0].startswith(stem):
                    return None if tokens[0] != stem and tokens[0].endswith(done) else Intent(kind, tokens[0], tokens)
    return None


def _tokens(cleaned: str) -> tuple[str, ...]:
    return tuple(match.group() for match in _WORD.finditer(cleaned) if match.group()[0].isalnum())


def _stems(lexicon: dict[str, str]) -> dict[str, tuple[str, ...]]:
    return {language: tuple(stem.replace("_", " ") for stem in stems.split()) for language, stems in lexicon.items()}


_LEXICONS: Final[tuple[tuple[Kind, dict[str, tuple[str, ...]]], ...]] = (
    ("deletes", _stems(verbs.OTHER_DELETES)),
    ("stops", _stems(verbs.OTHER_STOPS)),
)
