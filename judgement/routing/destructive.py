"""Does a request want something taken away or stopped? Found by its verbs, and by what they are to the sentence."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import re2

from . import verbs

Kind = Literal["deletes", "stops"]

_QUOTED = re2.compile(r"\"[^\"]*\"|`[^`]*`|\x{201c}[^\x{201d}]*\x{201d}|(?:^|[\s:,(])'[^']*'")
_PIECE = re2.compile(r"[\pL\pN_'/-]+|[.;!?,:\n()]+")
_CONTINUES: Final = frozenset({"and", "or", "&"})
_THEN: Final = frozenset({"then", "afterwards", "before"})
_UNSPACED: Final = frozenset({"zh", "ja", "th"})
_MARKS: Final = {code: None for code in range(0x300, 0x370)}
_PERSONAL = re2.compile(
    r"\b(personal|private|pii|sensitive|names?|phone numbers?|e-?mails?|addresses|secrets)\b.*\b(from|in|out of)\b"
)
_HOW = re2.compile(
    r"^(please |pls )?(how (do|does|can|could|to|would|should)|what('s| is) the (best |right )?way|where .*document|"
    r"(explain|tell me|show me|describe|i want to know|i'd like to know|can you (explain|tell me|show me)) how)\b"
)


@dataclass(frozen=True, slots=True)
class Intent:
    """That a request wants something gone or stopped.

    Args:
        kind: deletes, or stops.
        verb: the word that says so.
        clause: the words of the clause it is in, folded.
    """

    kind: Kind
    verb: str
    clause: tuple[str, ...]


def plain(text: str) -> str:
    """The text without case, accents and what is quoted: quotations are data, not wishes."""
    folded = unicodedata.normalize("NFKD", text.casefold().replace("ł", "l").replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").replace("ı", "i"))
    return str(_QUOTED.sub(" ", unicodedata.normalize("NFC", folded.translate(_MARKS))))


def asks_how(text: str) -> bool:
    """Whether it asks how something is done, not to do it."""
    return _HOW.search(plain(text)) is not None


def destructive_intent(text: str, language: str = "en", concepts: Sequence[str] = ()) -> Intent | None:
    """What the request wants taken away or stopped, or None.

    Args:
        text: the request; quoted parts are ignored.
        language: ISO 639-1. Where it isn't English, any verb of that language's lexicon counts that isn't a report.
        concepts: what the lexicon saw, which tells questions in other languages.
    """
    cleaned = plain(text)
    if asks_how(text) or _PERSONAL.search(cleaned) and not _names_stores(cleaned):
        return None
    if language != "en":
        return _other(cleaned, language, concepts) or _english(cleaned, loose=True)
    return _english(cleaned, loose=False)


def _names_stores(cleaned: str) -> bool:
    return any(word in cleaned for word in ("knowledge", "collection", "database", "logs", "audit", "table"))


def _english(cleaned: str, *, loose: bool) -> Intent | None:
    excused = False
    for clause, joined, ended in _clauses(cleaned):
        if excused and joined == "and":
            continue
        words = _head(clause)
        if not words:
            continue
        found = _judged(words, clause, loose=loose)
        if found is not None:
            return found
        excused = words[0] in verbs.ASKS or words[0] in verbs.MAKES
        if words[0] in verbs.DATA_HEADS and ended == ":":
            return None
    return None


def _judged(words: tuple[str, ...], clause: tuple[str, ...], *, loose: bool) -> Intent | None:
    """What one clause wants; `words` are those from its head on."""
    if any(word in verbs.NEGATIONS for word in clause[: len(clause) - len(words) + 1]):
        return None
    kind = _kind_of_head(words)
    if kind is not None:
        return Intent(kind, words[0], clause)
    head = words[0]
    if head in verbs.READS or head in verbs.ASKS and not loose:
        return None
    if head in {"make", "have", "get", "let", "need", "want"} and any(word in verbs.PARTICIPLES for word in words):
        return Intent(_kind(words), next(word for word in words if word in verbs.PARTICIPLES), clause)
    if head in {"have", "let", "ask", "make", "get", "use", "tell", "need"} or head not in verbs.MAKES:
        return _anywhere(words, clause)
    return None


def _kind_of_head(words: tuple[str, ...]) -> Kind | None:
    for phrase, kind in verbs.PHRASES.items():
        if words[: len(phrase)] == phrase:
            return "deletes" if kind == "deletes" else "stops"
    head = words[0]
    if head in verbs.HARMLESS_AS_HEAD:
        return None
    if head == "kill" or head == "drop":
        return "stops" if set(words) & _RUNNING else "deletes"
    if head in verbs.STOPS and head not in {"drop"}:
        return "stops" if len(words) > 1 or head in {"stop", "abort"} else None
    if head in verbs.DELETES or head.removesuffix("ing") in verbs.DELETES or f"{head.removesuffix('ing')}e" in verbs.DELETES and head.endswith("ing"):
        return "deletes"
    return None


_RUNNING: Final = frozenset(
    "debate workflow pipeline codex run turn job flow dag session discussion".split()
)


def _anywhere(words: tuple[str, ...], clause: tuple[str, ...]) -> Intent | None:
    wishes = bool(set(clause) & verbs.WISHES) or words[0] in {"i", "we", "you", "let", "all", "every", "the"}
    for number, word in enumerate(words):
        before = words[number - 1] if number else ""
        if before in verbs.NEGATIONS:
            continue
        if word in verbs.DELETES and (word not in verbs.ONLY_AS_HEAD or before in {"to", "should", "must", "you", "codex"}):
            return Intent("deletes", word, clause)
        if word in verbs.STOPS and before in {"to", "should", "must", "can", "it", "codex", "agent"}:
            return Intent("stops", word, clause)
        if word in verbs.PARTICIPLES and word != "away" and wishes and set(words[:number]) & verbs.WISHES | {before} & {"be", "get"}:
            return Intent(_kind(words), word, clause)
        for phrase, kind in verbs.PHRASES.items():
            if len(phrase) > 1 and words[number : number + len(phrase)] == phrase and (wishes or number == 1):
                return Intent("deletes" if kind == "deletes" else "stops", " ".join(phrase), clause)
    return None


def _kind(words: Sequence[str]) -> Kind:
    stops = {"stopped", "stop", "cancelled", "canceled", "terminated", "disabled", "deactivated"}
    return "stops" if set(words) & stops else "deletes"


def _head(clause: tuple[str, ...]) -> tuple[str, ...]:
    """The clause without what is only polite."""
    words = clause
    changed = True
    while changed and words:
        changed = False
        for phrase in verbs.POLITE:
            if words[: len(phrase)] == phrase:
                words, changed = words[len(phrase) :], True
                break
    return words


def _clauses(cleaned: str) -> list[tuple[tuple[str, ...], str, str]]:
    """Each clause's words, what joins it to the one before (`and`, `then` or "") and the mark that ends it."""
    out: list[tuple[tuple[str, ...], str, str]] = []
    words: list[str] = []
    joined = ""
    for match in _PIECE.finditer(cleaned):
        piece = match.group()
        mark = not (piece[0].isalnum() or piece[0] in "_'/-")
        if not mark and piece not in _CONTINUES and piece not in _THEN:
            words.append(piece)
            continue
        if words:
            out.append((tuple(words), joined, piece[0] if mark else ""))
            words = []
            joined = ""
        joined = "and" if piece in _CONTINUES else "then" if piece in _THEN else "and" if piece[0] == "," else joined
    if words:
        out.append((tuple(words), joined, ""))
    return out


def _other(cleaned: str, language: str, concepts: Sequence[str]) -> Intent | None:
    """Any verb of the language's lexicon, unless the request asks about it or reports it."""
    if set(concepts[:2]) & {"howto", "why", "who", "risk"} or set(concepts) & {"risk", "suggest", "simulate", "write"}:
        return None
    if "may" in concepts and "rolename" in concepts:
        return None
    tokens = tuple(match.group() for match in _PIECE.finditer(cleaned) if match.group()[0].isalnum())
    joined = f" {' '.join(tokens)} "
    lexicons: tuple[tuple[Kind, dict[str, str]], ...] = (("deletes", verbs.OTHER_DELETES), ("stops", verbs.OTHER_STOPS))
    for kind, lexicon in lexicons:
        for stem in lexicon.get(language, "").split():
            stem = stem.replace("_", " ")
            if language in _UNSPACED and stem in cleaned and f"已{stem}" not in cleaned and f"被{stem}" not in cleaned and f"{stem}され" not in cleaned:
                return Intent(kind, stem, tokens)
            if " " in stem and all(f" {part}" in joined for part in stem.split()):
                return Intent(kind, stem, tokens)
            for token in tokens:
                if token.startswith(stem) and not (token != stem and token.endswith(verbs.DONE_ENDINGS.get(language, ("\0",)))):
                    return Intent(kind, token, tokens)
    return None
