"""Digits and signs for letters: "1gn0r3"."""

from __future__ import annotations

from functools import cache, lru_cache
from itertools import islice, product
from typing import Any

import re2

from .vocabulary import LONGEST, is_known, known_words

_LETTERS = {"0": "o", "1": "il", "2": "z", "3": "e", "4": "a", "5": "s", "6": "gb", "7": "t", "8": "b", "9": "g"}
_FIRST = bytes.maketrans("".join(_LETTERS).encode(), "".join(letters[0] for letters in _LETTERS.values()).encode())
_SHAPES = bytes.maketrans(b"0123456789lb", b"oizeasgtggig")  # what looks alike, also by way of a digit, is one
_SIGNS = str.maketrans("$@!|€£+", "5411317")
_ADDRESS = r"[0-9A-Za-z]{2}@[0-9A-Za-z-]+\.|\.[0-9A-Za-z-]+@[0-9A-Za-z]{2}"  # stays as it is
_SIGN_IN_WORD = re2.compile(f"{_ADDRESS}|[$@!|€£+]+[0-9A-Za-z]|[0-9A-Za-z][$€£@]+".encode())
_MOST_READINGS = 16
_MOST_SIGNS = 2000  # of one text


def translated(text: str, table: bytes) -> str:
    """`str.translate` of nothing but ASCII, which is faster so."""
    return text.encode("utf-8", "surrogatepass").translate(table).decode("utf-8", "surrogatepass")


def shaped(text: str) -> str:
    """A text in which letters and digits that look alike are the same; words that may be read alike are equal."""
    return translated(text, _SHAPES)


@cache
def known_shapes() -> frozenset[str]:
    """What the known words look like."""
    return frozenset(map(shaped, known_words()))


@lru_cache(maxsize=8192)
def _likeliest(word: str) -> str:
    """The reading that is a known word, or else the first."""
    if shaped(word) in known_shapes():
        choices = [_LETTERS.get(char, char) for char in word]
        for reading in islice(product(*choices), _MOST_READINGS):
            if is_known("".join(reading)):
                return "".join(reading)
    return translated(word, _FIRST)


def unleet(word: str) -> str:
    """A word of letters and digits with its digits read as the letters they look like; others as they are."""
    if word.isalpha() or word.isdigit() or not word.isalnum() or not word.isascii() or len(word) > LONGEST:
        return word
    return _likeliest(word)


def unleet_any(word: str) -> str:
    """As `unleet`, in a text where digits alone may be a word as well, if one that is known."""
    if not (word.isdigit() and word.isascii() and len(word) <= LONGEST):
        return unleet(word)
    read = _likeliest(word)
    return read if is_known(read) else word


def with_digits(text: str) -> str:
    """A text of the same length in which the signs in words that stand for letters are digits; itself if none do."""
    data = text.encode("utf-8", "replace")
    if not _SIGN_IN_WORD.search(data):
        return text

    def digits(match: Any) -> bytes:
        found: bytes = match.group()
        return found if b"." in found else found.decode().translate(_SIGNS).encode()

    return str(_SIGN_IN_WORD.sub(digits, data, _MOST_SIGNS).decode())
