"""How the word lists of `verbs` and `things` are written down."""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """Words between white space."""
    return frozenset(text.split())


def by_word(table: dict[str, str]) -> dict[str, str]:
    """What each word means, from lists of words by meaning."""
    return {word: meaning for meaning, listed in table.items() for word in listed.split()}


def phrases(text: str) -> dict[tuple[str, ...], str]:
    """Lines of `word: phrase; phrase`; an indented line goes on with the one before it."""
    found: dict[tuple[str, ...], str] = {}
    word = ""
    for line in text.splitlines():
        head, colon, rest = line.partition(": ")
        word = head.strip() if colon else word
        for phrase in (rest if colon else line).split(";"):
            if phrase.strip():
                found[tuple(phrase.split())] = word
    return found
