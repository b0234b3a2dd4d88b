"""Conditions: `when:` in CEL (cel.dev), held to what is quick, bounded and spelt right.

The language itself always ends, but not always soon, and the library has no limit on cost. So a condition is short,
goes through a list at most once, and sees only as much of the arguments as it names, up to a bound; what is larger
can't be evaluated, and the rule then counts as its effect says (`docs/policy.md`). The library is loaded with the first
condition, for that takes 150 ms.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from .inputs import Inputs

MOST_CHARS = 1_000  # of a condition
MOST_TEXT_CHARS = 16_384  # of all texts that it sees
MOST_VALUES = 1_000
_MOST_NUMBER = 2**63

MEMBERS = {
    "principal": ("id", "kind", "tenant", "roles"),  # not trust: it may spare a confirmation, nothing else
    "tool": ("name", "capability", "category", "risk", "read_only", "destructive", "open_world"),
    "now": ("year", "month", "day", "weekday", "hour", "minute", "unix"),
}
ROOTS = ("args", *MEMBERS)
LOOPS = ("all", "exists", "exists_one")
FUNCTIONS = ("has", "size", "contains", "startsWith", "endsWith", "matches", "int", "double", "string", "type")
_TYPES = frozenset({"string", "int", "uint", "double", "bool", "list", "map", "null_type"})
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

# These look at the operator's own text, of at most MOST_CHARS.
_LITERAL = re.compile(
    r"""(?:[rR][bB]?|[bB][rR])(?:"[^"\n]*"|'[^'\n]*')|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'"""  # raw, or not
)
_JOINT = re.compile(r"\s*([.(])\s*")
_PATTERN = re.compile(r"\.matches\(_(\d+)_\s*\)")
_LOOP = re.compile(rf"\.({'|'.join(LOOPS)})\((\w+)\s*,")
_FORBIDDEN = re.compile(r"\.(map|filter)\(")
_ROOT_USE = re.compile(rf"(?<![\w.])({'|'.join(ROOTS)})\b(?:\.(\w+))?")


class ConditionError(ValueError):
    """The condition can't be used; the message says why."""


class UnevaluableError(Exception):
    """The condition has no value for this call; the message says why, without the arguments' content."""


class Condition:
    """A compiled condition.

    Args:
        text: CEL over `args`, `principal`, `tool` and `now`.

    Raises:
        ConditionError: it isn't CEL, is too long or too costly, or names what doesn't exist.
    """

    def __init__(self, text: str) -> None:
        if len(text) > MOST_CHARS:
            raise ConditionError(f"a condition has at most {MOST_CHARS} characters, not {len(text)}")
        self.text = text
        self._program = _compile(text)
        literals, plain = _split(text)
        loops = _loops(plain)
        _check_names(self._program, loops)
        _check_patterns(plain, literals)
        uses = _ROOT_USE.findall(plain)
        for root, member in uses:
            _check_member(root, member)
        self._roots = frozenset(root for root, _ in uses)
        named = {member for root, member in uses if root == "args"}
        self._named = None if "" in named else frozenset(named)  # None: it looks at all of them

    @property
    def reads_arguments(self) -> bool:
        """Whether its value depends on the arguments."""
        return "args" in self._roots

    @property
    def names_tools_or_callers(self) -> bool:
        """Whether it looks at which tool is called, or at who calls."""
        return not self._roots.isdisjoint({"tool", "principal"})

    def holds(self, inputs: Inputs) -> bool:
        """Whether it is true of this call.

        Raises:
            UnevaluableError: a member is missing, a type doesn't fit, or the arguments are too large.
        """
        context = {root: self._context(root, inputs) for root in self._roots}
        try:
            value = self._program.execute(context)
        except (KeyboardInterrupt, SystemExit):
            raise
        except KeyError as error:
            raise UnevaluableError(f"there is no {error.args[0]!r}" if error.args else "a member is missing") from None
        except BaseException as error:  # a panic in the library isn't an Exception, and must not pass for an answer
            raise UnevaluableError(_FAULTS.get(type(error).__name__, "an operation doesn't fit its values")) from None
        if not isinstance(value, bool):
            raise UnevaluableError(f"it gives a {type(value).__name__}, not true or false")
        return value

    def _context(self, root: str, inputs: Inputs) -> dict[str, Any]:
        if root == "args":
            return _bounded(inputs.arguments, self._named)
        if root == "principal":
            return {
                "id": inputs.principal_id,
                "kind": inputs.kind,
                "tenant": inputs.tenant,
                "roles": list(inputs.roles),
            }
        if root == "now":
            return _moment(inputs.now)
        tool = inputs.tool
        given = {name: getattr(tool, name) for name in MEMBERS["tool"] if name != "risk"}
        return given | {"risk": tool.risk_hint}


_FAULTS = {
    "TypeError": "a type doesn't fit",
    "IndexError": "a list is too short",
    "OverflowError": "a number is too large",
    "ZeroDivisionError": "it divides by zero",
}


def _compile(text: str) -> Any:
    from cel import compile as compile_cel  # noqa: PLC0415 - 150 ms that only conditions need

    try:
        return compile_cel(text)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a panic in the library isn't an Exception
        said = str(error).partition("ERROR: ")[2].splitlines() or [str(error)]
        where, _, what = said[0].removeprefix("<input>:").partition(" expecting ")[0].partition(": ")
        raise ConditionError(f"it isn't CEL: {what or where} (at {where})") from None


def _split(text: str) -> tuple[list[str], str]:
    """The text literals, and the text with `_0_`, `_1_`, … in their place and no space around dots and `(`."""
    literals: list[str] = []

    def put(found: re.Match[str]) -> str:
        literals.append(found[0])
        return f" _{len(literals) - 1}_ "

    if '"""' in text or "'''" in text:
        raise ConditionError("write texts in single or double quotes, not in triple ones")
    if "//" in _LITERAL.sub("", text):
        raise ConditionError("write comments in YAML, not inside the condition")
    return literals, _JOINT.sub(r"\1", _LITERAL.sub(put, text))


def _loops(plain: str) -> frozenset[str]:
    """The variables of the loops."""
    if found := _FORBIDDEN.search(plain):
        raise ConditionError(f"{found[1]} makes lists, which no condition needs; use {', '.join(LOOPS)}")
    loops = _LOOP.findall(plain)
    if len(loops) > 1:
        raise ConditionError("it goes through lists more than once; write two rules")
    return frozenset(variable for _, variable in loops)


def _check_names(program: Any, loops: frozenset[str]) -> None:
    if clash := sorted(loops & set(ROOTS)):
        raise ConditionError(f"{clash[0]!r} can't name a loop's variable")
    for name in program.variables():
        if name not in ROOTS and name not in loops and name not in _TYPES:
            raise ConditionError(f"there is no {name!r}; {_known(name, ROOTS)}")
    for name in program.functions():
        if name.isidentifier() and not name.startswith("_") and name not in FUNCTIONS:
            raise ConditionError(f"there is no function {name!r} here; {_known(name, FUNCTIONS)}")


def _check_member(root: str, member: str) -> None:
    if root in MEMBERS and member not in MEMBERS[root]:
        what = f"there is no '{root}.{member}'" if member else f"{root} is no value by itself"
        why = " (trust spares confirmations only: match.trust)" if member == "trust" else ""
        raise ConditionError(f"{what}{why}; {_known(member, MEMBERS[root])}")


def _check_patterns(plain: str, literals: list[str]) -> None:
    patterns = _PATTERN.findall(plain)
    if len(patterns) != len(re.findall(r"\bmatches\b", plain)):
        raise ConditionError('matches takes one pattern, written out: args.path.matches("^/tmp/")')
    for number in patterns:
        try:
            _compile(f'"".matches({literals[int(number)]})').execute({})
        except RuntimeError as error:
            said = str(error).splitlines()
            raise ConditionError(f"{literals[int(number)]} is no usable pattern: {said[-1]}") from None


def _known(name: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"


def _bounded(arguments: Mapping[str, Any], named: frozenset[str] | None) -> dict[str, Any]:
    """The arguments that are looked at, if they are plain data within the bounds."""
    given = {name: value for name, value in arguments.items() if named is None or name in named}
    chars, values, waiting = 0, 0, list(given.values())
    if named is None:
        chars = sum(map(len, given))
    while waiting:
        value = waiting.pop()
        values += 1
        if isinstance(value, str):
            chars += len(value)
        elif isinstance(value, Mapping):
            waiting += value.values()
            chars += sum(map(len, value))
        elif isinstance(value, list | tuple):
            waiting += value
        elif isinstance(value, int) and not -_MOST_NUMBER <= value < _MOST_NUMBER:
            raise UnevaluableError("a number is too large")
        elif isinstance(value, float) and not math.isfinite(value):
            raise UnevaluableError("a number isn't finite")
        if chars > MOST_TEXT_CHARS or values + len(waiting) > MOST_VALUES:
            raise UnevaluableError(f"it sees at most {MOST_TEXT_CHARS} characters and {MOST_VALUES} values")
    return given


def _moment(unix_s: float) -> dict[str, Any]:
    at = datetime.fromtimestamp(unix_s, UTC)
    return {
        "year": at.year,
        "month": at.month,
        "day": at.day,
        "weekday": WEEKDAYS[at.weekday()],
        "hour": at.hour,
        "minute": at.minute,
        "unix": unix_s,
    }
