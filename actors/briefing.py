"""What Safety tells the actor that runs a call, in the call's `_meta`, since that can't ask for it."""

from __future__ import annotations

from dataclasses import replace

from aura_ia_mcp.bus.messages import JSON, CallTool
from aura_ia_mcp.judgement import risk
from aura_ia_mcp.judgement.policy import Facts

from .approval_drafts import NAMED
from .case import Case
from .snapshot import Snapshot

OFFERED = "aura/tools"
"""Member of the `_meta` of a call that may cause others: the tools that those may be of (`Snapshot.offered`)."""

_REQUEST = "request_approval"


def briefed(message: CallTool, snapshot: Snapshot, case: Case) -> CallTool:
    """The call with what its actor needs to know. What the client's own `_meta` says in these places is dropped.

    Args:
        message: as it came.
        snapshot: the catalogue.
        case: of the message, decided on.

    Raises:
        AuraError: `invalid_arguments`: an approval is asked for a call that its tool would refuse.
    """
    standing, server = case.standing, message.server

    def may(facts: Facts) -> bool:
        return standing.rules.visible(facts, case.principal, standing.held, server)

    if case.subject is not None and case.subject.reenters:
        return _with(message, OFFERED, snapshot.offered(server, standing.held, may))
    if message.tool != _REQUEST:
        return message
    asked_for = snapshot.tool(str(message.arguments.get("operation")), server)
    if asked_for is None or not may(asked_for.facts):  # whoever may not see a tool asks for words alone
        return _with(message, NAMED, {})
    if isinstance(arguments := message.arguments.get("arguments"), dict):
        asked_for.check(arguments)
    assessed = risk.of_call(asked_for.facts).as_dict()
    named = {"contract": asked_for.contract, "policy": standing.rules.policy.version, "risk": assessed}
    return _with(message, NAMED, named)


def _with(message: CallTool, member: str, told: JSON | list[JSON]) -> CallTool:
    return replace(message, meta=message.meta | {member: told})
