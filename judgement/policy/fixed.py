"""The rules that are built in: no file can switch them off, and none of them permits anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..finding import Finding, Severity
from .inputs import LEVELS, Inputs
from .verdict import Effect

OPERATE = "operate"


@dataclass(frozen=True, slots=True)
class Said:
    """What a built-in rule says when it matches.

    Args:
        reason: for the caller.
        remedy: what the caller may do instead.
    """

    reason: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Fixed:
    """A built-in rule.

    Args:
        id: as records name it.
        effect: what becomes of calls that match.
        words: what it is about.
        test: what it says of a call; None when it doesn't match.
        steady: whether it says the same of all calls of one tool by one principal, whatever safe mode is.
        hides: whether its refusals tell nothing.
    """

    id: str
    effect: Effect
    words: str
    test: Callable[[Inputs], Said | None]
    steady: bool = False
    hides: bool = False


def held(inputs: Inputs) -> frozenset[str]:
    """The capabilities that count: an agent never operates, whatever its roles grant."""
    return inputs.held - {OPERATE} if inputs.kind == "agent" else inputs.held


def _hidden(inputs: Inputs) -> Said | None:
    tool = inputs.tool
    if (tool.exposed and tool.capability != OPERATE) or OPERATE in held(inputs):
        return None
    return Said(f"there is nothing called {tool.name[:128]!r}")


def _capability(inputs: Inputs) -> Said | None:
    tool = inputs.tool
    if tool.capability in held(inputs) or tool.capability in inputs.denied:
        return None
    return Said(
        f"{tool.name[:128]!r} needs the capability {tool.capability!r}, which none of your roles grants",
        "ask an operator for a role that grants it; list_roles shows which do",
    )


def _kept_from(inputs: Inputs) -> Said | None:
    tool = inputs.tool
    if tool.capability in held(inputs) or tool.capability not in inputs.denied:
        return None
    return Said(
        f"{tool.name[:128]!r} needs the capability {tool.capability!r}, which is denied to you:"
        f" {inputs.denied[tool.capability]}",
        "only an operator can lift the denial; another role doesn't help",
    )


def _safe_mode(inputs: Inputs) -> Said | None:
    tool = inputs.tool
    if not inputs.safe_mode or tool.read_only or tool.calms:
        return None
    return Said(
        f"safe mode is on, and {tool.name[:128]!r} may change something",
        "read instead, or wait until an operator ends safe mode",
    )


def _finding(severity: Severity) -> Callable[[Inputs], Said | None]:
    def test(inputs: Inputs) -> Said | None:
        found = [each for each in inputs.findings if each.severity == severity]
        if not found:
            return None
        worst: Finding = min(found, key=lambda each: (-each.score, each.rule, each.start))
        return Said(f"{worst.rule}: {worst.what}", worst.remedy)

    return test


def _denied(inputs: Inputs) -> Said | None:
    if inputs.risk_level != "denied" and inputs.risk_level in LEVELS:
        return None  # a level that isn't known is the worst
    return Said(
        f"the risk of this call is too high (score {inputs.risk_score:g})",
        "evaluate_risk shows what makes it so; take a narrower target or a step that can be undone",
    )


def _critical(inputs: Inputs) -> Said | None:
    if inputs.risk_level != "critical":
        return None
    return Said(
        f"the risk of this call is critical (score {inputs.risk_score:g})",
        "evaluate_risk shows what makes it so; ask an operator to approve it",
    )


FIXED = (
    Fixed(
        "exposure.hidden",
        Effect.DENY,
        "a tool for operators doesn't exist for anybody else, and an agent is never an operator",
        _hidden,
        steady=True,
        hides=True,
    ),
    Fixed("capability.missing", Effect.DENY, "the caller's roles must grant what the tool needs", _capability, True),
    Fixed("capability.denied", Effect.DENY, "no denial may keep what the tool needs from the caller", _kept_from, True),
    Fixed("safe_mode.on", Effect.DENY, "in safe mode nothing writes but what calms", _safe_mode),
    Fixed("inspection.block", Effect.DENY, "inspection saw something that must not run", _finding(Severity.BLOCK)),
    Fixed("risk.denied", Effect.DENY, "the risk is too high to run at all", _denied),
    Fixed(
        "inspection.review",
        Effect.APPROVE,
        "inspection saw something that a person should look at first",
        _finding(Severity.REVIEW),
    ),
    Fixed("risk.critical", Effect.APPROVE, "the risk is critical", _critical),
)
"""In the order in which they give the reason, when several are equally strict."""
