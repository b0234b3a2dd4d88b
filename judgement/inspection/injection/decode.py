"""Finds what is written in an encoding (base64, hex, percent, entities, escapes, numbers, Morse) and decodes it."""

# ruff: noqa: RUF001 - look-alike characters are this module's subject

from __future__ import annotations

import base64
import binascii
import codecs
import html
import string
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import unquote

import re2

from .source import Source
from .spaced import SPACED, joined
from .vocabulary import is_known

SHORTEST = 6  # characters; less carries no instruction
_PRINTABLE = 0.85  # the part of a decoded text that must be letters, digits, spaces and such
_LETTERS = 0.4  # the part that must be letters and spaces
_SURE = 24  # characters; a shorter text must have known words
_SAMPLE = 400  # bytes that tell whether the others are worth reading
_LONG = 20  # characters; a shorter run that was turned as well would be read by chance
_CAUGHT = "\ufffd\x7f" + "".join(map(chr, range(32)))  # what a neighbouring word is read as


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
_BASE64_BREAK = rb"={0,2}[\s>\"'+,|#*\\]{1,8}"  # of a text that is quoted, spaced or put together from strings
_BASE64_PIECES = re2.compile(
    rb"(?:[A-Za-z0-9+/]*(?:[a-z0-9][A-Z]|[0-9][a-z]|[A-Z]{2}[a-z])[A-Za-z0-9+/]*" + _BASE64_BREAK + rb")+"
    rb"[A-Za-z0-9+/]{2,}={0,2}"
)
_NOT_BASE64 = re2.compile(r"[\"']\s*\+\s*[\"']|[^A-Za-z0-9+/]+")
_NO_BASE64 = bytes(set(range(256)) - set(f"{string.ascii_letters}{string.digits}+/".encode()))
_BASE32 = re2.compile(rb"[A-Z2-7]{16,}={0,6}")
_HEX = re2.compile(rb"(?:^|[^0-9A-Za-z])((?:(?:\\x|0x|%)?[0-9A-Fa-f]{2}[ ,:;\-]?\s?){8,})")
_NO_HEX = bytes(set(range(256)) - set(b"0123456789ABCDEFabcdef"))
_PERCENT = re2.compile(rb"[^\s\"<>]*(?:%[0-9A-Fa-f]{2}[^\s\"<>%]*){2,}")
_ENTITY = re2.compile(rb"(?:&(?:#[0-9]{2,6}|#[xX][0-9A-Fa-f]{2,5}|[a-z]{2,8});[^&]{0,40}){2,}")
_ESCAPE = re2.compile(
    rb"(?:\\{1,2}(?:u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|u\{[0-9A-Fa-f]{1,6}\}|[0-7]{2,3})[^\\]{0,20}){2,}"
)
_ONE_ESCAPE = re2.compile(r"\\{1,2}(?:u([0-9A-Fa-f]{4})|u\{([0-9A-Fa-f]{1,6})\}|x([0-9A-Fa-f]{2})|([0-7]{2,3}))")
_PRINTABLE_QUOTED = re2.compile(rb"(?:=[0-9A-F]{2}){6,}")
_BINARY = re2.compile(rb"(?:[01]{8}[ ,]?){6,}")
_DECIMAL = re2.compile(rb"(?:\b[0-9]{2,3}[ ,;]+){7,}[0-9]{2,3}\b")
_MORSE = re2.compile(r"(?:[.\-·−–]{1,6}[ /|]{1,3}){7,}[.\-·−–]{1,6}".encode())
_MORSE_CODE = (
    ".- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- .-- -..- -.-- --.."
)
_MORSE_LETTERS = dict(zip(_MORSE_CODE.split(), "abcdefghijklmnopqrstuvwxyz", strict=True))


def _readable(data: bytes) -> str:
    """The bytes as a text when they are one, but for what was caught with them at either end; else nothing."""
    if len(data) > _SAMPLE and not _readable(data[:_SAMPLE]):
        return ""
    text = data.decode("utf-8", "replace").strip(_CAUGHT)
    letters = sum(map(str.isalpha, text)) + text.count(" ")
    if not (letters >= _LETTERS * len(text) or text.isalnum()):  # the latter may be encoded once more
        return ""
    signs = sum(map(str.isdigit, text)) + sum(map(text.count, ".,:;!?'\"-_/<>|()[]{}\n\r\t\\=+@%&#"))
    long_enough = len(text) >= max(SHORTEST, len(data) // 2)
    shown = long_enough and letters + signs >= _PRINTABLE * len(text)
    return text if shown and (len(text) >= _SURE or _has_words(text)) else ""


def _has_words(text: str) -> bool:
    """Whether half of a text's letters are of known words; bytes that aren't a text may look like a short one."""
    words = "".join(char if char.isalpha() else " " for char in text.lower()).split()
    return 0 < sum(map(len, words)) <= 2 * sum(len(word) for word in words if len(word) > 1 and is_known(word))


def _from_base64(piece: str) -> str:
    """Base64 of either alphabet; that of a text that was then turned round or by 13 as well."""
    if piece[1:].islower() and piece.isalpha():
        return ""  # a long word
    letters = piece if piece.isalnum() else _plain_base64(piece.replace("-", "+").replace("_", "/"))
    turns = (letters, letters[::-1], codecs.encode(letters, "rot13")) if len(letters) > _LONG else (letters,)
    return next(filter(None, map(_from_plain_base64, turns)), "")


def _plain_base64(letters: str) -> str:
    """Without what parts the letters, and what joins strings of them."""
    if '"' in letters or "'" in letters:
        return str(_NOT_BASE64.sub("", letters))
    return letters.encode("ascii", "ignore").translate(None, _NO_BASE64).decode()


def _from_plain_base64(letters: str) -> str:
    letters = letters[: len(letters) - (len(letters) % 4 == 1)]
    return _readable(base64.b64decode(letters + "=" * (-len(letters) % 4)))


def _from_base32(piece: str) -> str:
    letters = piece.rstrip("=")
    try:
        return _readable(base64.b32decode(letters + "=" * (-len(letters) % 8)))
    except (binascii.Error, ValueError):
        return ""


def _from_hex(piece: str) -> str:
    digits = piece.encode("ascii", "ignore").replace(b"0x", b"").translate(None, _NO_HEX)
    digits = digits[: len(digits) // 2 * 2]
    return _readable(binascii.unhexlify(digits)) or _readable(binascii.unhexlify(digits[::-1]))


def _from_quoted_printable(piece: str) -> str:
    return _readable(binascii.unhexlify(piece.replace("=", "")))


def _from_escapes(piece: str) -> str:
    def char(match: Any) -> str:
        *hexadecimal, octal = match.groups()
        code = int(octal, 8) if octal else int(next(filter(None, hexadecimal)), 16)
        return chr(code) if code < 0xD800 or 0xE000 <= code < 0x110000 else " "  # noqa: PLR2004 - Unicode's bounds

    return str(_ONE_ESCAPE.sub(char, piece.encode("utf-8", "replace").decode()))


def _from_binary(piece: str) -> str:
    bits = piece.replace(" ", "").replace(",", "")
    return _readable(int(bits, 2).to_bytes(len(bits) // 8, "big"))


def _from_decimal(piece: str) -> str:
    numbers = [int(number) for number in piece.replace(",", " ").replace(";", " ").split()]
    if max(numbers) > 255 or not (ord(" ") in numbers or max(numbers) >= ord("a")):  # noqa: PLR2004 - bytes
        return ""  # or bytes in hexadecimal that happen to have no letters
    return _readable(bytes(numbers))


def _from_morse(piece: str) -> str:
    signs = piece.replace("·", ".").replace("−", "-").replace("–", "-").replace("|", "/")
    words = [part.split() for part in signs.replace("/", " / ").replace("   ", " / ").split("/")]
    text = " ".join("".join(_MORSE_LETTERS.get(sign, "?") for sign in word) for word in words)
    return text if text.count("?") * 5 < len(text) else ""


_DECODERS: list[tuple[str, Any, int, Callable[[str], str]]] = [
    ("base64", _BASE64, 0, _from_base64),
    ("base64", _BASE64_LINE, 0, _from_base64),
    ("base64", _BASE64_PIECES, 0, _from_base64),
    ("base32", _BASE32, 0, _from_base32),
    ("hexadecimal", _HEX, 1, _from_hex),
    ("percent encoding", _PERCENT, 0, lambda piece: unquote(piece.replace("+", " "), errors="replace")),
    ("character entities", _ENTITY, 0, html.unescape),
    ("quoted-printable", _PRINTABLE_QUOTED, 0, _from_quoted_printable),
    ("escape sequences", _ESCAPE, 0, _from_escapes),
    ("binary digits", _BINARY, 0, _from_binary),
    ("character numbers", _DECIMAL, 0, _from_decimal),
    ("Morse code", _MORSE, 0, _from_morse),
    ("spaced letters", SPACED, 1, joined),
]


def decoded(source: Source) -> Iterator[Decoded]:
    """Every part that is another text in disguise; a bounded number of each encoding, each no longer than its part."""
    done: dict[str, list[tuple[int, int]]] = {}
    tried: set[tuple[str, int, int]] = set()
    for encoding, pattern, group, decode in _DECODERS:
        spans = done.setdefault(encoding, [])
        for start, end, piece in source.find(pattern, group):
            if (encoding, start, end) in tried or any(first <= start and end <= last for first, last in spans):
                continue
            tried.add((encoding, start, end))
            text = decode(piece)
            if len(text) >= SHORTEST and text != piece:
                yield Decoded(start, end, text, encoding)
                spans.append((start, end))
