"""What a reader of meaning is given of a text: the text and what it holds in disguise, cut into short windows."""

from __future__ import annotations

import bisect
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

import re2

from .decode import decoded
from .fold import fold
from .invisible import hidden
from .source import Source
from .views import views
from .wordscore import FAINT, Words, judged_of, shipped

MOST_WINDOWS = 16  # of one text; what the words find most suspicious goes first
WINDOW_CHARS = 360  # some 90 tokens of English
DEEPEST = 2  # encodings inside one another
_LEAST_CHARS = 8
_LEAD = 100  # characters that are read before what is in disguise, where it goes on with a sentence
_MOST_CUT = 512  # windows that are compared
_ODD_WORDS = 0.2  # of a text's words have letters that aren't what they look like, or
_MANY_ODD = 4  # words of any text have: that's no accident
_MANY_FORMS = 12  # letters in another form
_SPLITS = 4  # letters that are set apart by invisible characters
_SPLIT = re2.compile("[A-Za-z ][\u00ad\u200b-\u200d\u2060-\u2064\ufeff]".encode())
_BOUNDARY = re2.compile(rb"(?:[.!?;]+[\"')\]]*\s+|\n\s*|\xe3\x80\x82)")


class Window(NamedTuple):
    """A stretch to be read.

    Args:
        text: what to read.
        start: where it stands in the text that was given, in characters.
        end: where it ends there.
        how: the disguise that it was in; "" for none.
    """

    text: str
    start: int
    end: int
    how: str = ""


class Windows(NamedTuple):
    """What to read of a text.

    Args:
        read: at most `MOST_WINDOWS`, the most suspicious first.
        of: how many there were, at most 512; what lies behind isn't cut.
    """

    read: tuple[Window, ...]
    of: int


def windows(text: str) -> Windows:
    """Cut a text, and what it holds in disguise, into windows that overlap by half; linear in the text.

    Args:
        text: any.
    """
    found: dict[str, Window] = {}
    for reading in _readings(text, 0, len(text), "", 0):
        for window in _cut(reading):
            found.setdefault(window.text, window)
            if len(found) >= _MOST_CUT:
                break
    every = list(found.values())
    if len(every) > MOST_WINDOWS:
        every.sort(key=_suspicion, reverse=True)
    return Windows(tuple(every[:MOST_WINDOWS]), len(every))


def suspicion(text: str, by: Words | None = None) -> float:
    """How much the words alone sound like an injection: the log odds of the stretch that does most, -1 at least.

    Args:
        text: any.
        by: another model of words than the one in force.
    """
    return max((part.score for part in judged_of(text, by or shipped())), default=FAINT)


def _suspicion(window: Window) -> tuple[bool, float]:
    return bool(window.how), suspicion(window.text)


def _readings(text: str, start: int, end: int, how: str, depth: int) -> Iterator[Window]:
    """The text as it stands, and each other text in it, at its place."""
    source = Source(text)
    plain = _plain(text)
    yield Window(plain, start, end, _joined(how, _odd_letters(text)))
    inside = depth > 0

    def at(first: int, last: int) -> tuple[int, int]:
        return (start, end) if inside or plain != text else (first, last)

    for view, name in views(text, fold(text)):
        yield Window(_written(view.words), start, end, _joined(how, name))
    if depth < DEEPEST:
        shown = source if plain == text else Source(plain)
        for part in (*hidden(source), *decoded(shown)):
            place, name = at(part.start, part.end), _joined(how, part.encoding)
            if _goes_on(plain[: part.start]):
                near = plain[max(0, part.start - _LEAD) : part.start] + part.text + plain[part.end : part.end + _LEAD]
                yield Window(near, *place, name)
            yield from _readings(part.text, *place, name, depth + 1)


def _goes_on(before: str) -> bool:
    """Whether what follows goes on with a sentence."""
    return before[-1:] == " " and (before[-2:-1].isalnum() or before[-2:-1] == ",")


def _joined(how: str, name: str) -> str:
    return ", ".join(part for part in (how, name) if part)


def _plain(text: str) -> str:
    """Without invisible characters, letters in odd forms as plain ones, look-alikes as what they look like."""
    if text.isascii():
        return text
    shown = "".join(char for char in unicodedata.normalize("NFKC", text) if unicodedata.category(char) != "Cf")
    words = shown.split(" ")
    mixed = [_is_mixed(word) for word in words]
    every = sum(mixed) > 1  # then words all of look-alikes aren't meant as they are either
    return " ".join(
        _written(fold(word).words) if odd or (every and not word.isascii()) else word
        for word, odd in zip(words, mixed, strict=True)
    )


def _odd_letters(text: str) -> str:
    """The disguise of a text whose letters only look odd: a good part of its words, or nothing."""
    if text.isascii():
        return ""
    words = text.split()
    least = min(_MANY_ODD, max(2, len(words) * _ODD_WORDS))
    if len(_SPLIT.findall(text.encode("utf-8", "replace"))) >= max(_SPLITS, least):
        return "invisible characters"
    if sum(map(_is_mixed, words)) >= least:
        return "look-alike letters"
    shown = [unicodedata.normalize("NFKC", char) for char in text]
    odd = sum(form != char and form.isascii() and form.isalpha() for char, form in zip(text, shown, strict=True))
    letters = sum(map(str.isalpha, shown))
    only_ascii = odd >= _MANY_FORMS and not any(form.isalpha() and not form.isascii() for form in shown)
    return "letters in another form" if only_ascii or (odd >= _SPLITS and odd * 2 > letters) else ""


def _is_mixed(word: str) -> bool:
    """Whether letters of several alphabets stand in one word, or it's all in the small capitals of phonetics."""
    if word.isascii():
        return False
    names = [unicodedata.name(char, "") for char in word if char.isalpha()]
    scripts = {name.partition(" ")[0] for name in names}
    small = sum("SMALL CAPITAL" in name for name in names)
    return len(scripts & {"LATIN", "CYRILLIC", "GREEK", "ARMENIAN"}) > 1 or small * 2 > max(2, len(names))


def _written(words: list[str]) -> str:
    return " ".join("." if word == "\ue000" else word for word in words)


def _cut(reading: Window) -> Iterator[Window]:
    """Windows of whole sentences where these are short enough."""
    text = reading.text
    if len(text) <= WINDOW_CHARS:
        if len(text.strip()) >= _LEAST_CHARS:
            yield reading
        return
    source = Source(text)
    places = [0, *(source.at(match.end()) for match in _BOUNDARY.finditer(source.data)), len(text)]
    begin = 0
    while begin < len(text):
        end = _last(places, begin, begin + WINDOW_CHARS, len(text))
        piece = text[begin:end].strip()
        if len(piece) >= _LEAST_CHARS:
            yield _placed(reading, piece, begin, end)
        if end >= len(text):
            return
        half = begin + (end - begin) // 2
        begin = min(end, _last(places, half - WINDOW_CHARS // 4, half + WINDOW_CHARS // 4, len(text)))


def _placed(reading: Window, piece: str, begin: int, end: int) -> Window:
    same = len(reading.text) == reading.end - reading.start
    start, stop = (reading.start + begin, reading.start + end) if same else (reading.start, reading.end)
    return Window(piece, start, stop, reading.how)


def _last(places: list[int], least: int, most: int, size: int) -> int:
    """The last boundary after `least` and not after `most`; `most` itself where there is none."""
    found = places[bisect.bisect_right(places, most) - 1]
    return found if found > least else min(most, size)
