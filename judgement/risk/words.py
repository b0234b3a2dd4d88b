"""From a text to words that mean something: one pass to split it, one look-up a word."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from .foreign import translated
from .things import TARGETS
from .verbs import IRREGULAR, NOUNS, PARTICIPLES, PHRASES, SEPARATORS, VERBS

MOST_CHARS = 20_000
_LONGEST_PHRASE = max(len(phrase) for phrase in PHRASES)
_MARKS = ";,!?|&\n()[]{}\"'`=<>"
_KEPT = frozenset(";,!?|&\n")
_SPACED = str.maketrans({mark: f" {mark} " if mark in _KEPT else " " for mark in _MARKS if mark != "'"})


@dataclass(frozen=True, slots=True)
class Verb:
    """A word by which an operation is told.

    Args:
        lemma: a key of `VERBS`.
        form: base, ed, ing or noun.
    """

    lemma: str
    form: str


def split(text: str) -> list[str]:
    """The words of a text, case and width folded, phrases made one; of a very long text its first 20,000 characters."""
    folded = unicodedata.normalize("NFKC", text[:MOST_CHARS]).casefold().replace("\u2019", "'")
    words: list[str] = []
    for piece in folded.translate(_SPACED).replace("\n", " \n ").split(" "):
        words += _pieces(piece)
    return _joined(translated(words))


def clauses(words: list[str]) -> list[list[str]]:
    """Words between marks and words that end a clause."""
    found: list[list[str]] = [[]]
    for word in words:
        if word in SEPARATORS:
            found.append([])
        else:
            found[-1].append(word)
    return [clause for clause in found if clause]


def verb(word: str) -> Verb | None:
    """The operation that a word tells of."""
    if word in VERBS:
        return Verb(word, "base")
    if word in NOUNS:
        return Verb(NOUNS[word], "noun")
    if word in IRREGULAR and IRREGULAR[word] in VERBS:
        return Verb(IRREGULAR[word], "ed")
    for ending, form in (("ing", "ing"), ("ed", "ed"), ("es", "base"), ("s", "base"), ("d", "ed")):
        if word.endswith(ending):
            lemma = _known(word[: -len(ending)])
            if lemma:
                return Verb(lemma, form)
    return None


def singular(word: str) -> str:
    """A noun's singular, as far as its ending tells."""
    for ending, put in (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("s", "")):
        if word.endswith(ending) and len(word) > len(ending) + 1:
            return word[: -len(ending)] + put
    return word


def _known(stem: str) -> str:
    """The verb of which this is the stem: as it is, with an e, with y for i, or without a doubled consonant."""
    candidates = [stem, stem + "e"]
    if stem.endswith("i"):
        candidates.append(stem[:-1] + "y")
    if len(stem) > 2 and stem[-1] == stem[-2]:  # noqa: PLR2004 - a consonant and its double
        candidates.append(stem[:-1])
    return next((each for each in candidates if each in VERBS), "")


def _pieces(piece: str) -> list[str]:
    """A piece between spaces: paths and flags as they are, a full stop at its end apart, other words at _ and -."""
    if not piece or piece in SEPARATORS:
        return [piece] if piece else []
    stop = [piece[-1]] if len(piece) > 1 and piece[-1] in ".:" and "/" not in piece else []
    body = piece[:-1] if stop else piece
    stop = ["."] if stop == ["."] else []
    if body.startswith("mkfs."):  # `mkfs.ext4`: which file system it makes doesn't matter
        body = "mkfs"
    if body.startswith(("-", "/", "~", "./", ".")) or "/" in body or "\\" in body or body in TARGETS:
        return [body, *stop]
    return [part for part in body.replace("_", " ").replace("-", " ").replace(":", " ").split() if part] + stop


def _joined(words: list[str]) -> list[str]:
    """The words with phrases made one, the longest first."""
    found: list[str] = []
    at = 0
    while at < len(words):
        for length in range(min(_LONGEST_PHRASE, len(words) - at), 1, -1):
            one = PHRASES.get(_key(words, at, length))
            if one is not None:
                found.append(one)
                at += length
                break
        else:
            found.append(words[at])
            at += 1
    return found


def _key(words: list[str], at: int, length: int) -> tuple[str, ...]:
    """Words as phrases are written: the first one's verb in its base form, so that `wiping out` is `wipe out`."""
    first, *rest = words[at : at + length]
    found = verb(first)
    if first in PARTICIPLES:
        first = PARTICIPLES[first]
    elif found is not None and found.form in ("ing", "ed"):
        first = found.lemma
    return (first, *rest)
