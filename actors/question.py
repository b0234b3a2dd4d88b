"""The question whether a call may run, as those read it who decide, and what the client's own user answers."""

from __future__ import annotations

import json
from typing import Any

from aura_ia_mcp.bus.messages import JSON
from aura_ia_mcp.judgement.inspection import redact
from aura_ia_mcp.judgement.policy import Verdict

from .case import Case
from .decision import Governed, given

_MOST_ARGUMENTS = 1_000
_MOST_REASON = 300
_MOST_FACTORS = 3
_PROBLEMS = {
    "decline": "your user declined",
    "cancel": "your user dismissed the question",
}


def question(shown: JSON, approval_id: str) -> JSON:
    """The elicitation: a form without fields; to accept it is to agree.

    It has no `title` at its top, for which Codex would cancel it (tried with 0.169).

    Args:
        shown: as in `HoldCall`.
        approval_id: names what an operator could decide as well.
    """
    schema: JSON = {"type": "object", "properties": {}}
    return {
        "method": "elicitation/create",
        "params": {"message": _message(shown, approval_id), "requestedSchema": schema},
    }


def can_be_asked(client: JSON) -> bool:
    """Whether a client with these capabilities shows forms to its user (an empty declaration says so, too)."""
    declared = client.get("elicitation")
    return isinstance(declared, dict) and (not declared or "form" in declared)


def shown_of(case: Case, message: Governed, verdict: Verdict) -> JSON:
    """What a decider sees of a call: what would run, why it is held, and its risk; no secret."""
    risk = case.risk
    assert risk is not None
    return {
        "principal": case.principal.as_dict(),
        "server": case.server,
        "tool": case.name,
        "arguments": redact(given(message))[0],
        "rule": verdict.rule,
        "reason": verdict.reason,
        "risk": {
            "level": risk.level,
            "score": risk.score,
            "factors": [factor.as_dict() for factor in risk.factors],
        },
        "findings": [{"at": at} | finding.as_dict() for at, finding in case.findings],
    }


def agreed(answer: JSON | None) -> bool:
    """Whether an answer is a yes."""
    return isinstance(answer, dict) and answer.get("action") == "accept"


def problem(answer: JSON) -> str:
    """What keeps an answer from being a yes; "" for one."""
    if agreed(answer):
        return ""
    action = answer.get("action") if isinstance(answer, dict) else None
    return _PROBLEMS.get(str(action), "your client gave no answer")


def _message(shown: JSON, approval_id: str) -> str:
    risk = shown["risk"]
    why = "; ".join(_plain(str(factor["why"])) for factor in risk["factors"][:_MOST_FACTORS])
    lines = [
        f"May {_plain(shown['tool'])} run?",
        f"Arguments: {_cut(_plain(json.dumps(shown['arguments'], ensure_ascii=False)), _MOST_ARGUMENTS)}",
        f"Why you are asked: {_cut(_plain(shown['reason']), _MOST_REASON)}",
        f"Risk: {risk['level']} ({risk['score']:g} of 100){': ' + why if why else ''}",
        *(f"Inspection saw: {_plain(str(found.get('what', '')))}" for found in shown["findings"][:_MOST_FACTORS]),
        f"Accept runs it once. Otherwise it waits as {approval_id} for an operator.",
    ]
    return "\n".join(lines)


def _plain(text: Any) -> str:
    """Without what could break a line or turn its direction round: such characters are written as escapes."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in str(text))


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}… ({len(text)} characters)"
