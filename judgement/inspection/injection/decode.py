"""Finds what is written in an encoding (base64, hex, percent, entities, escapes, Morse, spacing) and decodes it."""

# ruff: noqa: RUF001 - look-alike characters are this module's subject

from __future__ import annotations

import base64
import binascii
import html
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import unquote

import ahocorasick_rs
import re2

from .lexicon import lexicon
from .source import Source

SHORTEST = 6  # characters; less carries no instruction
_PRINTABLE = 0.85  # the part of a decoded text that must be letters, digits, spaces and such
_LONGEST_UNCUT = 12  # letters; longer words of a spaced text are words run together


class Decoded(NamedTuple):
    """A part of a text that meant another.

    Args:
        start: where the encoded part begins, in characters.
        end: where it ends.
        text: what it says.
        encoding: which encoding, for a person.
    """

    start: int
    end: int
    text: str
    encoding: str


_BASE64 = re2.compile(rb"[A-Za-z0-9+/_-]{12,}(?:[ \t]*\r?\n[ \t]*[A-Za-z0-9+/_-]{4,})*={0,2}")
_BASE64_LINE = re2.compile(rb"[A-Za-z0-9+/_-]{12,}={0,2}")
_BASE32 = re2.compile(rb"[A-Z2-7]{16,}={0,6}")
_HEX = re2.compile(rb"(?:(?:\\x|0x|%)?[0-9A-Fa-f]{2}[ ,:;\-]?\s?){8,}")
_HEX_SIGNS = re2.compile(rb"\\x|0x|[^0-9A-Fa-f]")
_PERCENT = re2.compile(rb"[^\s\"<>]*(?:%[0-9A-Fa-f]{2}[^\s\"<>%]*){2,}")
_ENTITY = re2.compile(rb"(?:&(?:#[0-9]{2,6}|#[xX][0-9A-Fa-f]{2,5}|[a-z]{2,8});[^&]{0,40}){2,}")
_ESCAPE = re2.compile(rb"(?:(?:\\u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2}|\\u\{[0-9A-Fa-f]{1,6}\})[^\\]{0,20}){2,}")
_ONE_ESCAPE = re2.compile(r"\\u\{?([0-9A-Fa-f]{1,6})\}?|\\x([0-9A-Fa-f]{2})")
_BINARY = re2.compile(rb"(?:[01]{8}[ ,]?){6,}")
_DECIMAL = re2.compile(rb"(?:\b[0-9]{2,3}[ ,;]+){7,}[0-9]{2,3}\b")
_MORSE = re2.compile(r"(?:[.\-·−–]{1,6}[ /|]{1,3}){7,}[.\-·−–]{1,6}".encode())
_LETTER = r"[0-9A-Za-z\x{80}-\x{B6}\x{B8}-\x{10FFFF}]"
_SPACED = re2.compile(
    rf"(?:^|[^0-9A-Za-z])((?:{_LETTER}[ \t\n.\-_*/|,~+:=\x{{B7}}]{{1,5}}){{5,}}{_LETTER})(?:[^0-9A-Za-z]|$)".encode()
)
_MORSE_CODE = (
    ".- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- .-- -..- -.-- --.."
)
_MORSE_LETTERS = dict(zip(_MORSE_CODE.split(), "abcdefghijklmnopqrstuvwxyz", strict=True))


def _readable(data: bytes) -> str:
    """The bytes as a text when they are one, else nothing."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return ""
    fair = sum(map(str.isalnum, text)) + sum(map(text.count, " .,:;!?'\"-_/<>|()[]{}\n\\=+@%&#"))
    return text if len(text) >= SHORTEST and fair >= _PRINTABLE * len(text) else ""


def _from_base64(piece: str) -> str:
    if piece[1:].islower() and piece.isalpha():
        return ""  # a long word
    letters = "".join(piece.split()).rstrip("=").replace("-", "+").replace("_", "/")
    letters = letters[: len(letters) - (len(letters) % 4 == 1)]
    try:
        return _readable(base64.b64decode(letters + "=" * (-len(letters) % 4)))
    except (binascii.Error, ValueError):
        return ""


def _from_base32(piece: str) -> str:
    letters = piece.rstrip("=")
    try:
        return _readable(base64.b32decode(letters + "=" * (-len(letters) % 8)))
    except (binascii.Error, ValueError):
        return ""


def _from_hex(piece: str) -> str:
    digits = _HEX_SIGNS.sub(b"", piece.encode("ascii", "ignore"))
    return _readable(binascii.unhexlify(digits[: len(digits) // 2 * 2]))


def _from_escapes(piece: str) -> str:
    def char(match: Any) -> str:
        code = int(match.group(1) or match.group(2), 16)
        return chr(code) if code < 0xD800 or 0xE000 <= code < 0x110000 else " "  # noqa: PLR2004 - Unicode's bounds

    return str(_ONE_ESCAPE.sub(char, piece.encode("utf-8", "replace").decode()))


def _from_binary(piece: str) -> str:
    bits = piece.replace(" ", "").replace(",", "")
    return _readable(int(bits, 2).to_bytes(len(bits) // 8, "big"))


def _from_decimal(piece: str) -> str:
    numbers = [int(number) for number in piece.replace(",", " ").replace(";", " ").split()]
    return _readable(bytes(n for n in numbers if n < 256)) if max(numbers) < 256 else ""  # noqa: PLR2004 - bytes


def _from_morse(piece: str) -> str:
    signs = piece.replace("·", ".").replace("−", "-").replace("–", "-").replace("|", "/")
    words = [part.split() for part in signs.replace("/", " / ").replace("   ", " / ").split("/")]
    text = " ".join("".join(_MORSE_LETTERS.get(sign, "?") for sign in word) for word in words)
    return text if text.count("?") * 5 < len(text) else ""


@cache
def _vocabulary() -> ahocorasick_rs.AhoCorasick:
    known = [word for word in lexicon().known if word.isascii() and word.isalpha() and len(word) > 1]
    return ahocorasick_rs.AhoCorasick(known, matchkind=ahocorasick_rs.MatchKind.LeftmostLongest)


def cut(letters: str) -> str:
    """Put spaces between words that were run together, by the words that the lexicon knows."""
    pieces, last = [], 0
    for _, start, end in _vocabulary().find_matches_as_indexes(letters.lower()):
        pieces += [letters[last:start], letters[start:end]]
        last = end
    return " ".join(piece for piece in [*pieces, letters[last:]] if piece)


def _from_spaced(piece: str) -> str:
    letters: list[str] = []
    gaps: list[str] = []
    for char in piece:
        if char.isalnum():
            letters.append(char)
            gaps.append("")
        elif gaps:
            gaps[-1] += char
    usual = Counter(gaps[:-1]).most_common(1)[0][0]
    text = "".join(char + ("" if gap == usual else " ") for char, gap in zip(letters, gaps, strict=True))
    return " ".join(cut(word) if len(word) > _LONGEST_UNCUT else word for word in text.split())


_DECODERS: list[tuple[str, Any, int, Callable[[str], str]]] = [
    ("base64", _BASE64, 0, _from_base64),
    ("base64", _BASE64_LINE, 0, _from_base64),
    ("base32", _BASE32, 0, _from_base32),
    ("hexadecimal", _HEX, 0, _from_hex),
    ("percent encoding", _PERCENT, 0, lambda piece: unquote(piece.replace("+", " "), errors="replace")),
    ("character entities", _ENTITY, 0, html.unescape),
    ("escape sequences", _ESCAPE, 0, _from_escapes),
    ("binary digits", _BINARY, 0, _from_binary),
    ("character numbers", _DECIMAL, 0, _from_decimal),
    ("Morse code", _MORSE, 0, _from_morse),
    ("spaced letters", _SPACED, 1, _from_spaced),
]


def decoded(source: Source) -> Iterator[Decoded]:
    """Every part that is another text in disguise; a bounded number of each encoding, each no longer than its part."""
    for encoding, pattern, group, decode in _DECODERS:
        for start, end, piece in source.find(pattern, group):
            text = decode(piece)
            if len(text) >= SHORTEST and text != piece:
                yield Decoded(start, end, text, encoding)
