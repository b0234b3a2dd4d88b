"""Loops and functions that use up the machine: what they start or write again and again without a pause."""

from __future__ import annotations

from collections.abc import Iterator

from .conditions import greatest_number
from .model import Hit, block, review
from .syntax import Background, ForEach, Group, Literal, Pipeline, Simple, Statement, Substitution, Variable, Word

MANY_PROCESSES = 2000
MANY_FILES = 1_000_000

_PACES = frozenset(
    """
        sleep usleep read wait inotifywait inotifywatch select break return exit nc ncat accept ping timeout
        fswatch entr gum dialog whiptail curl wget ssh git make docker kubectl
    """.split()
)
_GROWS = frozenset(
    """
        mkdir touch fallocate dd truncate cp mknod ln tee split mktemp head mkfile rsync tar
    """.split()
)
_IDLE = frozenset(["true", ":", "false", "test", "[", "[[", "((", "let"])


def judge(loop: Group) -> Iterator[Hit]:
    """What is to be said of a loop as a whole."""
    inner = list(_within(loop.body))
    front = [statement for statement, background in inner if not background]
    spawns = any(background for _, background in inner)
    paced = any(_first(statement) in _PACES for statement in front)
    grows = any(_grows(statement) for statement, _ in inner)
    if loop.times >= MANY_PROCESSES and spawns and not paced:
        yield block("exhaust", "starts more processes than a machine stands")
    elif loop.times >= MANY_FILES and grows:
        yield block("exhaust", "fills the disk")
    if paced:
        return
    if loop.forever and spawns:
        yield block("exhaust", "starts processes without an end")
    elif loop.forever and grows:
        yield block("exhaust", "uses up disk or memory without an end")
    elif loop.forever and all(_first(statement) in _IDLE or not statement.words for statement, _ in inner):
        yield review("exhaust", "is busy without an end and does nothing")
    elif (
        loop.looped
        and not loop.times
        and spawns
        and not any(s.assignments or _first(s) in {"let", "(("} for s in front)
    ):
        yield review("exhaust", "starts processes as long as a condition holds that nothing changes")


def count(words: tuple[Word, ...]) -> int:
    """How many values `{1..N}` or `$(seq N)` give, where that is written down; else 0."""
    return max((_spelled(part) for word in words for part in word.parts), default=0)


def _spelled(part: Literal | Variable | Substitution) -> int:
    if isinstance(part, Literal):
        return greatest_number(part.text) if ".." in part.text else 0
    if isinstance(part, Substitution) and len(part.script) == 1:
        inner = part.script[0]
        if isinstance(inner, Simple) and _first(inner) == "seq":
            return max((greatest_number(_literal(word)) for word in inner.words[1:]), default=0)
    return 0


def _literal(word: Word) -> str:
    return "".join(part.text for part in word.parts if isinstance(part, Literal))


def _first(statement: Simple) -> str:
    return _literal(statement.words[0]).rpartition("/")[2] if statement.words else ""


def _within(statements: tuple[Statement, ...], *, background: bool = False) -> Iterator[tuple[Simple, bool]]:
    """All plain commands within, each with whether it is waited for."""
    waiting = [(statement, background) for statement in reversed(statements)]
    while waiting:
        statement, apart = waiting.pop()
        match statement:
            case Simple():
                yield statement, apart
            case Background():
                waiting.append((statement.statement, True))
            case Pipeline():
                waiting.extend((stage, apart) for stage in statement.stages)
            case Group():
                waiting.extend((inner, apart) for inner in statement.body)
            case ForEach():
                waiting.append((statement.body, apart))
            case _:
                pass


def _grows(statement: Simple) -> bool:
    first = _first(statement)
    if first in _GROWS:
        return True
    for redirect in statement.redirects:
        target = _literal(redirect.target)
        descriptor = redirect.operator.endswith("&") and target.isdigit()
        if (
            redirect.operator.startswith((">", "&>"))
            and not descriptor
            and not target.startswith("/dev/")
            and target != "-"
        ):
            return redirect.operator in {">>", "&>>"} or any(not isinstance(p, Literal) for p in redirect.target.parts)
    for assignment in statement.assignments:
        own = sum(_mentions(part, assignment.name) for word in assignment.values for part in word.parts)
        if own >= 2 or (own and assignment.appends):  # noqa: PLR2004 (its own value twice: it doubles)
            return True
    return False


def _mentions(part: Literal | Variable | Substitution, name: str) -> int:
    if isinstance(part, Variable):
        return part.name == name
    if isinstance(part, Substitution):
        return sum(
            _mentions(piece, name)
            for statement, _ in _within(part.script)
            for word in statement.words
            for piece in word.parts
        )
    return 0


def multiplies(name: str, body: Group) -> bool:
    """Whether a function starts itself in the background or in a pipe, so that each call makes more."""
    waiting: list[tuple[Statement, bool]] = [(statement, False) for statement in body.body]
    while waiting:
        statement, spreads = waiting.pop()
        match statement:
            case Background():
                waiting.append((statement.statement, True))
            case Pipeline():
                waiting.extend((stage, True) for stage in statement.stages)
            case Group():
                waiting.extend((inner, spreads or statement.subshell) for inner in statement.body)
            case Simple():
                if spreads and (_first(statement) == name or _is_self(statement)):
                    return True
                for word in statement.words:
                    for part in word.parts:
                        if isinstance(part, Substitution):
                            waiting.extend((inner, True) for inner in part.script)
            case _:
                pass
    return False


def restarts(statements: tuple[Statement, ...]) -> bool:
    """Whether a script starts itself more than once without waiting, or in a pipe with itself."""
    own = [(statement, apart) for statement, apart in _within(statements) if _is_self(statement)]
    piped = any(
        isinstance(statement, Pipeline) and sum(isinstance(s, Simple) and _is_self(s) for s in statement.stages) > 1
        for statement in _all(statements)
    )
    return piped or (len(own) > 1 and any(apart for _, apart in own))


def _all(statements: tuple[Statement, ...]) -> Iterator[Statement]:
    for statement in statements:
        yield statement.statement if isinstance(statement, Background) else statement


def _is_self(statement: Simple) -> bool:
    words = statement.words
    if words and _first(statement) in {"bash", "sh", "exec", "nohup", "setsid"}:
        words = words[1:]
    parts = words[0].parts if words else ()
    return any(isinstance(part, Variable) and part.name in {"0", "BASH_SOURCE"} for part in parts)
