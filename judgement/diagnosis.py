"""Diagnosis: what the results of checks mean. The patterns are data (`configs/diagnosis.yaml`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .marked_yaml import MarkedYamlError, placed, read

_MOST_PLACES = 8
_SYMPTOM_WEIGHT = 10  # what a person told of goes before anything else
_UNRUN_WEIGHT = 0


class DiagnosisError(ValueError):
    """The patterns can't be used; the message says where and why."""


class Pattern(BaseModel):
    """Something to look for in one step's result."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    step: str
    path: str
    is_: tuple[str | bool, ...] = Field((), alias="is")
    above: float | None = None
    contains: tuple[str, ...] = ()
    what: str
    cause: str
    remedy: str
    weight: int = Field(ge=1, le=3)
    symptoms: frozenset[str] = frozenset()

    def places(self, result: Any) -> list[str]:
        """Where in a result it holds, the first eight."""
        found: list[str] = []
        for place, value in _at(result, self.path.split(".") if self.path else [], ()):
            if self._holds(value):
                found.append(place or self.step)
                if len(found) == _MOST_PLACES:
                    break
        return found

    def _holds(self, value: Any) -> bool:
        if self.contains:
            return any(word in text for text in _texts(value) for word in self.contains)
        if self.above is not None:
            return isinstance(value, int | float) and not isinstance(value, bool) and value > self.above
        return any(value is each if isinstance(each, bool) else value == each for each in self.is_)


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = Field(ge=1, le=1)
    patterns: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class Sign:
    """A pattern that holds, or a check that could not be run.

    Args:
        id: the pattern's, or `unchecked`.
        what: was seen.
        where: in which members of the step's result.
        step: whose result.
        cause: what is behind it.
        remedy: what to do.
        weight: 0 for a check that wasn't run; 1 to 3 as the pattern says.
    """

    id: str
    what: str
    where: tuple[str, ...]
    step: str
    cause: str
    remedy: str
    weight: int

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "id": self.id,
            "what": self.what,
            "where": list(self.where),
            "step": self.step,
            "cause": self.cause,
            "remedy": self.remedy,
            "weight": self.weight,
        }


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is known now.

    Args:
        signs: likeliest cause first.
        likely: the one to look at first, if anything is amiss.
        complete: whether every check ran.
    """

    signs: tuple[Sign, ...]
    likely: Sign | None
    complete: bool


def diagnose(patterns: Sequence[Pattern], rows: Sequence[Mapping[str, Any]], symptom: str = "") -> Diagnosis:
    """What the results of checks mean.

    Args:
        patterns: what to look for.
        rows: of the steps that ran, as `RunPlan` answers.
        symptom: what a person told, or "".
    """
    told = frozenset("".join(char if char.isalnum() else " " for char in symptom.casefold()).split())
    results = {row["id"]: row["result"] for row in rows if row["status"] == "done"}
    found = [
        (pattern.weight + _SYMPTOM_WEIGHT * len(told & pattern.symptoms), _sign(pattern, places))
        for pattern in patterns
        if pattern.step in results and (places := pattern.places(results[pattern.step]))
    ]
    found.sort(key=lambda each: -each[0])
    signs = [sign for _, sign in found]
    unrun = [_unrun(row) for row in rows if row["status"] != "done"]
    return Diagnosis((*signs, *unrun), signs[0] if signs else None, not unrun)


def _sign(pattern: Pattern, places: list[str]) -> Sign:
    return Sign(
        pattern.id, pattern.what, tuple(places), pattern.step, pattern.cause, pattern.remedy, weight=pattern.weight
    )


def _unrun(row: Mapping[str, Any]) -> Sign:
    error = row.get("error") or {}
    became = "failed" if row["status"] == "failed" else f"was {row['status']}"
    what = f"The check {row['id']} {became}: {error.get('message', 'no reason was given')}"
    remedy = str(error.get("recovery") or "Repeat the call.")
    return Sign("unchecked", what, (), str(row["id"]), "What it would have seen isn't known.", remedy, _UNRUN_WEIGHT)


def _at(value: Any, path: list[str], place: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """The values that a path leads to, with the members on the way."""
    if not path:
        yield ".".join(place), value
        return
    name, rest = path[0], path[1:]
    if name == "*":
        for key, below in _members(value):
            yield from _at(below, rest, (*place, key))
    elif isinstance(value, Mapping) and name in value:
        yield from _at(value[name], rest, (*place, name))


def _members(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        yield from ((str(key), below) for key, below in value.items())
    elif isinstance(value, list):
        for number, below in enumerate(value):
            named = below.get("name") if isinstance(below, Mapping) else None
            yield str(named or number), below


def _texts(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            yield each.casefold()
        elif isinstance(each, Mapping):
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each


def parse(text: str, origin: str = "diagnosis.yaml") -> tuple[Pattern, ...]:
    """Read patterns.

    Raises:
        DiagnosisError: says what is wrong and where.
    """
    try:
        marked = read(text)
    except MarkedYamlError as error:
        raise DiagnosisError(placed(error.reason, error.place, origin)) from None
    try:
        return _File.model_validate(marked.value).patterns
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise DiagnosisError(placed(f"{where}: {first['msg']}", marked.place(first["loc"]), origin)) from error


@cache
def shipped() -> tuple[Pattern, ...]:
    """The patterns that come with the system."""
    return parse((files("aura_ia_mcp.configs") / "diagnosis.yaml").read_text("utf-8"))
