"""What happened: published on topics, or told one way."""

from __future__ import annotations

from .form import JSON, Message, message


@message("event.catalogue_changed")
class CatalogueChanged(Message):
    """The list of `what` (tools, resources, prompts) is another; `version` is its new fingerprint."""

    what: str
    version: str


@message("event.resource_updated")
class ResourceUpdated(Message):
    """A resource has new content."""

    uri: str


@message("event.rules_changed")
class RulesChanged(Message):
    """The rules in force are others: the texts of both files with their versions, changed together or not at all.

    `fault` says why a newer file isn't in force (file:line:column: what), or is "".
    """

    policy: str
    policy_version: str
    roles: str
    roles_version: str
    fault: str = ""


@message("event.trust_changed")
class TrustChanged(Message):
    """How far principals are trusted whose trust has moved: {"tenant/id": {"value", "base", "at"}}."""

    trust: JSON


@message("event.safe_mode")
class SafeModeChanged(Message):
    """The switch that stops everything that writes: `version` counts its changes, `at` is in Unix seconds."""

    enabled: bool
    reason: str
    by: str
    at: float
    version: int


@message("roles.observed")
class Observed(Message):
    """Safety saw something that moves a principal's trust: `call_stopped`, `approval_granted` or `approval_refused`."""

    principal: JSON
    what: str
