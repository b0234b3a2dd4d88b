"""Conditions and counts of loops that are known without running them."""

from __future__ import annotations

_TRUE = frozenset({"true", ":", "1", "((1))", "/bin/true", "/usr/bin/true", "builtin true", "command true"})
_FALSE = frozenset({"false", "((0))", "/bin/false", "/usr/bin/false"})
_EQUAL = frozenset({"=", "==", "-eq", "-le", "-ge"})
_UNEQUAL = frozenset({"!=", "-ne", "-lt", "-gt"})
_THREE = 3
_MANY = 2000
"""Rounds from which it matters what a loop starts."""


def is_constant(condition: str, *, truth: bool) -> bool:
    """Whether a condition always comes to this: `true`, `[ 1 ]`, `[[ 1 -eq 1 ]]`, `! false`.

    Args:
        condition: as written, without the loop's own words.
        truth: what is asked for.
    """
    text = condition.strip().rstrip(";").strip()
    if text.startswith("! "):
        return is_constant(text[2:], truth=not truth)
    if text in _TRUE or text in _FALSE:
        return (text in _TRUE) is truth
    for opener, closer in (("[[", "]]"), ("[", "]"), ("((", "))"), ("test ", "")):
        if text.startswith(opener) and text.endswith(closer):
            inner = text[len(opener) : len(text) - len(closer)].split()
            return _compared(inner, truth=truth)
    return False


_GROWING = frozenset("mkdir cp dd fallocate mknod mktemp head yes tee split mkfile ln".split())


def adds_each_time(condition: str, *, truth: bool) -> bool:
    """Whether asking makes something new each time, so that the loop ends when nothing more can be made.

    Args:
        condition: as written, without the loop's own words.
        truth: whether the loop goes on as long as it holds; a lock is waited for as long as it doesn't.
    """
    text = condition.strip()
    if text.startswith("! "):
        return adds_each_time(text[2:], truth=not truth)
    first = text.partition(" ")[0].rpartition("/")[2]
    return truth and (first in _GROWING or (">>" in text and first in {"echo", "printf", "cat", "date"}))


def most_times(condition: str) -> int:
    """The number below which a counted loop goes on; 0 where none is written, or no great one."""
    counted = {"-lt", "-le", "-ne", "<", "<="} & set(condition.split())
    most = greatest_number(condition) if counted else 0
    return most if most >= _MANY else 0


def _compared(words: list[str], *, truth: bool) -> bool:
    if any("$" in word or "`" in word for word in words):
        return False
    if len(words) == 1 and not words[0].startswith("-"):
        return truth is (words[0] != "0")
    if len(words) == _THREE and words[0] == words[2]:
        return (words[1] in _EQUAL and truth) or (words[1] in _UNEQUAL and not truth)
    if len(words) == _THREE and words[1] in _EQUAL | _UNEQUAL:
        return words[1] in (_UNEQUAL if truth else _EQUAL) and words[1] in {"=", "==", "!=", "-eq", "-ne"}
    return False


def greatest_number(text: str) -> int:
    """The greatest number that is written in a text; 0 without any."""
    digits = "".join(char if char.isascii() and char.isdigit() else " " for char in text)
    return max((int(number[:12]) for number in digits.split()), default=0)
