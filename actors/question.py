"""The question whether a call may run, as the client's own user reads it."""

from __future__ import annotations

import json
from typing import Any

from aura_ia_mcp.bus.messages import JSON

_MOST_ARGUMENTS = 1_000
_MOST_REASON = 300
_MOST_FACTORS = 3


def question(shown: JSON, approval_id: str) -> JSON:
    """A form without fields: to accept it is to agree.

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
