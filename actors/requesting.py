"""A request for an approval on its way through Safety: it is told what the tool is that the request names."""

from __future__ import annotations

from dataclasses import replace

from aura_ia_mcp.bus.messages import JSON, CallTool
from aura_ia_mcp.judgement import risk
from aura_ia_mcp.judgement.policy import Inputs

from .approval_drafts import NAMED
from .case import Case
from .snapshot import Snapshot

REQUEST = "request_approval"


def named(message: CallTool, snapshot: Snapshot, case: Case) -> CallTool:
    """The request with the contract, policy version and risk of the tool that its operation names.

    Whoever may not see a tool asks for words alone, as if there were no such tool. What the client's own `_meta` says
    in this place is dropped.

    Args:
        message: a call of request_approval.
        snapshot: the catalogue.
        case: of the message.
    """
    caller, standing = case.principal, case.standing
    subject = snapshot.tool(str(message.arguments.get("operation")), message.server)
    told: JSON = {}
    if subject is not None:
        inputs = Inputs(
            subject.facts,
            caller.id,
            caller.kind,
            caller.tenant,
            caller.roles,
            held=standing.held,
            server=message.server,
        )
        if standing.rules.policy.visible(inputs):
            told = {
                "contract": subject.contract,
                "policy": standing.rules.policy.version,
                "risk": risk.of_call(subject.facts).as_dict(),
            }
    return replace(message, meta=message.meta | {NAMED: told})
