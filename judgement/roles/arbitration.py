"""Weighs what several roles decided, into one decision or a question for a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .names import fold, hint
from .table import Roles

VETOERS = frozenset({"block_action", "approve_security"})
"""Capabilities whose holder's refusal stands against all others."""

REFUSALS = frozenset({"deny", "denied", "block", "refuse", "reject", "veto", "stop", "forbid", "disapprove", "no"})
_EQUAL = 1e-9


class ArbitrationError(ValueError):
    """The opinions can't be weighed; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one role decided.

    Args:
        role: name or title.
        decision: a word, as in `allow` or `deny`; case and separators don't matter.
        confidence: 0 to 1.
    """

    role: str
    decision: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What comes of all opinions.

    Args:
        decision: the decision, or the leading one where it is escalated; "" at a tie.
        tally: each decision's share of the weight, 0 to 1, the largest first.
        escalated: whether a person must decide.
        why: for a person.
    """

    decision: str
    tally: dict[str, float]
    escalated: bool
    why: str


def arbitrate(roles: Roles, opinions: Sequence[Opinion], threshold: float = 0.7) -> Outcome:
    """Weigh each opinion by its role's trust and its confidence.

    A refusal by a role with `block_action` or `approve_security` is a veto. Otherwise the leading decision stands if
    its share reaches the threshold; a tie or a smaller share is escalated.

    Args:
        roles: the table.
        opinions: at least one.
        threshold: the share that decides, 0 to 1.

    Raises:
        ArbitrationError: there is no opinion, an unknown role, an empty decision, or a confidence outside 0 to 1.
    """
    if not opinions:
        raise ArbitrationError("opinions: there are none; give at least one")
    weights: dict[str, float] = {}
    vetoes: list[tuple[str, str]] = []
    for number, opinion in enumerate(opinions):
        name, decision = _checked(roles, opinion, number)
        weights[decision] = weights.get(decision, 0.0) + roles.by_name[name].trust * opinion.confidence
        if decision in REFUSALS and opinion.confidence > 0 and _may_veto(roles, name):
            vetoes.append((name, decision))
    total = sum(weights.values())
    tally = {
        decision: round(weight / total, 6) if total else 0.0
        for decision, weight in sorted(weights.items(), key=lambda item: (-item[1], item[0]))
    }
    if vetoes:
        name, decision = vetoes[0]
        return Outcome(decision, tally, False, f"{roles.by_name[name].title} refuses, and that is a veto")
    return _majority(tally, weights, total, threshold)


def _majority(tally: dict[str, float], weights: dict[str, float], total: float, threshold: float) -> Outcome:
    leader = next(iter(tally))
    top = weights[leader]
    if total <= 0:
        return Outcome("", tally, True, "no opinion weighs anything: trust or confidence is 0")
    if sum(abs(weight - top) <= _EQUAL * total for weight in weights.values()) > 1:
        return Outcome("", tally, True, "the leading decisions weigh the same; a person must decide")
    if top / total < threshold - _EQUAL:
        return Outcome(leader, tally, True, f"{leader} leads with {top / total:.0%}, less than {threshold:.0%}")
    return Outcome(leader, tally, False, f"{leader} has {top / total:.0%} of the weight")


def _checked(roles: Roles, opinion: Opinion, number: int) -> tuple[str, str]:
    name = roles.find(opinion.role)
    if name is None:
        raise ArbitrationError(
            f"opinions[{number}].role: there is no role {opinion.role[:128]!r}; {hint(opinion.role, roles.by_name)}"
        )
    decision = fold(opinion.decision)
    if not decision:
        raise ArbitrationError(f"opinions[{number}].decision: it is empty; say allow, deny or the like")
    if not 0.0 <= opinion.confidence <= 1.0:
        raise ArbitrationError(f"opinions[{number}].confidence: {opinion.confidence} isn't within 0 and 1")
    return name, decision


def _may_veto(roles: Roles, name: str) -> bool:
    return not VETOERS.isdisjoint(roles.own(name) - roles.denied([name]))
