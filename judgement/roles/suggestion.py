"""Which role suits a task: coverage of what it needs first, then meaning, then least power."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .meaning import head
from .names import fold, hint
from .needs import lexicon
from .table import Roles

_UNTRAINED = -5.0
"""For a role that the head doesn't know: behind those that it does, unless capabilities are required."""


class UnknownCapabilityError(ValueError):
    """A required capability isn't one of the 26; the message names the nearest."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A role for a task.

    Args:
        role: its name.
        score: 0 to 1; those of all roles sum to 1.
        covered: what of the needed capabilities it has.
        missing: what it lacks.
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

    Who lacks fewer of the `required` comes first; then whom the task's words and meaning speak for; then who may do
    less besides. What the words tell of is a guess and only weighs; it rules nobody out.

    Args:
        roles: the table.
        task: in plain words, of which 8,000 characters are read.
        required: capabilities that the role must have, in any spelling.
        similarity: how much the text's meaning speaks for each role, from `meaning`; None ranks by words alone.

    Raises:
        UnknownCapabilityError: a required capability isn't one of the 26.
    """
    must = frozenset(_known(roles, name) for name in required)
    told = lexicon().groups(task)
    needed = lexicon().needs_of(told) & roles.document.capabilities.keys()
    logits = head().of_words(told | {f"needs {name}" for name in needed}, alone=similarity is None)
    for name in logits.keys() & (similarity or {}).keys():
        logits[name] += (similarity or {})[name]
    shares = _shares({name: logits.get(name, _UNTRAINED) for name in roles.engineers})
    ranked = [_suggestion(roles, name, shares[name], must, needed) for name in roles.engineers]
    return sorted(ranked, key=lambda each: (len(must - {*each.covered}), -each.score, each.power, each.role))


def _suggestion(roles: Roles, name: str, share: float, must: frozenset[str], needed: frozenset[str]) -> Suggestion:
    has = roles.own(name) - roles.denied([name])
    wanted = must | needed
    covered, missing = tuple(sorted(wanted & has)), tuple(sorted(wanted - has))
    power = len(has - wanted)
    reasons = [f"the task's words and meaning speak for it with {share:.0%}"]
    if must:
        lacking = sorted(must - has)
        reasons.append(f"lacks the required {', '.join(lacking)}" if lacking else "has all that is required")
    if covered:
        reasons.append(f"has {', '.join(covered)}")
    if told := sorted((needed - must) - has):
        reasons.append(f"lacks {', '.join(told)}, which the words may tell of")
    reasons.append(f"may do {power} other things, trust {roles.by_name[name].trust}")
    return Suggestion(name, round(share, 4), covered, missing, power, tuple(reasons))


def _shares(logits: Mapping[str, float]) -> dict[str, float]:
    """Softmax."""
    if not logits:
        return {}
    most = max(logits.values())
    weights = {name: math.exp(logit - most) for name, logit in logits.items()}
    total = sum(weights.values())
    return {name: weight / total for name, weight in weights.items()}


def _known(roles: Roles, name: str) -> str:
    folded, known = fold(name), roles.document.capabilities
    if folded not in known:
        raise UnknownCapabilityError(
            f"required_capabilities: there is no capability {name[:128]!r}; {hint(name, known)}"
        )
    return folded
