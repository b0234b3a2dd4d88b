"""Text that nobody sees: tag characters, variation selectors, zero-width bits, turned directions."""

from __future__ import annotations

import re2

from .decode import SHORTEST, Decoded
from .source import Source

_TAGS = re2.compile("[\U000e0020-\U000e007e]{4,}".encode())
_SELECTORS = re2.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{4,}".encode())
_BITS = re2.compile("[\u200b\u200c\u200d\u2060\u2062\u2063\u2064\ufeff]{8,}".encode())
_TURNED = re2.compile("[\u202d\u202e][^\u202c\n]{6,}".encode())
_FLAG = "\U0001f3f4"  # tag characters after the black flag are the flags of regions
_FIRST_SELECTORS = 16  # FE00 to FE0F; the others follow


def _byte(char: str) -> int:
    code = ord(char)
    return code - 0xFE00 if code < 0x10000 else code - 0xE0100 + _FIRST_SELECTORS  # noqa: PLR2004 - the plane's end


def hidden(source: Source) -> list[Decoded]:
    """Every run of characters that carries a text unseen, with that text as far as it can be read."""
    if source.text.isascii():
        return []
    found = []
    for start, end, run in source.find(_TAGS):
        if source.text[max(0, start - 1) : start] != _FLAG:
            found.append(Decoded(start, end, "".join(chr(ord(c) - 0xE0000) for c in run), "invisible tag characters"))
    for start, end, run in source.find(_SELECTORS):
        text = bytes(_byte(char) & 0xFF for char in run).decode("utf-8", "replace")
        found.append(Decoded(start, end, text, "variation selectors"))
    for start, end, run in source.find(_BITS):
        found.append(Decoded(start, end, _from_bits(run), "zero-width characters"))
    for start, end, run in source.find(_TURNED):
        found.append(Decoded(start, end, run[:0:-1], "turned direction"))
    return found


def _from_bits(run: str) -> str:
    """Two kinds of characters are read as bits, the first kind seen as 0, then as 1."""
    kinds = sorted(set(run))
    if len(kinds) != 2:  # noqa: PLR2004 - 0 and 1
        return ""
    for zero in kinds:
        bits = "".join("0" if char == zero else "1" for char in run)
        data = bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits) // 8 * 8, 8))
        if len(data) >= SHORTEST and all(32 <= byte < 127 for byte in data):  # noqa: PLR2004 - ASCII that prints
            return data.decode()
    return ""
