"""diagnose_issue: from checks to a cause, and what is claimed without them."""

from __future__ import annotations

from aura_ia_mcp.bus.bus import Context
from aura_ia_mcp.bus.envelope import Principal
from aura_ia_mcp.bus.messages import JSON

from ..graph import OPERATOR
from ..inside import Inside, fails, reply
from .calls import FACTS, found


def answers(inside: Inside, **results: JSON) -> None:
    for tool, result in results.items():

        async def say(arguments: JSON, context: Context, result: JSON = result) -> JSON:
            return reply(result)

        inside.ingress.answers[tool] = say


async def diagnose(inside: Inside, principal: Principal = OPERATOR, **arguments: object) -> JSON:
    return found("diagnose_issue", await inside.call("diagnose_issue", arguments, FACTS, principal))


async def test_nothing_wrong_is_said_plainly(inside: Inside) -> None:
    told = await diagnose(inside)
    assert (told["healthy"], told["findings"], told["likely_cause"]) == (True, [], None)
    assert "Nothing is wrong" in told["notes"][0]
    assert len(told["checks"]) == 5


async def test_what_the_checks_show_becomes_a_cause_and_a_remedy(inside: Inside) -> None:
    answers(
        inside,
        get_model_status={"workers": [{"name": "ml/0", "state": "loading"}]},
        get_activity_stats={"errors": 0, "denials": 3},
    )
    told = await diagnose(inside, symptom="analyze_emotion says unavailable")
    assert [each["id"] for each in told["findings"]] == ["models_loading", "refusals"]
    assert told["findings"][0]["where"] == ["workers.ml/0.state"]
    assert "started a short while ago" in told["likely_cause"]
    assert not told["healthy"]


async def test_a_check_that_is_refused_is_no_proof_of_health(inside: Inside) -> None:
    inside.ingress.answers["get_recent_logs"] = fails("forbidden", "no")
    told = await diagnose(inside)
    assert (told["healthy"], told["likely_cause"]) == (False, None)
    assert told["findings"][0]["id"] == "unchecked"


async def test_without_any_check_it_claims_nothing(inside: Inside) -> None:
    answer = await inside.call("diagnose_issue", {}, [], OPERATOR)
    told = found("diagnose_issue", answer)
    assert (told["healthy"], told["checks"], len(told["left_out"])) == (False, [], 6)
    assert "No check could be run" in told["notes"][0]
