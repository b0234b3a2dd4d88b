"""May these capabilities use this? Denied unless a rule allows it."""

from __future__ import annotations

from dataclasses import dataclass

OPERATE = "operate"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision and why.

    Args:
        allowed: whether it may run.
        rule: the rule that decided, as records name it.
        reason: for the caller.
        hidden: refused in a way that tells nothing: to this caller it doesn't exist.
    """

    allowed: bool
    rule: str
    reason: str
    hidden: bool = False


def authorize(name: str, capability: str, exposed: bool, held: frozenset[str]) -> Verdict:
    """Decide on one tool, resource or prompt.

    Args:
        name: what is asked for.
        capability: which it needs.
        exposed: False for what only operators may see.
        held: the caller's capabilities.
    """
    if (not exposed or capability == OPERATE) and OPERATE not in held:
        return Verdict(False, "exposure.hidden", f"there is nothing called {name!r}", hidden=True)
    if capability not in held:
        return Verdict(False, "capability.missing", f"{name!r} needs the capability {capability!r}")
    return Verdict(True, "capability.granted", f"{capability!r} is granted")
