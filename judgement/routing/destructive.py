"""Does a request want something taken away or stopped? Found by its verbs, and by what they are to the sentence."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Final

import re2

from . import foreign, verbs
from .intent import Intent, Kind

_QUOTED = re2.compile(r"\"[^\"]*\"|`[^`]*`|\x{201c}[^\x{201d}]*\x{201d}|(?:^|[\s:,(])'[^']*'")
_PIECE = re2.compile(r"[\pL\pM\pN_'/-]+|[.;!?,:\n()]+")
_LETTERS = re2.compile(r"\b[a-z](?:[ ._*-]{1,2}[a-z]){3,40}\b")
_CONTINUES: Final = frozenset({"and", "or", "&"})
_THEN: Final = frozenset({"then", "afterwards", "before"})
_MARKS: Final = dict.fromkeys(range(768, 880))
_PERSONAL = re2.compile(
    r"\b(personal|private|pii|sensitive|names?|phone numbers?|e-?mails?|addresses|secrets)\b.*\b(from|in|out of)\b"
)
_WHICH_ROLE = re2.compile(r"\b(which|what|right|best|suitable) role\b")
_CONTENT = re2.compile(r"\b(text|texts|prompt|sentence|message|sql|command|following|fact|query|phrase)\b")
_HOW = re2.compile(
    r"^(please |pls )?(how (do|does|can|could|to|would|should)|what('s| is) the (best |right )?way|where .*document|"
    r"(explain|tell me|show me|describe|i want to know|i'd like to know|can you (explain|tell me|show me)) how)\b"
)


def plain(text: str) -> str:
    """The text without case, accents and what is quoted: quotations are data, not wishes."""
    folded = unicodedata.normalize(
        "NFKD",
        text.casefold()
        .replace("ł", "l")
        .replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
        .replace("\N{LATIN SMALL LETTER DOTLESS I}", "i"),
    )
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
    cleaned = _unspaced(plain(text))
    if asks_how(text) or (_PERSONAL.search(cleaned) and not _names_stores(cleaned)):
        return None
    if _WHICH_ROLE.search(cleaned):
        return None
    if language != "en":
        return foreign.in_language(cleaned, language, concepts) or _english(cleaned, loose=True)
    return _english(cleaned, loose=False) or foreign.at_head(cleaned)


def _unspaced(cleaned: str) -> str:
    """With letters that stand alone put together: "d e l e t e" and "d.e.l.e.t.e" are a word."""
    return str(_LETTERS.sub(lambda found: "".join(char for char in found.group() if char.isalpha()), cleaned))


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
        excused = words[0] in verbs.TALKS or bool(set(words) & verbs.TALK_WORDS)
        if ended == ":" and (
            words[0] in verbs.DATA_HEADS or words[-1] in {"say", "answer", "reply"} or _CONTENT.search(" ".join(words))
        ):
            return None
    return None


def _judged(  # noqa: PLR0911 - one way out for each form of a clause
    words: tuple[str, ...], clause: tuple[str, ...], *, loose: bool
) -> Intent | None:
    """What one clause wants; `words` are those from its head on."""
    if any(word in verbs.NEGATIONS for word in clause[: len(clause) - len(words) + 1]):
        return None
    kind = _kind_of_head(words)
    if kind is not None:
        return Intent(kind, words[0], clause)
    head = words[0]
    goes = _goes(words) if head not in _KEEPS or clause[0] in _BEGS else ""
    if goes:
        return Intent("deletes", goes, clause)
    done = next((word for word in words if word in verbs.PARTICIPLES), "")
    if (
        done
        and done in words[-1 if head == "get" else -2 :]
        and head in {"make", "have", "get", "let", "need", "want"}
        and not {"been", "you"} & set(words)
    ):
        return Intent(_kind(words), done, clause)
    if done and head in {"log", "logs"} and " be " in f" {' '.join(words)} ":
        return Intent(_kind(words), done, clause)
    if head in verbs.READS or (head in verbs.ASKS and not loose):
        return None
    if head in {"have", "let", "ask", "make", "get", "use", "tell", "need"} or head not in verbs.MAKES:
        return _anywhere(words, clause)
    return None


_CLEARLY_STOPS: Final = verbs.STOPS - verbs.HARMLESS_AS_HEAD
_BEGS: Final = frozenset({"could", "can", "help", "please", "kindly", "get"})
_KEEPS: Final = (verbs.READS | verbs.ASKS | verbs.DATA_HEADS) - {"put", "make"}


def _goes(words: tuple[str, ...]) -> str:
    """What the clause says of a thing that shall not stay, or nothing; "have to go to the shop" is no such thing."""
    for phrase in verbs.GOES:
        for place in range(len(words) - len(phrase) + 1):
            left = words[place + len(phrase) : place + len(phrase) + 1]
            if words[place : place + len(phrase)] == phrase and not (phrase[-1] == "go" and left in _GOES_ON):
                return " ".join(phrase)
    return ""


_GOES_ON: Final = tuple((word,) for word in verbs.listed("to;through;into;over;on;ahead;live;back;home;there;out"))


def _kind_of_head(words: tuple[str, ...]) -> Kind | None:  # noqa: PLR0911 - one for each form of a verb
    for phrase, kind in verbs.PHRASES.items():
        if words[: len(phrase)] == phrase:
            return "deletes" if kind == "deletes" else "stops"
    head = words[0]
    if head in verbs.PHRASAL:
        particle = next((word for word in words[2:] if word in verbs.PARTICLES), "")
        if particle and (head != "put" or particle == "away"):
            return "stops" if verbs.PARTICLES[particle] == "stops" else "deletes"
    if head in verbs.HARMLESS_AS_HEAD or words == ("format",):  # a lone word of a list
        return None
    if head in {"kill", "drop"}:
        return "stops" if set(words) & _RUNNING else "deletes"
    if head in verbs.STOPS:
        return "stops" if len(words) > 1 or head in {"stop", "abort"} else None
    if (
        head in verbs.DELETES
        or head.removesuffix("ing") in verbs.DELETES
        or (f"{head.removesuffix('ing')}e" in verbs.DELETES and head.endswith("ing"))
    ):
        return "deletes"
    return None


_RUNNING: Final = frozenset(verbs.listed("debate;workflow;pipeline;codex;run;turn;job;flow;dag;session;discussion"))


def _anywhere(words: tuple[str, ...], clause: tuple[str, ...]) -> Intent | None:
    wishes = bool(set(clause) & verbs.WISHES) or words[0] in {"i", "we", "you", "let", "all", "every", "the"}
    for number, word in enumerate(words):
        before = words[number - 1] if number else ""
        if before in verbs.NEGATIONS:
            continue
        if word in verbs.DELETES and (
            word not in verbs.ONLY_AS_HEAD or before in {"to", "should", "must", "you", "codex"}
        ):
            return Intent("deletes", word, clause)
        if before in {"need", "needs", "mind"} and word.endswith("ing") and _kind_of_head((word,)) is not None:
            return Intent("deletes", word, clause)
        if word in verbs.STOPS - verbs.HARMLESS_AS_HEAD and before in {
            "to",
            "should",
            "must",
            "can",
            "it",
            "codex",
            "agent",
        }:
            return Intent("stops", word, clause)
        if (
            word in verbs.PARTICIPLES
            and word != "away"
            and wishes
            and set(words[:number]) & verbs.WISHES | {before} & {"be", "get"}
        ):
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
