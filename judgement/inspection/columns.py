"""Passwords in tables: cells below a head that names them."""

from __future__ import annotations

from collections.abc import Iterator

from .assignments import name_kind
from .scan import MOST_PLACES, CrowdedError, Span, each, pattern
from .values import is_key, is_password

_HEAD = pattern(  # a line with a cell that is a secret's name, and others
    r"(?im)(?:^|[\t|;,])[ ]*\"?[a-z_. ]*(?:passwo?r[dt]|passwd|passphrase|kennwort|contrase\xf1a|mot de passe|"
    r"wachtwoord|senha|pwd|pass|pw|token|secret|api[_ ]?key)\"?[ ]*(?:[\t|;,]|\r?\n)"
)
_DELIMITERS = b"\t|;,"
_MOST_ROW = 2048


def in_columns(text: bytes) -> Iterator[Span]:
    """Values in the columns of passwords and keys, up to the next blank line."""
    done = count = 0
    for match in each(_HEAD, text):
        begin = text.rfind(b"\n", max(0, match.start() - _MOST_ROW), match.start() + 1) + 1
        end = text.find(b"\n", match.end() - 1, match.end() + _MOST_ROW)
        if begin < done or end < 0:
            continue
        columns, delimiter = _columns(text[begin:end])
        done = end + 1
        while columns and 0 < (stop := _row_end(text, done)) - done <= _MOST_ROW and text[done:stop].strip():
            count += 1
            if count > MOST_PLACES:
                raise CrowdedError(done)
            yield from _cells(text, done, stop, columns, delimiter)
            done = stop + 1


def _row_end(text: bytes, at: int) -> int:
    stop = text.find(b"\n", at, at + _MOST_ROW)
    return stop if stop >= 0 else min(len(text), at + _MOST_ROW)


def _columns(head: bytes) -> tuple[dict[int, str], bytes]:
    """Which columns hold secrets, and of which kind; none where the line is no head of a table."""
    for sign in _DELIMITERS:
        delimiter = bytes((sign,))
        cells = [cell.strip(b' "\r').decode("latin-1") for cell in head.split(delimiter)]
        if len(cells) > 1:
            kinds = {place: name_kind(cell.replace(" ", "_")) for place, cell in enumerate(cells) if len(cell) <= 32}  # noqa: PLR2004
            return {place: kind for place, kind in kinds.items() if kind and kind != "random"}, delimiter
    return {}, b""


def _cells(text: bytes, begin: int, stop: int, columns: dict[int, str], delimiter: bytes) -> Iterator[Span]:
    at = begin
    for place, cell in enumerate(text[begin:stop].split(delimiter)):
        kind = columns.get(place)
        if kind:
            bare = cell.strip(b" \"'`\r")
            value = bare.decode("latin-1")
            holds = is_key(value, quoted=True) if kind == "key" else is_password(value, quoted=True, sure=True)
            if holds and " " not in value:
                start = at + cell.index(bare)
                yield start, start + len(bare), "key" if kind == "key" else "password"
        at += len(cell) + 1
