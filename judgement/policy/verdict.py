"""What a policy decides."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

DEFAULT = "default.deny"
"""The rule that decides where no rule allows."""
DEFAULT_RATE = "default"
"""The rate class that every call counts in: `safety.rate_limit` calls a minute and principal."""


class Effect(IntEnum):
    """What becomes of a call; a greater one is stricter and wins."""

    ALLOW = 0
    CONFIRM = 1  # the client's own user has to agree
    APPROVE = 2  # another principal has to agree
    DENY = 3

    def __str__(self) -> str:
        return self.name.lower()


class Sandbox(IntEnum):
    """How far what a call starts may reach; a smaller one is stricter and wins."""

    NONE = 0  # it may start nothing
    READ_ONLY = 1
    WORKSPACE = 2  # it may write in its own folder
    FULL = 3  # no ceiling

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision, why, and what it obliges to.

    Args:
        effect: what becomes of the call.
        rule: the id of the rule that decided, as records name it.
        reason: for the caller.
        remedy: what the caller may do instead; may be empty.
        hidden: refused in a way that tells nothing: to this caller it doesn't exist.
        matched: ids of all rules that matched, sorted; of a hidden one only the rule that hid it.
        redact: kinds of personal data to redact from the result: `pii` is all, `pii.email` one.
        rates: the rate classes that the call counts in, sorted.
        sandbox: the ceiling of what it may start.
        approvers: how many others have to agree, where the effect is `approve`.
        notes: what a reader of the record should know, such as conditions that could not be evaluated.
        read_arguments: whether a condition looked at the arguments: then it can be recomputed only with them.
    """

    effect: Effect
    rule: str
    reason: str
    remedy: str = ""
    hidden: bool = False
    matched: tuple[str, ...] = ()
    redact: frozenset[str] = frozenset()
    rates: tuple[str, ...] = (DEFAULT_RATE,)
    sandbox: Sandbox = Sandbox.FULL
    approvers: int = 1
    notes: tuple[str, ...] = ()
    read_arguments: bool = False

    @property
    def allowed(self) -> bool:
        """Whether it may run without anybody's consent."""
        return self.effect is Effect.ALLOW

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for records and results."""
        return {
            "effect": str(self.effect),
            "rule": self.rule,
            "reason": self.reason,
            "remedy": self.remedy,
            "hidden": self.hidden,
            "matched": list(self.matched),
            "redact": sorted(self.redact),
            "rates": list(self.rates),
            "sandbox": str(self.sandbox),
            "approvers": self.approvers,
            "notes": list(self.notes),
            "read_arguments": self.read_arguments,
        }
