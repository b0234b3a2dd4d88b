"""Which language a request is in, and which of the router's concepts its words point at."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

import ahocorasick_rs
import re2
import yaml

from .errors import ModelError

ENGLISH: Final = "en"
UNSPACED: Final = frozenset({"zh", "ja"})
_WORD = re2.compile(r"[\pL\pN][\pL\pM\pN_'-]*")
_MARKS = dict.fromkeys(range(768, 880))

# Scripts that tell the language, or the most spoken one of those they are used for.
_SCRIPTS: Final = (
    ("ja", 0x3040, 0x30FF),
    ("ko", 0xAC00, 0xD7AF),
    ("zh", 0x4E00, 0x9FFF),
    ("ru", 0x0400, 0x04FF),
    ("el", 0x0370, 0x03FF),
    ("he", 0x0590, 0x05FF),
    ("ar", 0x0600, 0x06FF),
    ("hi", 0x0900, 0x097F),
    ("th", 0x0E00, 0x0E7F),
)


@dataclass(frozen=True, slots=True)
class Words:
    """What the lexicon sees in a text.

    Attributes:
        language: ISO 639-1; `en` where nothing speaks for another one.
        tokens: its words, folded (no case, no accents).
        concepts: names of the concepts, in the order of the text, each once.
    """

    language: str
    tokens: tuple[str, ...]
    concepts: tuple[str, ...]


class Lexicon:
    """The glossary of `configs/routing/concepts.yaml` and the function words of `languages.yaml`; pure once made.

    Args:
        concepts: by concept and language the words, blank-separated; `*` ends a stem, `_` stands for a blank.
        function_words: by language the words that tell it.
    """

    def __init__(self, concepts: dict[str, dict[str, str]], function_words: dict[str, str]) -> None:
        self.names: tuple[str, ...] = tuple(concepts)
        self.english: dict[str, str] = {
            name: words["en"].split()[0].rstrip("*").replace("_", " ") for name, words in concepts.items()
        }
        self._function_words = {
            language: frozenset(folded(words).split()) for language, words in function_words.items()
        }
        entries: dict[str, list[tuple[str, str]]] = {}
        for name, languages in concepts.items():
            for language, words in languages.items():
                entries.setdefault(language, []).extend((word, name) for word in words.split())
        self._matchers = {language: _Matcher(found, language) for language, found in entries.items()}

    @classmethod
    def load(cls) -> Lexicon:
        """Read the shipped files.

        Raises:
            ModelError: `bad_file`.
        """
        folder = files("aura_ia_mcp.configs") / "routing"
        try:
            read: list[Any] = [
                yaml.load((folder / name).read_text("utf-8"), Loader=yaml.CSafeLoader)
                for name in ("concepts.yaml", "languages.yaml")
            ]
            return cls(read[0], read[1])
        except (OSError, yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
            raise ModelError(
                "bad_file", f"The router's glossary can't be read ({error}).", remedy="Restore configs/routing."
            ) from error

    def read(self, text: str) -> Words:
        """Language, words and concepts of a text; linear in its length."""
        plain = folded(text)
        tokens = tuple(match.group() for match in _WORD.finditer(plain))
        spaced = f" {' '.join(tokens)} "
        language = self._language(plain, tokens, spaced)
        found = self._matchers[ENGLISH].find(spaced)
        if language in self._matchers and language != ENGLISH:
            found = found + self._matchers[language].find(plain if language in UNSPACED else spaced)
        ordered = dict.fromkeys(name for _, name in sorted(found))
        return Words(language, tokens, tuple(ordered))

    def _language(self, plain: str, tokens: tuple[str, ...], spaced: str) -> str:
        script = _script(plain)
        if script:
            return script
        words = frozenset(tokens)
        points = {language: 2 * len(words & known) for language, known in self._function_words.items()}
        for language, matcher in self._matchers.items():
            if language not in UNSPACED:
                points[language] = points.get(language, 0) + len({place for place, _ in matcher.find(spaced)})
        best = max(points, key=lambda language: (points[language], language == ENGLISH))
        return best if points[best] > points.get(ENGLISH, 0) else ENGLISH


class _Matcher:
    """Finds one language's words: an Aho-Corasick automaton over folded text."""

    def __init__(self, entries: list[tuple[str, str]], language: str) -> None:
        patterns: dict[str, list[str]] = {}
        for word, name in entries:
            patterns.setdefault(_pattern(word, language), []).append(name)
        self._names = list(patterns.values())
        self._automaton = ahocorasick_rs.AhoCorasick(list(patterns))

    def find(self, text: str) -> list[tuple[int, str]]:
        """Where each concept begins."""
        found = self._automaton.find_matches_as_indexes(text, overlapping=True)
        return [(start, name) for index, start, _ in found for name in self._names[index]]


def _pattern(word: str, language: str) -> str:
    stem = folded(word.rstrip("*")).replace("_", " ")
    if language in UNSPACED:
        return stem.strip()
    return f" {stem}" if word.endswith("*") else f" {stem.rstrip()} "


def _script(plain: str) -> str:
    counts = Counter(
        language
        for char in plain
        if ord(char) >= _SCRIPTS[4][1]
        for language, first, last in _SCRIPTS
        if first <= ord(char) <= last
    )
    if not counts:
        return ""
    letters = sum(char.isalpha() for char in plain)
    if sum(counts.values()) * 5 < letters:  # a name in another script doesn't make it another language
        return ""
    return "ja" if counts["ja"] else counts.most_common(1)[0][0]


def folded(text: str) -> str:
    """The text without case, accents and width."""
    decomposed = unicodedata.normalize(
        "NFKD", text.casefold().replace("ł", "l").replace("\N{LATIN SMALL LETTER DOTLESS I}", "i")
    )
    return unicodedata.normalize("NFC", decomposed.translate(_MARKS)).replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
