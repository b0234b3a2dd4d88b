"""A shell text as it was written, before anything in it is expanded."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Literal:
    """Text as it stands; quoted text is neither split nor globbed."""

    text: str
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Variable:
    """`$name` or `${name…}` with what follows the name as written."""

    name: str
    operator: str = ""
    operands: tuple[Word, ...] = ()
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Substitution:
    """`$(…)`, backquotes, `<(…)` or `>(…)`."""

    script: tuple[Statement, ...]
    quoted: bool = False
    kind: str = "$("


Part = Literal | Variable | Substitution


@dataclass(frozen=True, slots=True)
class Word:
    """One word before expansion, with its place in bytes."""

    parts: tuple[Part, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Assignment:
    """`name=value`, `name+=value` or `name=(a b)`."""

    name: str
    values: tuple[Word, ...]
    appends: bool = False


@dataclass(frozen=True, slots=True)
class Redirect:
    """`[fd]operator target`; a here-document's or here-string's target is its text."""

    operator: str
    descriptor: str
    target: Word


@dataclass(frozen=True, slots=True)
class Simple:
    """One command as written."""

    words: tuple[Word, ...]
    assignments: tuple[Assignment, ...]
    redirects: tuple[Redirect, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Statements, each reading what the one before writes."""

    stages: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Statements one after the other; in a loop, how often they are repeated.

    Args:
        forever: without an end, whatever happens.
        looped: as long as some condition holds.
        times: at most so often, where that is written down; 0 where it isn't.
    """

    body: tuple[Statement, ...]
    redirects: tuple[Redirect, ...] = ()
    forever: bool = False
    subshell: bool = False
    start: int = 0
    end: int = 0
    looped: bool = False
    times: int = 0


@dataclass(frozen=True, slots=True)
class ForEach:
    """`for name in items`."""

    name: str
    items: tuple[Word, ...]
    body: Group


@dataclass(frozen=True, slots=True)
class Function:
    """A definition; nothing runs until it is called."""

    name: str
    body: Group


@dataclass(frozen=True, slots=True)
class Background:
    """A statement that is not waited for."""

    statement: Statement


@dataclass(frozen=True, slots=True)
class Unparsed:
    """A stretch that the grammar doesn't know."""

    start: int
    end: int


Statement = Simple | Pipeline | Group | ForEach | Function | Background | Unparsed
