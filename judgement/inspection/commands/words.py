"""Words into fields: variables, substitutions, tildes, braces and splitting, as the shell does it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import product
from typing import Protocol

from .model import ANYTHING, HOME, NOTHING, UNKNOWN, Data, Field, Label
from .syntax import Literal, Substitution, Variable, Word

MAX_VALUE = 16 * 1024
"""Characters of a value that are kept; what lies behind is unknown."""

MAX_BRACES = 64
"""Words that one word's braces may make."""

WELL_KNOWN: Mapping[str, str] = {
    "HOME": HOME,
    "USERPROFILE": HOME,
    "IFS": " ",
    "PWD": ".",
    "OLDPWD": ".",
    "TMPDIR": "/tmp",  # noqa: S108 (a value, nothing is written there)
    "USER": "user",
    "LOGNAME": "user",
    "SHELL": "/bin/bash",
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "RANDOM": "1",
    "UID": "1000",
    "EUID": "1000",
    "XDG_CONFIG_HOME": HOME + "/.config",
    "XDG_CACHE_HOME": HOME + "/.cache",
    "HISTFILE": HOME + "/.bash_history",
    "$": "$$",
    "PPID": "$PPID",
    "PROFILE": HOME + "/profile.ps1",
    "SYSTEMROOT": "C:\\Windows",
    "SYSTEMDRIVE": "C:",
    "WINDIR": "C:\\Windows",
    "APPDATA": HOME + "/AppData/Roaming",
    "LOCALAPPDATA": HOME + "/AppData/Local",
}
_HARMLESS_NAMES = ("TMP", "TEMP", "BUILD", "DIST", "CACHE", "OUT", "WORK", "TARGET_DIR", "SCRATCH", "VENV")
_SECRET_NAMES = tuple(
    """
    SECRET TOKEN PASSWORD PASSWD API_KEY APIKEY PRIVATE_KEY ACCESS_KEY CREDENTIAL
""".split()
)
_MOST_DIGITS = 5
"""Of a number that stands for a place or a count in a script."""


class Surroundings(Protocol):
    """What expansion asks of the shell around it."""

    @property
    def variables(self) -> Mapping[str, tuple[Data, ...]]:
        """Values by name; an array has several."""

    def substitute(self, part: Substitution) -> Data:
        """Judge what is substituted and give its output."""


def capped(data: Data) -> Data:
    """The value, cut at MAX_VALUE."""
    return data if len(data.text) <= MAX_VALUE else Data(data.text[:MAX_VALUE] + UNKNOWN, data.labels)


def expand(word: Word, around: Surroundings) -> list[Field]:
    """One word's fields: none where it comes to nothing."""
    if len(word.parts) == 1 and isinstance(only := word.parts[0], Literal) and "{" not in only.text:
        text = _tilde(only.text) if not only.quoted and only.text[:1] == "~" else only.text
        return [Field(capped(Data(text)), not only.quoted and any(mark in text for mark in "*?["))]
    fields = _split(word, around)
    if any(isinstance(part, Literal) and not part.quoted and "{" in part.text for part in word.parts):
        fields = [Field(Data(text, f.data.labels), f.globs) for f in fields for text in braces(f.text)]
    return fields


def value(word: Word, around: Surroundings) -> Data:
    """One word's value where nothing is split: in an assignment, a redirection, a here-document."""
    result = NOTHING
    for position, part in enumerate(word.parts):
        result = result.joined(_part(part, around, first=position == 0))
        if len(result.text) > MAX_VALUE * 8:
            break
    return result


def _split(word: Word, around: Surroundings) -> list[Field]:
    done: list[Field] = []
    current, started, globs = NOTHING, False, False
    for position, part in enumerate(word.parts):
        data = _part(part, around, first=position == 0)
        if isinstance(part, Variable) and part.quoted and part.name.endswith(("[@]", "@")) and len(word.parts) == 1:
            held = around.variables.get(part.name.partition("[")[0])
            return [Field(item) for item in held] if held else [Field(data)]
        if isinstance(part, Literal) or part.quoted:
            current, started = current.joined(data), True
            if not part.quoted and any(mark in data.text for mark in "*?["):
                globs = True
            continue
        globs = globs or any(mark in data.text for mark in "*?[")
        pieces = _pieces(data.text, around)
        if pieces and data.text[0].isspace() and started:
            done.append(Field(capped(current), globs))
            current = NOTHING
        for number, piece in enumerate(pieces):
            if number and started:
                done.append(Field(capped(current), globs))
                current = NOTHING
            current, started = current.joined(Data(piece, data.labels)), True
        if data.text and data.text[-1].isspace() and started:
            done.append(Field(capped(current), globs))
            current, started = NOTHING, False
    if started:
        done.append(Field(capped(current), globs))
    return done


def _pieces(text: str, around: Surroundings) -> list[str]:
    held = around.variables.get("IFS")
    for mark in held[0].text if held and held[0].known else "":
        text = text.replace(mark, " ")
    return text.split()


def _part(part: Literal | Variable | Substitution, around: Surroundings, *, first: bool) -> Data:
    if isinstance(part, Literal):
        return Data(_tilde(part.text) if first and not part.quoted and part.text[:1] == "~" else part.text)
    if isinstance(part, Substitution):
        return around.substitute(part)
    return variable(part, around)


def _tilde(text: str) -> str:
    user, slash, rest = text[1:].partition("/")
    if user in {"", "+", "-"}:
        return (HOME if not user else ".") + slash + rest
    return ("/root" if user == "root" else "/home/" + user) + slash + rest


def variable(part: Variable, around: Surroundings) -> Data:
    """The value of `$name` or `${name…}`; unknown where its operator isn't followed here."""
    name = part.name
    bare, _, subscript = name.partition("[")
    held = around.variables.get(bare)
    if subscript and held is not None:
        index = subscript.rstrip("]")
        if index.isdigit():
            held = held[int(index) : int(index) + 1] if len(index) <= _MOST_DIGITS else ()
    found = _joined(held) if held is not None else _default(bare)
    if part.operator.startswith("!"):
        held = around.variables.get(found.text)
        return _joined(held) if held is not None else ANYTHING
    if not part.operator:
        return found
    operands = [value(operand, around) for operand in part.operands]
    return _OPERATORS.get(part.operator, _unknown)(found, operands, held is not None or bare in WELL_KNOWN)


def _joined(values: Iterable[Data]) -> Data:
    held = tuple(values)
    if len(held) == 1:
        return held[0]
    labels = frozenset(label for data in held for label in data.labels)
    return Data(" ".join(data.text for data in held), labels)


def _default(name: str) -> Data:
    if name in WELL_KNOWN:
        return Data(WELL_KNOWN[name])
    upper = name.upper()
    if any(mark in upper for mark in _SECRET_NAMES):
        return Data(UNKNOWN, frozenset({Label.SECRET}))
    if any(mark in upper for mark in _HARMLESS_NAMES):
        return Data("/tmp/" + UNKNOWN)  # noqa: S108 (its name says that it is a build's or a temporary folder)
    return ANYTHING


def _or_default(found: Data, operands: list[Data], known: bool) -> Data:
    if known and found.text:
        return found
    return operands[0] if operands else NOTHING


def _if_set(_found: Data, operands: list[Data], _known: bool) -> Data:
    return operands[0] if operands else NOTHING


def _slice(found: Data, operands: list[Data], _known: bool) -> Data:
    numbers = [data.text.strip() for data in operands]
    if not found.known or not numbers or not all(n.lstrip("-").isdigit() and len(n) <= _MOST_DIGITS for n in numbers):
        return Data(UNKNOWN, found.labels)
    start = int(numbers[0])
    rest = found.text[start:]
    return Data(rest[: int(numbers[1])] if len(numbers) > 1 else rest, found.labels)


def _replace(found: Data, operands: list[Data], _known: bool) -> Data:
    if not operands or not found.known or any(mark in operands[0].text for mark in "*?["):
        return Data(UNKNOWN, found.labels)
    return Data(found.text.replace(operands[0].text, operands[1].text if len(operands) > 1 else ""), found.labels)


def _trim_end(found: Data, operands: list[Data], _known: bool) -> Data:
    end = operands[0].text if operands else ""
    if found.known and end and not any(mark in end for mark in "*?["):
        return Data(found.text.removesuffix(end), found.labels)
    return Data(UNKNOWN, found.labels)


def _trim_start(found: Data, operands: list[Data], _known: bool) -> Data:
    if operands and operands[0].text == "*/" and found.known:
        return Data(found.text.rpartition("/")[2], found.labels)
    start = operands[0].text if operands else ""
    if found.known and start and not any(mark in start for mark in "*?["):
        return Data(found.text.removeprefix(start), found.labels)
    return Data(UNKNOWN, found.labels)


def _keep(found: Data, _operands: list[Data], _known: bool) -> Data:
    return found


def _unknown(found: Data, _operands: list[Data], _known: bool) -> Data:
    return Data(UNKNOWN, found.labels)


_OPERATORS: Mapping[str, Callable[[Data, list[Data], bool], Data]] = {
    ":-": _or_default,
    "-": _or_default,
    ":=": _or_default,
    "=": _or_default,
    ":?": lambda found, _operands, known: found if known else Data("/tmp/" + UNKNOWN),  # noqa: S108 (never empty)
    "?": _keep,
    ":+": _if_set,
    "+": _if_set,
    ":": _slice,
    "/": _replace,
    "//": _replace,
    "%": _trim_end,
    "%%": _trim_end,
    "#": _trim_start,
    "##": _trim_start,
    ",,": lambda found, _operands, _known: Data(found.text.lower(), found.labels),
    "^^": lambda found, _operands, _known: Data(found.text.upper(), found.labels),
    "@Q": _keep,
    "@E": _keep,
    "@P": _keep,
}


def braces(text: str) -> list[str]:
    """`a{b,c}d` as `abd acd`, `{1..3}` as `1 2 3`; at most MAX_BRACES words, nested ones in turn."""
    done: list[str] = []
    pending = [text]
    while pending and len(done) + len(pending) <= MAX_BRACES:
        word = pending.pop(0)
        made = _innermost(word)
        if made is None:
            done.append(word)
        else:
            pending = made + pending
    return done + pending[: MAX_BRACES - len(done)]


def _innermost(text: str) -> list[str] | None:
    """The first innermost braces spread; None without any that spread."""
    end = text.find("}")
    while end >= 0:
        start = text.rfind("{", 0, end)
        if start >= 0 and text[start - 1 : start] != "$":
            inner = text[start + 1 : end]
            choices = inner.split(",") if "," in inner else _range(inner)
            if choices and len(choices) <= MAX_BRACES:
                return [a + b + c for a, b, c in product([text[:start]], choices, [text[end + 1 :]])]
        end = text.find("}", end + 1)
    return None


def _range(inner: str) -> list[str]:
    first, dots, last = inner.partition("..")
    if not dots:
        return []
    if first.isdecimal() and last.isdecimal() and max(len(first), len(last)) <= _MOST_DIGITS:
        low, high = sorted((int(first), int(last)))
        return [str(number) for number in range(low, min(high, low + MAX_BRACES - 1) + 1)]
    if len(first) == 1 and len(last) == 1:
        low, high = sorted((ord(first), ord(last)))
        return [chr(code) for code in range(low, min(high, low + MAX_BRACES - 1) + 1)]
    return []
