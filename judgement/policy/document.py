"""The policy file's form: what may stand where (`docs/policy.md` tells it to people)."""

from __future__ import annotations

from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from .verdict import DEFAULT_RATE

MOST_RULES = 2_000
MOST_APPROVERS = 5

Text = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Prose = Annotated[str, StringConstraints(max_length=500)]
Id = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_.-]{0,63}$")]
Names = Annotated[tuple[Text, ...], Field(min_length=1, max_length=1_000)]
Kind = Literal["agent", "human", "service"]
Level = Literal["low", "medium", "high", "critical", "denied"]
Severity = Literal["info", "review", "block"]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Clock = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Midnight = Annotated[str, StringConstraints(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]
Personal = Annotated[str, StringConstraints(pattern=r"^pii(\.[a-z][a-z0-9_]{0,63})?$")]
Reading = Literal["prompt", "command", "sql", "path", "url", "text", "data"]


class Part(BaseModel):
    """Base of all parts: frozen, typed strictly, and no key that isn't known."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class RiskAtLeast(Part):
    """Calls whose risk is at least this."""

    at_least: Level


class DepthAtLeast(Part):
    """Calls caused inside, at least so many calls deep."""

    at_least: int = Field(ge=0, le=100)


class TrustBelow(Part):
    """Callers whose trust, 0 to 5, is below this."""

    below: float = Field(gt=0, le=5, strict=False)


class Findings(Part):
    """Calls in whose arguments inspection saw something."""

    families: Names | None = None
    rules: Names | None = None
    at_least: Severity = "info"


class During(Part):
    """A part of the week. `from` after `to` goes over midnight, and belongs to the day on which it begins."""

    days: Annotated[tuple[Day, ...], Field(min_length=1)] | None = None
    begin: Clock = Field("00:00", alias="from")
    end: Annotated[str, StringConstraints(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")] = Field(
        "24:00", alias="to"
    )
    timezone: Text = "UTC"

    @field_validator("timezone")
    @classmethod
    def _exists(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"there is no time zone {name!r}; write one such as Europe/Berlin or UTC") from None
        return name


class Match(Part):
    """What a call must be like; everything that is given must hold, one of each list."""

    tools: Names | None = None
    capabilities: Names | None = None
    categories: Names | None = None
    servers: Names | None = None
    principals: Names | None = None
    tenants: Names | None = None
    kinds: Annotated[tuple[Kind, ...], Field(min_length=1)] | None = None
    roles: Names | None = None
    reads: bool | None = None
    destructive: bool | None = None
    open_world: bool | None = None
    trust: TrustBelow | None = None
    risk: RiskAtLeast | None = None
    findings: Findings | None = None
    depth: DepthAtLeast | None = None
    during: During | None = None


class Rule(Part):
    """One rule: whom and what it is about, and what it says."""

    id: Id
    description: Prose = ""
    match: Match = Match()
    unless: Match | None = None
    when: Annotated[str, StringConstraints(min_length=1)] | None = None
    effect: Literal["allow", "confirm", "approve", "deny"] | None = None
    redact: Annotated[tuple[Personal, ...], Field(min_length=1)] | None = None
    rate: Id | None = None
    sandbox: Literal["none", "read_only", "workspace", "full"] | None = None
    approvers: int | None = Field(None, ge=1, le=MOST_APPROVERS)
    reason: Prose = ""
    remedy: Prose = ""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.effect is None and self.redact is None and self.rate is None and self.sandbox is None:
            raise ValueError("the rule says nothing: give it effect, redact, rate or sandbox")
        return self

    @model_validator(mode="after")
    def _approvers_are_for_approvals(self) -> Self:
        if self.approvers is not None and self.effect != "approve":
            raise ValueError("approvers says how many must approve, so it is for rules of effect approve")
        return self

    @model_validator(mode="after")
    def _trust_spares_confirmations_only(self) -> Self:
        if self.unless is not None and self.unless.trust is not None:
            raise ValueError("trust can't stand under unless; use match.trust")
        if self.match.trust is not None and self.effect not in {None, "confirm"}:
            raise ValueError(
                f"trust can't decide about {self.effect}: it spares confirmations and nothing else, so match.trust is "
                "for rules of effect confirm, or of no effect"
            )
        return self


class Rate(Part):
    """A class of calls that are counted together."""

    per_minute: int = Field(ge=1, le=1_000_000)
    scope: Literal["principal", "principal_tool", "tool"] = "principal"


class Inspected(Part):
    """How an argument of some tools is read by inspection, whatever it would be taken for."""

    tools: Names
    argument: Text
    kind: Reading


class Meaning(Part):
    """Of which calls the texts are read by their meaning as well, and what follows where no model can read them."""

    tools: Names
    arguments: bool = False
    results: bool = False
    when_unavailable: Literal["refuse", "allow_with_note"] = "refuse"

    @model_validator(mode="after")
    def _reads_something(self) -> Self:
        if not (self.arguments or self.results):
            raise ValueError("the entry has nothing read: set arguments or results to true")
        return self


class Document(Part):
    """The whole file."""

    version: int = Field(ge=1, le=1)
    rates: dict[Id, Rate] = Field(default_factory=dict)
    inspection: Annotated[tuple[Inspected, ...], Field(max_length=MOST_RULES)] = ()
    meaning: Annotated[tuple[Meaning, ...], Field(max_length=MOST_RULES)] = ()
    keep_arguments: Annotated[tuple[Text, ...], Field(max_length=1_000)] = ()
    rules: Annotated[tuple[Rule, ...], Field(max_length=MOST_RULES)]

    @model_validator(mode="after")
    def _default_rate_is_a_setting(self) -> Self:
        if DEFAULT_RATE in self.rates:
            raise ValueError("the rate class 'default' is the setting safety.rate_limit (AURA_RATE_LIMIT)")
        return self
