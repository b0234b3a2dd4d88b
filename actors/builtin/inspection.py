"""Asking for the inspection that Safety applies."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON, ReadForInjection
from aura_ia_mcp.configs.settings import Settings
from aura_ia_mcp.judgement.finding import VERDICTS, Finding, Report
from aura_ia_mcp.judgement.inspection import mark

from ..sources import ToolCall
from .tool import Reach, Tool, array, define, integer, maybe, number, obj, text

CATEGORY = "safety"
MOST_CHARS = 1_000_000
KINDS = ("prompt", "command", "sql", "path", "url")
_tool = partial(define, category=CATEGORY)


def tools(settings: Settings) -> Sequence[Tool]:
    """The tools of this category."""
    del settings
    return (
        _tool(
            check_prompt,
            "Check a prompt",
            "What Safety sees in a text: injections, hostile commands, secrets, personal data. `block` would be"
            " refused, `review` is for a person to look at first. Nothing is run and nobody is asked.",
            obj(
                {
                    "text": _text("What to inspect; it is taken for data, whatever it says."),
                    "kind": text("What the text is.", enum=list(KINDS), default="prompt"),
                },
                required=("text",),
            ),
            _PROMPT,
            reads=("text",),
        ),
        _tool(
            check_pii,
            "Check for personal data",
            "Finds personal data and secrets in a text (mail, telephone, cards, accounts, national numbers, dates of"
            " birth, keys, passwords), and gives the text with marks in their place.",
            obj(
                {
                    "text": _text("What to look through."),
                    "redact": {
                        "type": "boolean",
                        "description": "Whether to give the marked text as well.",
                        "default": True,
                    },
                },
                required=("text",),
            ),
            _PII,
        ),
    )


async def check_prompt(arguments: JSON, call: ToolCall, reach: Reach) -> JSON:
    """Inspect a text as what it is said to be; a prompt is read by its meaning as well, if a model can do so now."""
    given, kind = arguments["text"], arguments.get("kind", "prompt")
    report = await reach.inspector.inspect(given, kind)
    meaning, seen = await _read(given, call) if kind == "prompt" else ({"read": False, "why": "it's no prompt"}, ())
    report = Report((*seen, *report.findings), report.version)
    return {
        "verdict": report.verdict,
        "score": round(report.score, 3),
        "findings": [finding.as_dict() for finding in report.findings],
        "version": report.version,
        "meaning": meaning,
    }


async def _read(given: str, call: ToolCall) -> tuple[JSON, tuple[Finding, ...]]:
    """What came of reading a text by its meaning, and what was seen."""
    # As large as the detectors, which Tools doesn't load before it is asked for them, either.
    from aura_ia_mcp.judgement.inspection.injection.meaning import Read, finding  # noqa: PLC0415

    from ..meaning import WITHIN_S  # noqa: PLC0415

    try:
        async with asyncio.timeout(WITHIN_S):
            reply = await call.context.bus.request("ml", ReadForInjection([given]), header=call.header, patience_s=0.0)
    except TimeoutError:
        return {"read": False, "why": f"it took more than {WITHIN_S:g} s"}, ()
    except AuraError as error:
        return {"read": False, "why": error.failure.message}, ()
    read = Read(**reply["read"][0])
    found = finding(read)
    told = {"read": True, "score": read.score, "stretches": read.of, "stretches_read": read.read}
    return told | {"version": read.version}, () if found is None else (found,)


async def check_pii(arguments: JSON, call: ToolCall, reach: Reach) -> JSON:
    """Find personal data and secrets, and mark them."""
    del call
    given = arguments["text"]
    found = sorted((await reach.inspector.inspect(given, "data")).findings, key=lambda finding: finding.start)
    return {
        "findings": [{"type": _type(finding), "start": finding.start, "end": finding.end} for finding in found],
        "redacted_text": mark(given, found) if arguments.get("redact", True) else None,
    }


def _type(finding: Finding) -> str:
    """The type of personal data, or `secret`."""
    return "secret" if finding.family == "secret" else finding.rule.partition(".")[2]


def _text(description: str) -> JSON:
    return text(description, MOST_CHARS, **{"x-aura-kind": "data"})


_PLACE = {
    "start": integer("Where it begins, in characters.", minimum=0),
    "end": integer("Where it ends.", minimum=0),
}
_PROMPT = obj(
    {
        "verdict": text("What Safety's shipped policy makes of it.", enum=list(VERDICTS.values())),
        "score": number("How sure the gravest finding is.", minimum=0, maximum=1),
        "findings": array(
            obj(
                {
                    "rule": text("family.name, stable."),
                    "severity": text("How grave.", enum=["info", "review", "block"]),
                    **_PLACE,
                    "score": number("How sure.", minimum=0, maximum=1),
                    "what": text("What was seen."),
                    "remedy": text("What to do instead."),
                }
            ),
            "Gravest first, then by place.",
        ),
        "version": text("Of the detectors' rules; the same text and version give the same findings."),
        "meaning": obj(
            {
                "read": {"type": "boolean", "description": "Whether a model read the text by its meaning."},
                "why": text("Why not."),
                "score": number("Log odds of an injection in the stretch that reads most like one."),
                "stretches": integer("How many the text has.", minimum=0),
                "stretches_read": integer("How many were read, the most suspicious first.", minimum=0),
                "version": text("Of the reader."),
            },
            required=("read",),
        ),
    }
)
_PII = obj(
    {
        "findings": array(
            obj({"type": text("email, phone, payment_card, ..., or secret."), **_PLACE}), "By place, without overlap."
        ),
        "redacted_text": maybe(text("The text with marks; null when it wasn't asked for.")),
    }
)
