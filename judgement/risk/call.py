"""The risk of a tool call, from what is known of the tool and its caller: on the way of every call, so it is quick."""

from __future__ import annotations

import math
from typing import Protocol

from .score import Operation, Risk, assess

_SEVERITIES = ("info", "review", "block")


class ToolFacts(Protocol):
    """What of a tool its risk rests on; `judgement.policy.inputs.Facts` is one."""

    @property
    def capability(self) -> str:
        """Which its use needs."""

    @property
    def risk_hint(self) -> str:
        """low, medium, high or critical."""

    @property
    def read_only(self) -> bool:
        """Whether it changes nothing."""

    @property
    def destructive(self) -> bool:
        """Whether it may destroy what was there."""

    @property
    def open_world(self) -> bool:
        """Whether it touches what lies outside the system."""


def of_call(
    facts: ToolFacts,
    *,
    trust: float | None = None,
    severity: int = 0,
    recent_refusals: float = 0.0,
    depth: int = 0,
    safe_mode: bool = False,
    load: float = 0.0,
) -> Risk:
    """How risky a call of this tool is now.

    Trust is rounded down and load up to tenths, and a begun refusal isn't counted: the answer for each such combination
    is kept, which makes a call in the usual circumstances cost about 2 us.

    Args:
        facts: of the tool.
        trust: of the caller, 0 to 5; None where it is no input: then it is no factor either.
        severity: the gravest finding in the arguments, as `finding.Severity`.
        recent_refusals: of this caller's calls.
        depth: how many calls deep it was caused.
        safe_mode: whether only reading is allowed now.
        load: 0 to 1.
    """
    return assess(
        Operation(
            kind=_kind(facts),
            target="system" if facts.capability == "operate" else "project",
            # the hint says that it may destroy, not that it does so for good
            reversibility="costly" if facts.destructive else "reversible",
            blast="outside" if facts.open_world else "one",
            trust=None if trust is None else math.floor(trust * 10) / 10,
            refusals=int(recent_refusals),
            load=math.ceil(load * 10) / 10,
            severity=_SEVERITIES[severity],
            hint=facts.risk_hint,
            depth=depth,
            safe_mode=safe_mode,
        )
    )


def _kind(facts: ToolFacts) -> str:
    if facts.read_only:
        return "read"
    return "delete" if facts.destructive else "write"
