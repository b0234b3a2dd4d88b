"""What a detector says it saw: a rule, a place, how grave, and what to do about it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import IntEnum
from typing import Any


class Severity(IntEnum):
    """How grave a finding is; a greater one is graver."""

    INFO = 0  # worth a note in the record
    REVIEW = 1  # a person should look at it first
    BLOCK = 2  # must not run


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a detector saw; it never holds the text itself, which may be a secret.

    Args:
        rule: `family.name`, as in `command.destroys_root`; stable, for policies and records name it.
        severity: how grave.
        start: where it begins, in characters of the text that was inspected.
        end: where it ends.
        score: how sure, 0 to 1.
        what: what was seen, for a person.
        remedy: what to do instead.
    """

    rule: str
    severity: Severity
    start: int
    end: int
    score: float
    what: str
    remedy: str

    @property
    def family(self) -> str:
        """The rule's first part: command, sql, path, url, injection, secret or pii."""
        return self.rule.partition(".")[0]

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for records and results."""
        return asdict(self) | {"severity": self.severity.name.lower(), "score": round(self.score, 3)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Finding:
        """Read `as_dict`'s form."""
        return cls(**(data | {"severity": Severity[str(data["severity"]).upper()]}))


VERDICTS = {Severity.INFO: "allow", Severity.REVIEW: "review", Severity.BLOCK: "block"}


@dataclass(frozen=True, slots=True)
class Report:
    """What all detectors saw in one text.

    Args:
        findings: gravest first, then by place.
        version: of the detectors' rules; the same text and version give the same findings.
    """

    findings: tuple[Finding, ...]
    version: str

    @property
    def severity(self) -> Severity:
        """The gravest finding's; INFO when there is none."""
        return max((finding.severity for finding in self.findings), default=Severity.INFO)

    @property
    def verdict(self) -> str:
        """allow, review or block."""
        return VERDICTS[self.severity]

    @property
    def score(self) -> float:
        """The surest finding's among the gravest; 0 when there is none."""
        return max((found.score for found in self.findings if found.severity == self.severity), default=0.0)
