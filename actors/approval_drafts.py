"""What is asked for, as an approval that waits: of a call that Safety holds, and of a caller's own request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aura_ia_mcp.bus.envelope import Principal, new_id
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON, HoldCall
from aura_ia_mcp.judgement.approvals import APPROVE, CONFIRM, REQUEST, Approval
from aura_ia_mcp.judgement.inspection import redact, redact_text
from aura_ia_mcp.judgement.risk import LEVELS, of_text

NAMED = "aura/named"
"""Member of request_approval's `_meta` in which Safety says what the tool is that the operation names."""

OBSERVED = "aura/observed"
"""Member of decide_approval's `_meta` from which Safety tells the Role engine whose trust moves."""

MOST_BYTES = 16_384
_MOST_FINDINGS = 20
_MOST_FINDING_CHARS = 300


def held(message: HoldCall, now: float, within_s: float) -> Approval:
    """Of a call that Safety holds.

    Raises:
        AuraError: `malformed`.
    """
    shown, binding = message.shown, message.binding
    try:
        draft = Approval(
            approval_id=new_id(),
            mode={CONFIRM: CONFIRM, APPROVE: APPROVE}[message.mode],
            principal=Principal.from_dict(shown["principal"]).as_dict(),
            tool=binding["tool"],
            operation="",
            server=str(shown.get("server", "")),
            arguments=fitting(shown["arguments"]),
            arguments_hash=binding["arguments"],
            contract=binding["contract"],
            policy=binding["policy"],
            rule=str(shown.get("rule", "")),
            reason=str(shown.get("reason", "")),
            risk=_risk(shown["risk"]),
            findings=tuple(map(_finding, shown.get("findings", ())[:_MOST_FINDINGS])),
            approvers=max(1, message.approvers) if message.mode == APPROVE else 1,
            call=message.call,
            requested_at=now,
            expires_at=now + within_s,
            changed_at=now,
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise AuraError("malformed", f"a held call can't be read: {type(error).__name__} {error}") from error
    if draft.binding != binding or not draft.tool:
        raise AuraError("malformed", "a held call binds another principal or tool than it shows")
    return draft


def requested(
    arguments: JSON,
    named: Mapping[str, Any],
    principal: Principal,
    call: str,
    arguments_hash: str,
    now: float,
    within_s: float,
) -> Approval:
    """Of a caller that asks ahead of a call, or for something in words.

    Args:
        arguments: of request_approval.
        named: of the tool that the operation names, what Safety says: {"contract", "policy", "risk"}; else empty.
        principal: who asks.
        call: id of this call.
        arguments_hash: keyed digest of the arguments that the tool is to be called with.
        now: Unix seconds.
        within_s: how long somebody may take to decide.
    """
    operation = str(arguments["operation"])
    told = named.get("risk") or of_text(operation, {}).as_dict()
    return Approval(
        approval_id=new_id(),
        mode=REQUEST,
        principal=principal.as_dict(),
        tool=operation if named else "",
        operation="" if named else redact_text(operation)[0],
        server="",
        arguments=fitting(redact(arguments.get("arguments") or {})[0]),
        arguments_hash=arguments_hash,
        contract=str(named.get("contract", "")),
        policy=str(named.get("policy", "")),
        rule="",
        reason=redact_text(str(arguments["reason"]))[0],
        risk=_graver(_risk(told), str(arguments.get("risk_level", "low"))),
        findings=(),
        approvers=1,
        call=call,
        requested_at=now,
        expires_at=now + within_s,
        changed_at=now,
    )


def fitting(arguments: Mapping[str, Any], most: int = MOST_BYTES) -> JSON:
    """Arguments of at most so many bytes of JSON: members that have no room are cut, and say so."""
    left, shown = most, {}
    for name, value in arguments.items():
        written = json.dumps(value, ensure_ascii=False)
        size = len(written.encode("utf-8", "surrogatepass")) + len(name.encode("utf-8", "surrogatepass"))
        if size > left:
            room = max(0, left // 4 - len(name))  # a character has four bytes at most
            shown[name[:64]] = f"{written[:room]}… (cut here: {size} bytes; arguments_hash is of all of it)"
            left = 0
        else:
            shown[name] = value
            left -= size
        if left == 0 and len(shown) < len(arguments):
            return shown | {"…": f"{len(arguments) - len(shown)} more members are not shown"}
    return shown


def _finding(found: Mapping[str, Any]) -> JSON:
    """Plain members only, none of them long."""
    return {
        name: value[:_MOST_FINDING_CHARS] if isinstance(value, str) else value
        for name, value in found.items()
        if isinstance(value, str | int | float)
    }


def _risk(risk: Mapping[str, Any]) -> JSON:
    factors = [{name: each[name] for name in ("name", "value", "share", "why")} for each in risk.get("factors", ())]
    return {"level": str(risk["level"]), "score": risk["score"], "factors": factors}


def _graver(risk: JSON, asked: str) -> JSON:
    """The asker's own word counts where it is the graver one."""
    if LEVELS.index(asked) <= LEVELS.index(risk["level"]):
        return risk
    own = {"name": "asker", "value": asked, "share": 0, "why": "whoever asks says so"}
    return risk | {"level": asked, "factors": [*risk["factors"], own]}
