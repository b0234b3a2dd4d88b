"""What quotes and backslashes come to."""

from __future__ import annotations

from collections.abc import Iterator

_SIMPLE = {
    "a": "\a",
    "b": "\b",
    "e": "\x1b",
    "E": "\x1b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\\": "\\",
    "'": "'",
    '"': '"',
    "?": "?",
}
_HEX = {"x": 2, "u": 4, "U": 8}
_LAST_CHARACTER = 0x10FFFF


def ansi_c(text: str) -> str:
    r"""Decode the inside of `$'…'`, also the format of printf and echo -e: `\n`, `\x41`, `\101`, `\u0041`."""
    if "\\" not in text:
        return text
    out: list[str] = []
    at = 0
    while at < len(text):
        mark = text.find("\\", at)
        if mark < 0 or mark + 1 >= len(text):
            out.append(text[at:])
            break
        out.append(text[at:mark])
        letter = text[mark + 1]
        at = mark + 2
        if letter in _SIMPLE:
            out.append(_SIMPLE[letter])
        elif letter in _HEX:
            piece, at = _digits(text, at, "0123456789abcdefABCDEF", _HEX[letter])
            out.append(_character(piece, 16) if piece else "\\" + letter)
        elif letter in "01234567":
            piece, at = _digits(text, at - 1, "01234567", 4 if letter == "0" else 3)
            out.append(_character(piece, 8))
        else:
            out.append("\\" + letter)
    return "".join(out)


def _digits(text: str, at: int, allowed: str, most: int) -> tuple[str, int]:
    end = at
    while end < len(text) and end - at < most and text[end] in allowed:
        end += 1
    return text[at:end], end


def _character(digits: str, base: int) -> str:
    code = int(digits, base)
    return chr(code) if code <= _LAST_CHARACTER and not 0xD800 <= code <= 0xDFFF else "\ufffd"  # noqa: PLR2004


def unescape(text: str) -> Iterator[tuple[str, bool]]:
    """An unquoted word's pieces, each with whether a backslash quoted it."""
    head = text.partition("\\")[0]
    if (len(head) == len("C:") and head[0].isalpha() and head[1] == ":") or (head[:1] == ":" and head[1:].isupper()):
        # a path of DOS, `C:\…` or `$env:NAME\…`: no shell that quotes by backslashes has such
        yield text, False
        return
    at = 0
    while at < len(text):
        mark = text.find("\\", at)
        if mark < 0:
            yield text[at:], False
            return
        if mark > at:
            yield text[at:mark], False
        following = text[mark + 1 : mark + 2]
        if following != "\n":
            yield following or "\\", True
        at = mark + 2


def unescape_double(text: str) -> str:
    r"""The inside of double quotes: a backslash quotes only `$`, a backquote, a double quote, itself and a line's end."""  # noqa: E501
    if "\\" not in text:
        return text
    out: list[str] = []
    at = 0
    while at < len(text):
        mark = text.find("\\", at)
        if mark < 0:
            out.append(text[at:])
            break
        out.append(text[at:mark])
        following = text[mark + 1 : mark + 2]
        if following == "\n":
            pass
        elif following and following in '$`"\\':
            out.append(following)
        else:
            out.append("\\" + following)
        at = mark + 2
    return "".join(out)
