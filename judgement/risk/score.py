"""The score: what each factor adds, and where a level begins. All of it is data, and none of it takes away.

A score is the sum of its factors' shares, at most 100. No share falls when its own factor rises, and a factor that
makes others weigh more (the kind of operation) never makes them weigh less; so raising any one factor never lowers the
score. Trust is the one factor that works downwards: more of it never raises the score. Where
it is no input it is no factor, and the operation weighs what both do for somebody whom nobody trusts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

LEVELS = ("low", "medium", "high", "critical", "denied")
"""Rising. `denied` is beyond what anybody's consent makes good."""

BEGINS = {"low": 0, "medium": 20, "high": 45, "critical": 75, "denied": 95}
"""The score at which each level begins."""

APPROVAL_FROM = BEGINS["critical"]
"""From here on the policy's built-in rule `risk.critical` asks for another person, too."""
MOST = 100
MOST_TRUST = 5

# Each table is in rising order. A row has three columns: what the factor weighs when the operation only reads, when it
# changes something, and when it destroys or administers.
KINDS = {"read": 0, "write": 12, "execute": 18, "unknown": 20, "approve": 22, "delete": 24, "admin": 26}
_COLUMN = {"read": 0, "write": 1, "execute": 1, "unknown": 1, "approve": 1, "delete": 2, "admin": 2}
TARGETS = {
    "scratch": (0, 0, 0),
    "project": (0, 4, 8),
    "configuration": (3, 10, 16),
    "user_data": (8, 15, 23),
    "system": (8, 20, 28),
    "production": (10, 22, 30),
    "credentials": (45, 34, 36),  # to read a secret is to have it
}
REVERSIBILITY = {"reversible": (0, 0, 0), "costly": (0, 4, 4), "irreversible": (0, 14, 14)}
BLAST = {"one": (0, 0, 0), "many": (1, 3, 5), "all": (3, 8, 16), "outside": (5, 12, 18)}
ENVIRONMENTS = {"development": (0, 0, 0), "staging": (0, 3, 3), "production": (2, 8, 8)}
SEVERITIES = {"info": 0, "review": 20, "block": MOST}
HINTS = {"low": 0, "medium": 3, "high": 6, "critical": 25}
_PER_MISSING_TRUST = (1, 2, 2)
_PER_REFUSAL, _MOST_HISTORY = 2, 10
_PER_DEPTH, _MOST_DEPTH = 2, 8
_MOST_LOAD = 5
_SAFE_MODE = (0, 20, 20)
_OFF_HOURS = (0, 4, 4)

_WHY_KIND = {
    "read": "it only reads",
    "write": "it changes something",
    "execute": "it runs something",
    "unknown": "what it does is not recognised",
    "approve": "it lets others act",
    "delete": "it destroys something",
    "admin": "it changes who may do what, or how the system works",
}
_WHY_TARGET = {
    "scratch": "nothing that is kept",
    "project": "the project's own files",
    "configuration": "settings or logs that others rely on",
    "user_data": "data that people rely on",
    "system": "the machine or what protects it",
    "production": "what is in use by others now",
    "credentials": "secrets, which open other doors",
}
_WHY_REVERSIBILITY = {
    "reversible": "it can be undone",
    "costly": "to undo it takes work",
    "irreversible": "it can't be undone",
}
_WHY_BLAST = {
    "one": "one thing",
    "many": "several things",
    "all": "everything of its kind",
    "outside": "it reaches beyond the system",
}
_WHY_SEVERITY = {
    "info": "inspection found nothing",
    "review": "inspection found what a person should look at",
    "block": "inspection found what must not run",
}


@dataclass(frozen=True, slots=True)
class Operation:
    """What is to be done, by whom, and under what circumstances.

    Args:
        kind: a key of `KINDS`.
        target: a key of `TARGETS`.
        reversibility: a key of `REVERSIBILITY`.
        blast: a key of `BLAST`.
        trust: of the caller, 0 to 5; None where it is no input.
        refusals: of this caller's recent calls.
        load: 0 to 1.
        environment: a key of `ENVIRONMENTS`.
        severity: the gravest finding's: a key of `SEVERITIES`.
        hint: what the tool's definition says: a key of `HINTS`.
        depth: how many calls deep it was caused.
        safe_mode: whether only reading is allowed now.
        off_hours: whether those who could mend it are away.
    """

    kind: str
    target: str = "project"
    reversibility: str = "reversible"
    blast: str = "one"
    trust: float | None = None
    refusals: int = 0
    load: float = 0.0
    environment: str = "development"
    severity: str = "info"
    hint: str = "low"
    depth: int = 0
    safe_mode: bool = False
    off_hours: bool = False


@dataclass(frozen=True, slots=True)
class Factor:
    """One reason for the score.

    Args:
        name: which factor.
        value: what it is here.
        share: what it adds to the score.
        why: for a person.
    """

    name: str
    value: str
    share: int
    why: str

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {"name": self.name, "value": self.value, "share": self.share, "why": self.why}


@dataclass(frozen=True, slots=True)
class Risk:
    """How risky something is, and why.

    Args:
        level: one of `LEVELS`.
        score: 0 to 100; the sum of the factors' shares.
        factors: those that add something, the greatest first.
        notes: what else a reader should know, such as members of the context that were not understood.
    """

    level: str
    score: int
    factors: tuple[Factor, ...]
    notes: tuple[str, ...] = ()

    @property
    def denied(self) -> bool:
        """Whether it must not be done at all."""
        return self.level == "denied"

    @property
    def requires_approval(self) -> bool:
        """Whether another person has to agree first; what is denied no approval helps."""
        return self.score >= APPROVAL_FROM and not self.denied

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for results."""
        return {
            "level": self.level,
            "score": self.score,
            "factors": [factor.as_dict() for factor in self.factors],
            "requires_approval": self.requires_approval,
            "denied": self.denied,
            "notes": list(self.notes),
        }


def level_of(score: int) -> str:
    """The level that a score lies in."""
    return next(level for level in reversed(LEVELS) if score >= BEGINS[level])


@lru_cache(maxsize=8192)
def assess(operation: Operation) -> Risk:
    """Score an operation.

    Raises:
        KeyError: a member of the operation isn't a key of its table.
    """
    score, factors = 0, []
    for factor in _factors(operation):
        share = min(factor.share, MOST - score)  # the last ones may find no room, so that shares always add up
        if share > 0:
            score += share
            factors.append(Factor(factor.name, factor.value, share, factor.why))
    factors.sort(key=lambda factor: -factor.share)
    return Risk(level_of(score), score, tuple(factors))


def _factors(it: Operation) -> tuple[Factor, ...]:
    column = _COLUMN[it.kind]
    return (
        *_operation_and_trust(it, column),
        _row("target", it.target, TARGETS, column, _WHY_TARGET),
        _row("reversibility", it.reversibility, REVERSIBILITY, column, _WHY_REVERSIBILITY),
        _row("blast radius", it.blast, BLAST, column, _WHY_BLAST),
        Factor("findings", it.severity, SEVERITIES[it.severity], _WHY_SEVERITY[it.severity]),
        Factor("hint", it.hint, HINTS[it.hint], "what the tool's definition says of itself"),
        Factor("environment", it.environment, ENVIRONMENTS[it.environment][column], "where it is done"),
        Factor(
            "history",
            str(it.refusals),
            _up_to(it.refusals, _PER_REFUSAL, _MOST_HISTORY),
            "recent refusals of the caller",
        ),
        Factor("depth", str(it.depth), _up_to(it.depth, _PER_DEPTH, _MOST_DEPTH), "calls inside calls"),
        Factor("load", f"{it.load:.0%}", round(min(max(it.load, 0.0), 1.0) * _MOST_LOAD), "how busy the system is"),
        Factor(
            "safe mode", "on" if it.safe_mode else "off", _SAFE_MODE[column] * it.safe_mode, "only reading is allowed"
        ),
        Factor(
            "timing",
            "off hours" if it.off_hours else "working hours",
            _OFF_HOURS[column] * it.off_hours,
            "those who could mend it are away",
        ),
    )


def _operation_and_trust(it: Operation, column: int) -> tuple[Factor, ...]:
    each = _PER_MISSING_TRUST[column]
    share, why = KINDS[it.kind], _WHY_KIND[it.kind]
    if it.trust is None:
        return (Factor("operation", it.kind, share + MOST_TRUST * each, why),)
    trust = min(max(it.trust, 0.0), float(MOST_TRUST))
    missing = round((MOST_TRUST - trust) * each)
    return (
        Factor("operation", it.kind, share, why),
        Factor("trust", f"{trust:g} of {MOST_TRUST}", missing, "how far the caller is trusted"),
    )


def _row(
    name: str, value: str, table: Mapping[str, tuple[int, int, int]], column: int, why: Mapping[str, str]
) -> Factor:
    return Factor(name, value, table[value][column], why[value])


def _up_to(count: int, each: int, most: int) -> int:
    return min(max(count, 0) * each, most)
