"""A rule of the file, compiled: its checks, its condition, and what it says."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from .checks import Check, checks, exception
from .condition import Condition, UnevaluableError
from .document import Match
from .document import Rule as Written
from .glob import matcher
from .inputs import Inputs
from .verdict import Effect, Sandbox

_OF_OTHERS = frozenset({"principals", "tenants"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether a rule matched a call.

    Args:
        matched: whether it did.
        failed: the words of what the call isn't like; "" when it matched.
        note: that its condition couldn't be evaluated, and why; "" when it could.
    """

    matched: bool
    failed: str = ""
    note: str = ""


MATCHED = Outcome(True)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that can be asked.

    Args:
        id: unique in its file.
        effect: None for rules that only oblige.
        steady: checks that hold or don't for all calls of one tool by one principal.
        moving: checks that each call is put to.
        condition: `when`, or None.
        redact: kinds of personal data.
        rate: a rate class, or "".
        sandbox: a ceiling.
        approvers: how many must approve, where the effect is `approve`.
        reason: for the caller; may be empty.
        remedy: likewise.
        description: for readers of the file.
        match: as it was written.
    """

    id: str
    effect: Effect | None
    steady: tuple[Check, ...]
    moving: tuple[Check, ...]
    condition: Condition | None
    redact: frozenset[str]
    rate: str
    sandbox: Sandbox
    approvers: int
    reason: str
    remedy: str
    description: str
    match: Match

    @classmethod
    def of(cls, written: Written) -> Rule:
        """Compile a rule.

        Raises:
            ConditionError: `when` can't be used.
        """
        all_checks: Sequence[Check] = checks(written.match)
        if written.unless is not None:
            all_checks = (*all_checks, exception(written.unless))
        return cls(
            id=written.id,
            effect=None if written.effect is None else Effect[written.effect.upper()],
            steady=tuple(check for check in all_checks if not check.moving),
            moving=tuple(check for check in all_checks if check.moving),
            condition=None if written.when is None else Condition(written.when),
            redact=frozenset(written.redact or ()),
            rate=written.rate or "",
            sandbox=Sandbox.FULL if written.sandbox is None else Sandbox[written.sandbox.upper()],
            approvers=written.approvers or 1,
            reason=written.reason,
            remedy=written.remedy,
            description=written.description,
            match=written.match,
        )

    @property
    def always(self) -> bool:
        """Whether it matches every call that its steady checks let through."""
        return not self.moving and self.condition is None

    @property
    def says(self) -> str:
        """Its effect and obligations in a few words."""
        parts = [] if self.effect is None else [str(self.effect)]
        if self.approvers > 1:
            parts = [f"approve by {self.approvers}"]
        if self.redact:
            parts.append(f"redact {', '.join(sorted(self.redact))}")
        if self.rate:
            parts.append(f"rate {self.rate}")
        if self.sandbox is not Sandbox.FULL:
            parts.append(f"sandbox at most {self.sandbox}")
        return "; ".join(parts)

    @property
    def asks(self) -> str:
        """What a call must be like to match, in words."""
        words = [check.words for check in (*self.steady, *self.moving)]
        if self.condition is not None:
            words.append(f"when: {self.condition.text}")
        return " and ".join(words) or "every call"

    def told(self, tools: Collection[str]) -> str:
        """`asks` for a caller that the rule concerns: it names no other tool than these, and nobody else.

        Args:
            tools: the names of those that exist for the caller.
        """
        return " and ".join(self._told(tools)) or "every call"

    def _told(self, tools: Collection[str]) -> Iterator[str]:
        names = [each for each in self.match.tools or () if any(map(matcher([each]), tools))]
        for check in checks(self.match.model_copy(update={"tools": tuple(names) or None})):
            yield "the caller is one like you" if check.key in _OF_OTHERS else check.words
        if any(check.key == "unless" for check in (*self.steady, *self.moving)):
            yield "the call is none of the rule's exceptions"
        if self.condition is not None:
            hidden = self.condition.names_tools_or_callers
            yield "a condition holds that operators see" if hidden else f"when: {self.condition.text}"

    def concerns(self, inputs: Inputs) -> bool:
        """Whether calls like this, of this tool by this principal, could match."""
        return all(check.test(inputs) for check in self.steady)

    def outcome(self, inputs: Inputs) -> Outcome:
        """Whether a call matches that the rule concerns: its moving checks and its condition."""
        for check in self.moving:
            if not check.test(inputs):
                return Outcome(False, check.words)
        if self.condition is None:
            return MATCHED
        try:
            if self.condition.holds(inputs):
                return MATCHED
        except UnevaluableError as error:
            # what can't be seen must never be to the caller's advantage
            matched = self.effect is not Effect.ALLOW
            took = "holds" if matched else "does not hold"
            note = f"{self.id}: the condition can't be evaluated ({error}), so it counts as if it {took}"
            return Outcome(matched, "" if matched else f"when: {self.condition.text}", note)
        return Outcome(False, f"when: {self.condition.text}")

    def explained(self, inputs: Inputs) -> Outcome:
        """Whether a call matches, its steady checks included."""
        for check in self.steady:
            if not check.test(inputs):
                return Outcome(False, check.words)
        return self.outcome(inputs)
