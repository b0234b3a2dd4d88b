"""evaluate_risk: the factors, and whose trust counts."""

from __future__ import annotations

from aura_ia_mcp.bus.envelope import Principal
from aura_ia_mcp.bus.messages import JSON

from ..graph import GUEST, OPERATOR
from ..inside import Inside
from .calls import FACTS, found


async def risk(inside: Inside, operation: str, principal: Principal = GUEST, **context: object) -> JSON:
    arguments = {"operation": operation, "context": context}
    return found("evaluate_risk", await inside.call("evaluate_risk", arguments, FACTS, principal))


async def test_risk_is_told_with_its_factors(inside: Inside) -> None:
    told = await risk(inside, "drop database production")
    assert told["level"] in ("critical", "denied")
    assert sum(factor["share"] for factor in told["factors"]) == told["score"]
    assert (await risk(inside, "read a config file"))["level"] == "low"
    told = await risk(inside, "sudo rm -fr /", OPERATOR)
    assert told["denied"]
    assert any("command.destroy_files" in note for note in told["notes"])


async def test_the_trust_is_the_callers_the_roles_or_the_contexts(inside: Inside) -> None:
    own = (await risk(inside, "delete a branch"))["score"]
    assert (await risk(inside, "delete a branch", OPERATOR))["score"] < own
    assert (await risk(inside, "delete a branch", role="administrator"))["score"] < own
    assert (await risk(inside, "delete a branch", trust=5))["score"] < own
    told = await risk(inside, "delete a branch", role="wizard", colour="red")
    assert told["score"] == own
    assert any("wizard" in note for note in told["notes"])
    assert any("context.colour" in note for note in told["notes"])
