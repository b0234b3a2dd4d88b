"""ask: what isn't run, and what is said instead."""

from __future__ import annotations

import pytest

from aura_ia_mcp.bus.messages import JSON

from ..graph import OPERATOR
from ..inside import Inside
from .calls import ask, ran


async def test_it_asks_back_when_the_router_does(inside: Inside) -> None:
    inside.router.route = {
        "kind": "tool",
        "name": "check_health",
        "asks": "Health or status?",
        "alternatives": [{"kind": "tool", "name": "get_system_status", "confidence": 0.4}],
    }
    told = await ask(inside)
    assert (told["asks"], told["answer"], told["status"]) == ("Health or status?", "Health or status?", "not_run")
    assert told["route"]["alternatives"][0]["name"] == "get_system_status"
    assert ran(inside) == []


@pytest.mark.parametrize(
    ("route", "says"),
    [
        ({"kind": "none"}, "I don't know"),
        ({"kind": "tool", "name": "ask"}, "I don't know"),
        ({"kind": "model", "name": "general"}, "language model"),
        ({"kind": "tool", "name": "ghost"}, "Nothing was run: nothing that you may use does that"),
        ({"kind": "tool", "name": "execute_command"}, "nothing that you may use does that"),
        ({"kind": "tool", "name": "get_recent_logs"}, "capability read_logs"),
        ({"kind": "workflow", "name": "dance"}, "there is no plan 'dance'"),
    ],
)
async def test_what_cannot_be_run_is_said_and_nothing_runs(inside: Inside, route: JSON, says: str) -> None:
    inside.router.route = route
    told = await ask(inside)
    assert says in told["answer"]
    assert (told["status"], told["plan"]["steps"], ran(inside)) == ("not_run", [], [])


async def test_what_the_caller_may_not_use_is_neither_offered_nor_asked_about(inside: Inside) -> None:
    inside.router.route = {
        "kind": "tool",
        "name": "execute_command",
        "asks": "To run a command, please say: the command (command).",
        "why": ["to run a command"],
        "alternatives": [
            {"kind": "tool", "name": name, "confidence": 0.2} for name in ("get_recent_logs", "check_health")
        ],
    }
    told = await ask(inside)
    assert told["answer"].startswith("Nothing was run: nothing that you may use does that")
    assert [each["name"] for each in told["route"]["alternatives"]] == ["check_health"]
    assert "command" not in str(told)
    assert "the command" in (await ask(inside, principal=OPERATOR))["asks"]
    inside.router.route["name"] = "get_recent_logs"
    told = await ask(inside)
    assert (told["asks"], "capability read_logs" in told["answer"]) == ("", True)


@pytest.mark.parametrize(
    ("second", "asks"),
    [
        ("check_health", "Do you mean to check whether every part is healthy (check_health)? Otherwise"),
        ("set_safe_mode", ""),
    ],
)
async def test_a_question_which_was_meant_names_only_what_the_caller_may_use(
    inside: Inside, second: str, asks: str
) -> None:
    words = f"Do you mean to run a command (execute_command) or to do another thing ({second})?"
    inside.router.route = {"kind": "none", "asks": words}
    told = await ask(inside)
    assert told["asks"].startswith(asks)
    assert told["answer"].startswith(asks or "Nothing was run: nothing that you may use does that")
    assert "execute_command" not in str(told)


async def test_a_destructive_request_never_becomes_a_read(inside: Inside) -> None:
    inside.router.route = {"kind": "tool", "name": "check_health", "destructive": True}
    told = await ask(inside, "delete all logs")
    assert ran(inside) == []
    assert "asks to destroy" in told["answer"]
    inside.router.route = {"kind": "tool", "name": "delete_documents", "destructive": True}
    told = await ask(inside, "delete the old documents")
    assert ran(inside) == ["delete_documents"]
    assert told["risk"]["level"] in ("high", "critical")


async def test_what_is_denied_by_its_risk_is_not_run(inside: Inside) -> None:
    inside.router.route = {"kind": "tool", "name": "delete_documents", "destructive": True}
    told = await ask(inside, "drop database production, all of it, permanently, on friday night")
    assert (told["risk"]["level"], ran(inside)) == ("denied", [])
