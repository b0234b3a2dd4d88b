"""Which role suits a task: the one that may do all that the task needs with the least power."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .meaning import Head, head
from .names import fold, hint
from .table import Roles

_LIKELY = 0.5
Floats = npt.NDArray[np.float64]


class UnknownCapabilityError(ValueError):
    """A required capability isn't one of the 26; the message names the nearest."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A role for a task.

    Args:
        role: its name.
        score: 0 to 1, how probably it is the least powerful role that can do the task; all roles' sum to 1.
        covered: what it has of the capabilities that are required or probably needed.
        missing: what it lacks of them.
        power: how much it may do beyond that; less is better.
        reasons: for a person.
    """

    role: str
    score: float
    covered: tuple[str, ...]
    missing: tuple[str, ...]
    power: int
    reasons: tuple[str, ...]


def suggest(
    roles: Roles, task: str, required: Iterable[str] = (), similarity: Mapping[str, float] | None = None
) -> list[Suggestion]:
    """All engineering roles for a task, the best first.

    Who lacks fewer of the `required` comes first; then who is more probably the role that has all that the task needs
    with the least trust and the fewest capabilities; then who may do less besides. What a task needs is guessed from
    its words and meaning; the guess only weighs and rules nobody out.

    Args:
        roles: the table.
        task: in plain words, of which 8,000 characters are read.
        required: capabilities that the role must have, in any spelling.
        similarity: how much the text's meaning speaks for each capability (logits); None goes by words alone.

    Raises:
        UnknownCapabilityError: a required capability isn't one of the 26.
    """
    must = frozenset(_known(roles, name) for name in required)
    has = {name: roles.own(name) - roles.denied([name]) for name in roles.engineers}
    if not has:
        return []
    known = head()
    least = _least(roles, has, must, known)
    shares = _shares(known.logits(task, similarity), least, known)
    scores = np.bincount(least, shares, len(has)).tolist()
    needed = dict(zip(known.capabilities, (shares @ known.sets).tolist(), strict=True))
    ranked = [_suggestion(roles, name, has[name], score, must, needed) for name, score in zip(has, scores, strict=True)]
    return sorted(ranked, key=lambda each: (len(must - {*each.covered}), -each.score, each.power, each.role))


def _least(roles: Roles, has: Mapping[str, frozenset[str]], must: frozenset[str], known: Head) -> npt.NDArray[np.intp]:
    """(sets,): the number of the least powerful role that has the set and what is required, or lacks least of it."""
    power = {name: (roles.engineers[name].trust, len(has[name]), name) for name in has}
    places = {name: place for place, name in enumerate(sorted(has, key=power.__getitem__))}
    lacks = np.array([[float(each not in own) for each in known.capabilities] for own in has.values()])
    required = np.array([float(each in must) for each in known.capabilities])
    lacking = np.maximum(known.sets, required) @ lacks.T
    return np.asarray(np.argmin(lacking * len(has) + [places[name] for name in has], axis=1))


def _shares(logits: Floats, least: npt.NDArray[np.intp], known: Head) -> Floats:
    """(sets,): how probably each is what the task needs. Before the task is read, all roles are equally probable."""
    of_role = np.bincount(least, known.seen)[least]
    raw = known.sets @ logits + np.log(known.seen / of_role)
    powers = np.exp(raw - raw.max())
    return np.asarray(powers / powers.sum())


def _suggestion(
    roles: Roles, name: str, has: frozenset[str], score: float, must: frozenset[str], needed: Mapping[str, float]
) -> Suggestion:
    likely = {each for each, share in needed.items() if share >= _LIKELY}
    wanted = must | likely
    power = len(has - wanted)
    reasons = [f"is with {score:.0%} the least powerful role that has what the task needs"]
    if must:
        lacking = sorted(must - has)
        reasons.append(f"lacks the required {', '.join(lacking)}" if lacking else "has all that is required")
    for verb, guessed in (("has", (likely - must) & has), ("lacks", (likely - must) - has)):
        if guessed:
            told = ", ".join(f"{each} ({needed[each]:.0%})" for each in sorted(guessed))
            reasons.append(f"{verb} {told}, which the task is guessed to need")
    reasons.append(f"may do {power} other things, trust {roles.by_name[name].trust}")
    covered, missing = tuple(sorted(wanted & has)), tuple(sorted(wanted - has))
    return Suggestion(name, round(score, 4), covered, missing, power, tuple(reasons))


def _known(roles: Roles, name: str) -> str:
    folded, known = fold(name), roles.document.capabilities
    if folded not in known:
        raise UnknownCapabilityError(
            f"required_capabilities: there is no capability {name[:128]!r}; {hint(name, known)}"
        )
    return folded
