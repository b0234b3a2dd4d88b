"""Explanations of recorded decisions: what the tool promises; the Audit actor runs it."""

from __future__ import annotations

from collections.abc import Sequence

from aura_ia_mcp.bus.messages import JSON
from aura_ia_mcp.configs.settings import Settings

from .tool import Tool, array, define, integer, maybe, number, obj, table, text

MOST_ID_CHARS = 96


def tools(settings: Settings) -> Sequence[Tool]:
    """The tools of this category."""
    del settings
    return (_EXPLAIN_DECISION,)


_ASKED = {
    "principal": text("Who, as tenant/id."),
    "kind": text("agent, human or service."),
    "roles": array(text("A role.")),
    "what": text("tools/call, resources/read, prompts/get or completion/complete; or approval."),
    "name": text("The tool, or what else was asked for."),
    "server": text("The virtual server."),
    "depth": integer("How many calls deep it was caused; 0 from outside."),
    "client": {"type": "object", "description": "What the client says of itself."},
}
_STEP = {
    "layer": text("L0 to L6."),
    "part": text("rate, roles, inspection, risk, policy, approval, an actor's address, or answer."),
    "verdict": text("What it said, in a word or two."),
    "why": text("Why, in plain words."),
    "rule": text("The rule that decided there; may be empty."),
    "version": text("Of the rules that it went by; may be empty."),
    "ms": maybe(number("Milliseconds that it took, with all below it; null where that wasn't measured.")),
}
_RULE = {
    "rule": text("Id of a rule that matched."),
    "decided": {"type": "boolean", "description": "Whether it is the one that decided."},
    "says": text("Its effect and obligations."),
    "why": text("What it is about."),
}
_RELATED = {
    "audit_id": text("Another record."),
    "kind": text("Its kind."),
    "relation": text("What it is to this one."),
}
_FREE: JSON = {"type": "object"}
_EXPLAIN_DECISION = define(
    "explain_decision",
    "Explain a decision",
    "Why a call was allowed, held or refused, from its audit record, layer by layer: the rate, the roles, what"
    " inspection saw, the risk, the policy's rules, consent, what ran and how long, what was marked in the answer."
    " `remedy` says what would let a refused call run. Records of approvals are explained, too. Arguments show as"
    " hashes only.",
    obj({"audit_id": text("As in `aura/audit_id` of a result or refusal: safety-0:17.", MOST_ID_CHARS, minLength=3)}),
    obj(
        {
            "audit_id": text("The record."),
            "kind": text("call, opened_call, or approval_…"),
            "at": number("When it was written, in Unix seconds."),
            "summary": text("It in a sentence."),
            "verdict": text("allow, confirm, approve or deny; empty where it came to none."),
            "rule": text("That decided."),
            "outcome": text("What came of it."),
            "asked": obj(_ASKED),
            "steps": array(obj(_STEP), "Each layer's part, in order."),
            "risk": maybe({"type": "object", "description": "Level, score and its factors; null where not known."}),
            "rules": array(obj(_RULE), "All rules that matched."),
            "findings": array(_FREE, "What inspection saw in the arguments: place, rule and words, never the text."),
            "approval": maybe({"type": "object", "description": "Whose consent it waited for, or ran on."}),
            "remedy": text("What would let it run; empty where it ran."),
            "inputs": obj(
                {
                    "arguments": text("Keyed hash of the arguments: equal ones are equal arguments."),
                    "all": text("SHA-256 of everything that the verdict rests on."),
                }
            ),
            "versions": table({"type": ["string", "integer"]}, "Of policy, roles, catalogue, contract, safe mode."),
            "related": array(obj(_RELATED), "Records that belong to it."),
            "cut": text("Why there may be more of those, or nothing."),
        }
    ),
    category="audit",
    audience="audit",
    capability="read_logs",
    concurrency=2,
)
