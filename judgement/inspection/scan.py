"""Foreign text as bytes that RE2 reads: one byte a character, so that a place in the one is a place in the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import re2

# What stands for a separator or a quote in typeset text; all others outside Latin-1 become a question mark.
_ALIKE = (
    ("\u2010", "-"),
    ("\u2011", "-"),
    ("\u2012", "-"),
    ("\u2013", "-"),
    ("\u2009", " "),
    ("\u202f", " "),
    ("\u2018", "'"),
    ("\u2019", "'"),
    ("\u201c", '"'),
    ("\u201d", '"'),
    ("\u201e", '"'),
)


class Match(Protocol):
    """What RE2 found."""

    def start(self, group: int = 0) -> int:
        """Where it begins; -1 when the group took no part."""

    def end(self, group: int = 0) -> int:
        """Where it ends."""

    def group(self, group: int = 0) -> bytes:
        """What it is."""


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


def narrow(text: str) -> bytes:
    """One byte a character: Latin-1, typeset dashes, blanks and quotes as ASCII, `?` for all else."""
    if not text.isascii():
        for character, plain in _ALIKE:
            text = text.replace(character, plain)
    return text.encode("latin-1", "replace")


def words(text: str) -> frozenset[str]:
    """The words of a list that blanks part."""
    return frozenset(text.split())
