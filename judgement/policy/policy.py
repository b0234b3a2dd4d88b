"""The policy: rules in, verdicts out. A verdict depends on its inputs and on nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, Literal

from .compiling import rules_of
from .document import Document, Rate
from .fixed import FIXED, Said
from .glob import matcher
from .inputs import Facts, Inputs
from .reading import Marks, read
from .rule import Rule
from .verdict import DEFAULT, DEFAULT_RATE, Effect, Sandbox, Verdict

_MOST_REMEMBERED = 10_000

_REASONS = {
    Effect.CONFIRM: "{tool!r} runs once your user has confirmed it (rule {rule})",
    Effect.APPROVE: "{tool!r} needs somebody's approval (rule {rule})",
    Effect.DENY: "the policy denies {tool!r} (rule {rule})",
}
_REMEDIES = {
    Effect.CONFIRM: "confirm it where your client asks",
    Effect.APPROVE: "ask an operator to approve it",
    Effect.DENY: "get_policy shows the rules; an operator can change them",
}


@dataclass(frozen=True, slots=True)
class Explained:
    """What one rule had to do with a call.

    Args:
        rule: its id.
        built_in: whether no file can switch it off.
        matched: whether it matched.
        says: its effect and obligations, as in `deny` or `redact pii.email`.
        why: what it is about; of a rule that didn't match, what the call isn't like.
        note: that its condition couldn't be evaluated, and why; may be empty.
        concerns: whether any call of this tool by this principal could match.
    """

    rule: str
    built_in: bool
    matched: bool
    says: str
    why: str
    note: str = ""
    concerns: bool = True

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(slots=True)
class _Tally:
    """What the rules that matched say together; their order doesn't matter."""

    allow: Rule | None = None
    strictest: Rule | None = None
    matched: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    redact: frozenset[str] = frozenset()
    rates: set[str] = field(default_factory=lambda: {DEFAULT_RATE})
    sandbox: Sandbox = Sandbox.FULL
    approvers: int = 1

    def add(self, rule: Rule) -> None:
        self.matched.append(rule.id)
        if rule.redact:
            self.redact |= rule.redact
        if rule.rate:
            self.rates.add(rule.rate)
        self.sandbox = min(self.sandbox, rule.sandbox)
        self.approvers = max(self.approvers, rule.approvers)
        if rule.effect is Effect.ALLOW:
            self.allow = self.allow or rule
        elif rule.effect is not None and (self.strictest is None or rule.effect > (self.strictest.effect or 0)):
            self.strictest = rule


class Policy:
    """Rules that decide on calls.

    Promises: a call runs only if a rule allows it and nothing is stricter (deny, then approve, then confirm); the
    rules' order doesn't matter; the same inputs give the same verdict. `confirm`, `approve` and `deny` narrow and never
    permit. Safe to share between threads.

    Args:
        document: the checked file.
        version: hash of its text; it names the policy in records.
        marks: where its members stand, for complaints.

    Raises:
        PolicyError: a rule can't be used.
    """

    def __init__(self, document: Document, version: str, marks: Marks) -> None:
        self.version = version
        self.rates: Mapping[str, Rate] = document.rates
        self.rules = rules_of(document, marks)
        self._readings = [(matcher(each.tools), matcher([each.argument]), each.kind) for each in document.inspection]
        self._kept = matcher(document.keep_arguments)
        self._meanings = [(matcher(each.tools), each) for each in document.meaning]
        self._near: dict[tuple[Any, ...], tuple[Rule, ...]] = {}

    def decide(self, inputs: Inputs) -> Verdict:
        """What becomes of a call."""
        narrowed: tuple[str, Effect, Said] | None = None
        built_in = []
        for fixed in FIXED:
            said = fixed.test(inputs)
            if said is None:
                continue
            if fixed.hides:
                return Verdict(fixed.effect, fixed.id, said.reason, hidden=True, matched=(fixed.id,))
            built_in.append(fixed.id)
            if narrowed is None or fixed.effect > narrowed[1]:
                narrowed = (fixed.id, fixed.effect, said)
        tally, read_arguments = self._tally(inputs)
        rule, effect, said = _strictest(inputs, tally, narrowed)
        return Verdict(
            effect=effect,
            rule=rule,
            reason=said.reason,
            remedy=said.remedy,
            matched=tuple(sorted([*built_in, *tally.matched])),
            redact=tally.redact,
            rates=tuple(sorted(tally.rates)),
            sandbox=tally.sandbox,
            approvers=tally.approvers,
            notes=tuple(tally.notes),
            read_arguments=read_arguments,
        )

    def visible(self, inputs: Inputs) -> bool:
        """Whether this caller could possibly call this tool: what depends on the single call is taken to be in favour.

        Args:
            inputs: without arguments and findings; time, trust, risk and safe mode don't matter.
        """
        if any(fixed.steady and fixed.test(inputs) is not None for fixed in FIXED):
            return False
        near = self._concerning(inputs)
        denied = any(rule.effect is Effect.DENY and rule.always for rule in near)
        return not denied and any(rule.effect is Effect.ALLOW for rule in near)

    def explain(self, inputs: Inputs) -> list[Explained]:
        """What each rule had to do with a call: the built-in ones, then the file's by id."""
        told = []
        for fixed in FIXED:
            said = fixed.test(inputs)
            why = fixed.words if said is None else said.reason
            told.append(Explained(fixed.id, True, said is not None, str(fixed.effect), why))
        for rule in self.rules:
            outcome = rule.explained(inputs)
            why = (rule.description or rule.reason or rule.asks) if outcome.matched else outcome.failed
            told.append(
                Explained(rule.id, False, outcome.matched, rule.says, why, outcome.note, concerns=rule.concerns(inputs))
            )
        return told

    def about(self, tool: Facts) -> list[Rule]:
        """The file's rules that could match calls of this tool by somebody."""
        nobody = Inputs(tool, "", "")
        return [rule for rule in self.rules if all(each.test(nobody) for each in rule.steady if each.of_tool)]

    def reading(self, tool: str, argument: str) -> str | None:
        """As what the file says inspection is to read an argument (`data`, `command`, …); None where it says nothing.

        Where several entries speak, the first does.
        """
        for tools, arguments, kind in self._readings:
            if tools(tool) and arguments(argument):
                return kind
        return None

    def meaning(self, tool: str, what: Literal["arguments", "results"]) -> str | None:
        """Whether texts of a tool's calls are read by their meaning; None where they aren't.

        Else `refuse` or `allow_with_note`: what follows where no model can read them. Of several entries that speak of
        this, the first counts.
        """
        for tools, entry in self._meanings:
            if getattr(entry, what) and tools(tool):
                return entry.when_unavailable
        return None

    def keeps_arguments(self, tool: str) -> bool:
        """Whether records of this tool's calls are to hold the arguments."""
        return self._kept(tool)

    def _concerning(self, inputs: Inputs) -> tuple[Rule, ...]:
        """The rules that could match calls of this tool by this principal, remembered within a bound."""
        key = (inputs.tool, inputs.server, inputs.principal_id, inputs.kind, inputs.tenant, inputs.roles)
        found = self._near.get(key)
        if found is None:
            found = tuple(rule for rule in self.rules if rule.concerns(inputs))
            if len(self._near) >= _MOST_REMEMBERED:
                self._near = {}
            self._near[key] = found
        return found

    def _tally(self, inputs: Inputs) -> tuple[_Tally, bool]:
        tally, read_arguments = _Tally(), False
        for rule in self._concerning(inputs):
            if rule.always:
                tally.add(rule)
                continue
            outcome = rule.outcome(inputs)
            read_arguments = read_arguments or (rule.condition is not None and rule.condition.reads_arguments)
            if outcome.note:
                tally.notes.append(outcome.note)
            if outcome.matched:
                tally.add(rule)
        return tally, read_arguments


def parse(text: str, origin: str = "policy.yaml") -> Policy:
    """Read a policy.

    Raises:
        PolicyError: says what is wrong and where.
    """
    document, marks = read(text, origin)
    return Policy(document, hashlib.sha256(text.encode()).hexdigest()[:16], marks)


def shipped() -> Policy:
    """The policy that comes with the system."""
    return parse((files("aura_ia_mcp.configs") / "policy.yaml").read_text("utf-8"))


def _strictest(inputs: Inputs, tally: _Tally, narrowed: tuple[str, Effect, Said] | None) -> tuple[str, Effect, Said]:
    """Which rule decides, what, and what to tell the caller."""
    tool = inputs.tool.name[:128]
    if narrowed is not None and narrowed[1] is Effect.DENY:
        return narrowed
    rule = tally.strictest
    if tally.allow is None and (rule is None or rule.effect is not Effect.DENY):
        said = Said(
            f"no rule of the policy allows {tool!r}, and what no rule allows is denied",
            "get_policy shows the rules; an operator can add one of effect allow",
        )
        return DEFAULT, Effect.DENY, said
    if rule is not None and rule.effect is not None and (narrowed is None or rule.effect > narrowed[1]):
        reason = rule.reason or _REASONS[rule.effect].format(tool=tool, rule=rule.id)
        return rule.id, rule.effect, Said(reason, rule.remedy or _REMEDIES[rule.effect])
    if narrowed is not None:
        return narrowed
    assert tally.allow is not None
    return tally.allow.id, Effect.ALLOW, Said(tally.allow.reason or f"{tool!r} is allowed (rule {tally.allow.id})")
