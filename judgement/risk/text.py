"""The risk of an operation that is told in words, as a command or as SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..finding import VERDICTS, Finding, Severity
from . import things
from .reading import Reading, read
from .score import BLAST, ENVIRONMENTS, REVERSIBILITY, TARGETS, Operation, Risk, assess
from .words import singular

_SEVERITIES = {Severity.INFO: "info", Severity.REVIEW: "review", Severity.BLOCK: "block"}
_MOST_NOTE_CHARS = 64
_MOST_NOTES = 16


def of_text(operation: str, context: Mapping[str, Any] | None = None, *, findings: Sequence[Finding] = ()) -> Risk:
    """How risky an operation is that somebody tells of; the gravest of its parts counts.

    What isn't recognised is never low. Nothing that the context says makes a graver target, scope or environment, told
    in the text, any smaller; only `reversible` is believed either way.

    Args:
        operation: words, a command or SQL.
        context: what else is known: environment, target, trust (0 to 5), reversible, scope, refusals, load (0 to 1),
            depth, safe_mode, off_hours. Members that aren't known, or that can't be understood, are named in the notes.
        findings: what inspection saw in it.
    """
    known = _Context(context or {})
    worst = max((finding.severity for finding in findings), default=Severity.INFO)
    risks = [(assess(known.applied(reading, _SEVERITIES[worst])), reading) for reading in read(operation)]
    risk, reading = max(risks, key=lambda each: each[0].score)
    notes = [reading.note] if reading.note else []
    if reading.seen:
        notes.append(f"understood from: {', '.join(reading.seen)}")
    notes += [f"{finding.rule}: {finding.what} ({VERDICTS[finding.severity]})" for finding in findings]
    return Risk(risk.level, risk.score, risk.factors, tuple([*notes, *known.notes][:_MOST_NOTES]))


class _Context:
    """The members of a context that are understood; what isn't is named in `notes`."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.notes: list[str] = []
        rest = dict(given)
        self._environment = self._word(rest, "environment", things.ENVIRONMENTS, ENVIRONMENTS)
        self._target = self._word(rest, "target", things.TARGETS, TARGETS)
        self._scope = self._word(rest, "scope", things.SCOPES, BLAST)
        self._trust = self._number(rest, "trust", 5.0)
        self._load = self._number(rest, "load", 1.0)
        self._refusals = int(self._number(rest, "refusals", 1000.0))
        self._depth = int(self._number(rest, "depth", 100.0))
        self._reversible = self._truth(rest, "reversible")
        self._safe_mode = bool(self._truth(rest, "safe_mode"))
        self._off_hours = bool(self._truth(rest, "off_hours"))
        self.notes += [f"context.{str(name)[:_MOST_NOTE_CHARS]}: not known, and so not used" for name in rest]

    def applied(self, reading: Reading, severity: str) -> Operation:
        """What was read, under these circumstances."""
        kinds = list(TARGETS)
        reversibility = reading.reversibility
        if self._reversible is not None and reading.kind != "read":
            reversibility = "irreversible" if not self._reversible else min(reversibility, "costly", key=_how_final)
        environment = max(reading.environment or "development", self._environment or "development", key=_how_public)
        return Operation(
            kind=reading.kind,
            target=max(reading.target, self._target or "scratch", key=kinds.index),
            reversibility=reversibility,
            blast=max(reading.blast, self._scope or "one", key=list(BLAST).index),
            trust=self._trust,
            refusals=self._refusals,
            load=self._load,
            environment=environment,
            severity=severity,
            depth=self._depth,
            safe_mode=self._safe_mode,
            off_hours=self._off_hours or reading.off_hours,
        )

    def _word(self, rest: dict[str, Any], name: str, words: Mapping[str, str], keys: Mapping[str, Any]) -> str:
        """A member as one of the keys; the gravest where several of its words have a meaning."""
        given = rest.pop(name, None)
        if given is None:
            return ""
        text = str(given)[:1000].casefold()
        if text.replace(" ", "_") in keys:
            return text.replace(" ", "_")
        parts = "".join(char if char.isalnum() else " " for char in text).split()
        found = [words.get(part) or words.get(singular(part), "") for part in parts]
        best = max((each for each in found if each in keys), key=list(keys).index, default="")
        if not best:
            self.notes.append(f"context.{name}: {text[:_MOST_NOTE_CHARS]!r} is none of {', '.join(keys)}")
        return best

    def _number(self, rest: dict[str, Any], name: str, most: float) -> float:
        given = rest.pop(name, None)
        if given is None:
            return 0.0
        if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given <= most:
            self.notes.append(f"context.{name}: not a number from 0 to {most:g}, and so not used")
            return 0.0
        return float(given)

    def _truth(self, rest: dict[str, Any], name: str) -> bool | None:
        given = rest.pop(name, None)
        if given is None or isinstance(given, bool):
            return given
        self.notes.append(f"context.{name}: neither true nor false, and so not used")
        return None


def _how_final(name: str) -> int:
    return list(REVERSIBILITY).index(name)


def _how_public(name: str) -> int:
    return list(ENVIRONMENTS).index(name)
