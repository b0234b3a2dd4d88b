"""Foreign text as bytes that RE2 reads: one byte a character, so that a place in the one is a place in the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import re2

Span = tuple[int, int, str]  # start, end, kind
MOST_PLACES = 12_000  # of one kind in a text: in 1 MB one in 87 characters

# What stands for a separator or a quote in typeset text; all others outside Latin-1 become a question mark.
_ALIKE = (
    ("\u2010", "-"),
    ("\u2011", "-"),
    ("\u2012", "-"),
    ("\u2013", "-"),
    ("\uff1a", ":"),
    ("\uff1d", "="),
    ("\u2009", " "),
    ("\u202f", " "),
    ("\u2018", "'"),
    ("\u2019", "'"),
    ("\u201c", '"'),
    ("\u201d", '"'),
    ("\u201e", '"'),
)
# Words for a password, by English ones of the same length, so that places stay.
_PASSWORDS = tuple(
    (word, plain)
    for plain, foreign in (
        ("pw:", "密码是 密碼是 口令是"),
        ("pw", "密码 密碼 口令"),
        ("pass:", "비밀번호는 비밀번호가"),
        ("pass", "비밀번호"),
        ("pword:", "パスワードは"),
        ("pword", "パスワード şifre Şifre סיסמה"),
        ("passwd", "пароль Пароль парола Парола"),
        ("passwrd", "паролем лозинка Лозинка κωδικός Κωδικός पासवर्ड"),
        ("password", "รหัสผ่าน mật_khẩu Mật_khẩu رمز_عبور"),
        ("password ", "كلمة_السر"),
        ("passphrase ", "كلمة_المرور"),
    )
    for word in (each.replace("_", " ") for each in foreign.split())
)


class Match(Protocol):
    """What RE2 found."""

    def start(self, group: int = 0) -> int:
        """Where it begins; -1 when the group took no part."""

    def end(self, group: int = 0) -> int:
        """Where it ends."""

    def span(self, group: int = 0) -> tuple[int, int]:
        """Where it begins and ends."""

    def group(self, group: int = 0) -> bytes:
        """What it is."""

    @property
    def lastindex(self) -> int | None:
        """The last group that took part."""


class Pattern(Protocol):
    """An RE2 pattern over bytes: linear in the text whatever both are."""

    def search(self, text: bytes, pos: int | None = None, endpos: int | None = None) -> Match | None:
        """The leftmost match."""

    def match(self, text: bytes, pos: int | None = None, endpos: int | None = None) -> Match | None:
        """The match that begins at `pos`."""

    def finditer(self, text: bytes, pos: int | None = None, endpos: int | None = None) -> Iterator[Match]:
        """All that don't overlap."""


def pattern(source: str) -> Pattern:
    """Compile a pattern over the bytes that `narrow` gives."""
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = 64 << 20
    compiled: Pattern = re2.compile(source.encode("latin-1"), options)
    return compiled


class CrowdedError(Exception):
    """A text has more places to look at than time allows; from `at` on nothing was looked at."""

    def __init__(self, at: int) -> None:
        super().__init__(f"more than {MOST_PLACES} places of one kind")
        self.at = at


def each(source: Pattern, text: bytes) -> Iterator[Match]:
    """The matches that don't overlap, as far as time allows.

    Raises:
        CrowdedError: there are more than `MOST_PLACES`.
    """
    for count, match in enumerate(source.finditer(text)):
        if count == MOST_PLACES:
            raise CrowdedError(match.start())
        yield match


def gathered(source: Iterator[Span], kind: str, text: bytes) -> list[Span]:
    """All that it finds; of a crowded text, the whole rest that it didn't look at as one of this kind."""
    found: list[Span] = []
    try:
        for span in source:
            found.append(span)
    except CrowdedError as crowded:
        found.append((crowded.at, len(text), kind))
    return found


def narrow(text: str) -> bytes:
    """One byte a character: Latin-1, typeset signs and foreign words for a password as ASCII, `?` for all else."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        for characters, plain in (*_ALIKE, *_PASSWORDS):
            text = text.replace(characters, plain)
        return text.encode("latin-1", "replace")


def words(text: str) -> frozenset[str]:
    """The words of a list that blanks part."""
    return frozenset(text.split())
