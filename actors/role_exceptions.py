"""What a role table lends and denies, for records."""

from __future__ import annotations

from aura_ia_mcp.bus.messages import JSON
from aura_ia_mcp.judgement.roles import Roles

MOST = 50
"""So many delegations, and so many denials, are listed."""


def exceptions(roles: Roles, now: float) -> JSON:
    """The delegations that aren't over, and the denials; `unlisted` says how many of both a bound left out.

    Args:
        roles: that come into force.
        now: Unix seconds.
    """
    lent = [each for each in roles.document.delegations if now < each.until.timestamp()]
    denials = roles.document.denials
    return {
        "delegations": [
            {
                "capability": each.capability,
                "from": each.giver,
                "to": each.to,
                "since": each.begins.isoformat(),
                "until": each.until.isoformat(),
                "reason": each.reason,
            }
            for each in lent[:MOST]
        ],
        "denials": [{"capability": each.what, "to": each.to, "reason": each.reason} for each in denials[:MOST]],
        "unlisted": max(len(lent) - MOST, 0) + max(len(denials) - MOST, 0),
    }
