"""The form of `configs/roles.yaml`."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from .names import fold

CAPABILITIES: dict[str, str] = {
    "status": "health, status, documentation, lists, echo",
    "infer": "AI and ML tools, language models",
    "query": "search in the knowledge base",
    "upsert_memory": "add to and delete from the knowledge base",
    "orchestrate": "workflows, debates, plans with steps; each step needs its own",
    "read_logs": "logs, traces, metrics, alerts, audit records",
    "codex": "Codex sessions",
    "execute_scripts": "sandboxed plugins",
    "operate": "approvals, safe mode, commands, model pulls: for humans and operators",
}
"""What tools ask for (docs/tools.md); by name, with what it covers."""

OPERATE = "operate"
OPERATORS = frozenset({"human", "service"})
"""The kinds of principal that may hold `operate`, whatever a file says."""

LONGEST = timedelta(days=30)
MOST_TRUST = 5
_FIRST_YEAR = 2000

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
ToolCapability = Literal[
    "status", "infer", "query", "upsert_memory", "orchestrate", "read_logs", "codex", "execute_scripts", "operate"
]
Category = Literal["read", "write", "execute", "approve", "delete", "admin"]
Kind = Literal["agent", "human", "service"]
_ALONE = ("guest", "operator")  # the ids that don't say by what a principal is known
_HOLDER = r"^(role:[a-z][a-z0-9_]{0,31}|principal:[^\s/]{1,128}/[^\s]{1,256})$"
RoleHolder = Annotated[str, Field(pattern=r"^role:[a-z][a-z0-9_]{0,31}$")]
Sentence = Annotated[str, Field(min_length=1, max_length=500)]


def _known_by(holder: str) -> str:
    """A principal's id says by what it is known; a denial to an id that nobody has would deny nothing."""
    kind, _, name = holder.partition(":")
    tenant, _, identity = name.partition("/")
    if kind == "principal" and ":" not in identity and identity not in _ALONE:
        raise ValueError(
            f"nobody has the id {identity!r}: who holds the token {identity!r} is principal:{tenant}/token:{identity}"
        )
    return holder


Holder = Annotated[str, Field(pattern=_HOLDER), AfterValidator(_known_by)]


def _begin(value: object) -> object:
    """A date without a time is its first moment."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    return value


def _zoned(value: datetime) -> datetime:
    """What names no zone is UTC."""
    if value.year < _FIRST_YEAR:
        raise ValueError(f"the year {value.year} can't be meant")
    return value if value.tzinfo else value.replace(tzinfo=UTC)


Moment = Annotated[datetime, BeforeValidator(_begin), AfterValidator(_zoned)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Capability(_Part):
    """One of the 26."""

    category: Category
    description: Sentence


class Role(_Part):
    """An engineering role: exactly the capabilities that it lists; the parent and the trust add none."""

    title: Sentence
    description: str = Field("", max_length=2000)
    trust: int = Field(0, ge=0, le=MOST_TRUST)
    parent: Name | None = None
    kinds: tuple[Kind, ...] = ("agent", "human", "service")
    capabilities: Literal["all"] | tuple[Name, ...] = ()


class Caller(_Part):
    """A kind of caller: capabilities of tools, given directly."""

    title: Sentence
    description: str = Field("", max_length=2000)
    trust: int = Field(0, ge=0, le=MOST_TRUST)
    kinds: tuple[Kind, ...] = ("agent", "human", "service")
    capabilities: Literal["all"] | tuple[ToolCapability, ...] = ()


class Delegation(_Part):
    """A capability that a role lends for a time.

    In force from `since` (unless given: 30 days before `until`) up to, and not at, `until`.
    """

    model_config = ConfigDict(populate_by_name=True)

    capability: Name
    giver: RoleHolder = Field(alias="from")
    to: Holder
    since: Moment | None = None
    until: Moment
    reason: Sentence
    operate: bool = Field(False, description="Must be true where the capability grants `operate`.")

    @property
    def begins(self) -> datetime:
        """The first moment at which it holds."""
        return self.since or self.until - LONGEST

    @model_validator(mode="after")
    def _is_short(self) -> Delegation:
        if self.begins >= self.until:
            raise ValueError("it ends before it begins; set since before until")
        if self.until - self.begins > LONGEST:
            raise ValueError("it lasts longer than 30 days; choose an earlier until")
        return self


class Denial(_Part):
    """A capability that somebody must not have, whatever grants it; give `capability` or `action`."""

    capability: Name | None = None
    action: str | None = Field(None, max_length=128)
    to: Holder
    reason: Sentence

    @property
    def what(self) -> str:
        """The capability's name."""
        return self.capability or fold(self.action or "")

    @model_validator(mode="after")
    def _names_one(self) -> Denial:
        if (self.capability is None) == (self.action is None):
            raise ValueError("give either capability or action")
        return self


class Document(_Part):
    """The whole file."""

    version: Literal[2]
    capabilities: dict[Name, Capability] = Field(default_factory=dict)
    roles: dict[Name, Role] = Field(default_factory=dict)
    callers: dict[Name, Caller] = Field(default_factory=dict)
    tool_capabilities: dict[ToolCapability, Literal["everyone"] | tuple[Name, ...]] = Field(default_factory=dict)
    delegations: tuple[Delegation, ...] = ()
    denials: tuple[Denial, ...] = ()
