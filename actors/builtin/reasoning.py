"""Reasoning: what these tools promise; the Reasoning actor runs them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from aura_ia_mcp.bus.messages import JSON
from aura_ia_mcp.configs.settings import Settings
from aura_ia_mcp.judgement.risk import LEVELS

from .tool import Tool, array, define, integer, maybe, number, obj, text

CATEGORY = "reasoning"
MOST_REQUEST_CHARS = 4_000
MOST_OPERATION_CHARS = 10_000
ROUTES = ("tool", "workflow", "model", "none")
STATUSES = ("done", "partial", "failed", "planned", "not_run")
STEP_STATUSES = ("done", "failed", "refused", "skipped")
_tool = partial(define, category=CATEGORY, audience="reasoning")


def tools(settings: Settings) -> Sequence[Tool]:
    """The tools of this category."""
    del settings
    return _TOOLS


_NOTES = array(text("A note."), "What else you should know.")
_FREE: JSON = {"type": "object", "description": "Arguments."}
_STEP = obj(
    {
        "id": text("Its name within the plan."),
        "tool": text("The tool called."),
        "status": text("What became of it.", enum=list(STEP_STATUSES)),
        "ms": number("Milliseconds."),
        "result": {"type": "object", "description": "The tool's own result; its beginning when it is over 16 KB."},
        "error": {"type": "object", "description": "Why not: code, message, recovery."},
        "audit_id": text("The record of that call."),
    },
    required=("id", "tool", "status", "ms"),
)
_PLAN = obj(
    {
        "steps": array(
            obj(
                {
                    "id": text("Its name within the plan."),
                    "tool": text("The tool to call."),
                    "arguments": _FREE,
                    "needs": array(text("A step."), "Steps that must have succeeded first."),
                    "optional": {"type": "boolean", "description": "Whether the plan is whole without it."},
                }
            )
        ),
        "left_out": array(
            obj({"id": text("A step."), "tool": text("Its tool."), "why": text("Why it isn't run.")}),
            "Steps of the template that you can't run.",
        ),
        "order": array(array(text("A step.")), "Waves; the steps of one run side by side."),
    }
)
_CHOICE = {
    "kind": text("What it is.", enum=list(ROUTES)),
    "name": text("Of the tool, plan or model; empty for none."),
    "confidence": number("How sure.", minimum=0, maximum=1),
}
_ASK_TAKES = obj(
    {
        "request": text("What you want, in plain words.", MOST_REQUEST_CHARS, minLength=1) | {"x-aura-kind": "prompt"},
        "context": text("What the request is about: a text, an error message.", MOST_REQUEST_CHARS)
        | {"x-aura-kind": "text"},
        "plan_only": {"type": "boolean", "description": "Stop before anything runs.", "default": False},
    },
    required=("request",),
)
_ASK_GIVES = obj(
    {
        "route": obj(
            _CHOICE
            | {
                "arguments": _FREE,
                "why": array(text("A reason.")),
                "alternatives": array(obj(_CHOICE), "What else it might have been."),
            }
        ),
        "risk": obj({"level": text("Of the gravest step.", enum=list(LEVELS)), "score": integer("0 to 100.")}),
        "plan": _PLAN,
        "status": text("What became of the plan; planned when nothing was to run.", enum=list(STATUSES)),
        "steps": array(_STEP, "What ran."),
        "answer": text("The answer, from the results."),
        "asks": text("What it wants to know from you first, or empty."),
        "composed": {"type": "boolean", "description": "Whether a language model put the answer into words."},
        "notes": _NOTES,
    }
)
_RISK_TAKES = obj(
    {
        "operation": text("What is to be done.", MOST_OPERATION_CHARS, minLength=1) | {"x-aura-kind": "data"},
        "context": {
            "type": "object",
            "description": "What else is known. Used: environment, target, role, trust, reversible, scope, refusals,"
            " load, safe_mode, off_hours; members that it doesn't know are named in `notes`.",
            "maxProperties": 32,
        },
    },
    required=("operation",),
)
_RISK_GIVES = obj(
    {
        "level": text("How risky.", enum=list(LEVELS)),
        "score": integer("The sum of the shares.", minimum=0, maximum=100),
        "factors": array(
            obj(
                {
                    "name": text("Which factor."),
                    "value": text("What it is here."),
                    "share": integer("What it adds to the score.", minimum=0, maximum=100),
                    "why": text("What that means."),
                }
            ),
            "Greatest first.",
        ),
        "requires_approval": {"type": "boolean", "description": "Whether somebody else has to agree: it is critical."},
        "denied": {"type": "boolean", "description": "Whether it must not be done at all."},
        "notes": _NOTES,
    }
)
_DIAGNOSE_TAKES = obj(
    {"symptom": text("What you saw, in plain words.", MOST_REQUEST_CHARS) | {"x-aura-kind": "data"}}, required=()
)
_DIAGNOSE_GIVES = obj(
    {
        "checks": array(_STEP, "What was looked at."),
        "left_out": _PLAN["properties"]["left_out"],
        "findings": array(
            obj(
                {
                    "id": text("Which finding."),
                    "what": text("What was seen."),
                    "where": array(text("A member of the check's result.")),
                    "step": text("The check that saw it."),
                    "cause": text("What is behind it."),
                    "remedy": text("What to do."),
                    "weight": integer("0 a check that was not run, 1 worth knowing, to 3 something doesn't work."),
                }
            ),
            "Likeliest cause first.",
        ),
        "likely_cause": maybe(text("Of the first finding; null when nothing is amiss.")),
        "remedy": maybe(text("What to do about it.")),
        "healthy": {"type": "boolean", "description": "Whether every check ran and nothing was found."},
        "notes": _NOTES,
    }
)
_TOOLS = (
    _tool(
        "ask",
        "Ask",
        "Turns a request in plain words into a tool call or a plan of several, runs it, and answers from the"
        " results. Each step is decided like a call of your own. It says so when it doesn't know, and asks back"
        " when it isn't sure; a request to destroy something never becomes one that only reads.",
        _ASK_TAKES,
        _ASK_GIVES,
        capability="infer",
        risk="medium",
        read_only=False,
        idempotent=False,
        reenters=True,
        embeds=("request",),
        timeout_s=120.0,
    ),
    _tool(
        "evaluate_risk",
        "Evaluate risk",
        "How risky an operation would be, told in words, as a command or as SQL: a score from 0 to 100 with each"
        " factor's share, its level, and whether somebody has to approve it. Nothing is run.",
        _RISK_TAKES,
        _RISK_GIVES,
    ),
    _tool(
        "diagnose_issue",
        "Diagnose an issue",
        "Runs checks of the system (health, status, models, activity, recent errors), each decided like a"
        " call of your own, and says what they mean: findings, the likely cause and the remedy, or that nothing is"
        " wrong.",
        _DIAGNOSE_TAKES,
        _DIAGNOSE_GIVES,
        capability="read_logs",
        reenters=True,
        timeout_s=60.0,
    ),
)
