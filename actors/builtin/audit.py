"""The audit: what these tools promise; the Audit actor runs them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from aura_ia_mcp.bus.messages import JSON
from aura_ia_mcp.configs.settings import Settings

from ..audit_tools import MOST_DETAILS_BYTES, USUAL_ENTRIES
from ..derivation import EVENTS
from .tool import Tool, array, define, integer, maybe, number, obj, table, text

CATEGORY = "audit"
MOST_ACTION_CHARS = 200
MOST_ENTRIES = 500
_DATA = {"x-aura-kind": "data"}
_tool = partial(define, category=CATEGORY, audience="audit")


def tools(settings: Settings) -> Sequence[Tool]:
    """The tools of this category."""
    del settings
    return _TOOLS


_YES: JSON = {"type": "boolean"}
_FREE: JSON = {"type": "object", "description": "What else is known of it."}
_NOTE_TAKES = obj(
    {
        "action": text("What was done or seen, in a few words.", MOST_ACTION_CHARS, minLength=1) | _DATA,
        "details": {
            "type": "object",
            "description": f"What is worth knowing of it: any JSON, at most {MOST_DETAILS_BYTES} bytes.",
            "maxProperties": 64,
        }
        | _DATA,
    },
    required=("action",),
)
_NOTE_GIVES = obj(
    {
        "audit_id": text("The note's own record, as in records-0:17."),
        "receipt": text("The record's id and hash; `aura audit verify --receipt` checks it."),
        "at": number("When it was written, in Unix seconds."),
        "redacted": table(integer("How many."), "Secrets that were marked in it, by kind."),
    }
)
_ENTRIES_TAKE = obj(
    {
        "limit": integer("How many entries.", minimum=1, maximum=MOST_ENTRIES, default=USUAL_ENTRIES),
        "filter": obj(
            {
                "event": text("Only this event.", enum=list(EVENTS)),
                "principal": text("Only of this principal: its id, or tenant/id.", 200),
                "tool": text("Only of this tool.", 128),
                "outcome": text("Only with this outcome, as in refused, approve or deny.", 64),
                "since": text("From this time on: ISO 8601 (UTC unless it says), or an age as in 30m, 1h, 2d.", 40),
            },
            required=(),
            description="All that is named must hold.",
        ),
    },
    required=(),
)
_ENTRIES_GIVE = obj(
    {
        "entries": array(
            obj(
                {
                    "time": text("ISO 8601 in UTC."),
                    "event": text("What happened."),
                    "audit_id": text("The record that tells all of it."),
                    "principal": maybe(text("Who, as tenant/id; null where nobody is known.")),
                    "tool": maybe(text("Which tool, if one was called.")),
                    "outcome": maybe(text("What came of it, if that can be said in a word.")),
                    "details": _FREE,
                }
            ),
            "Newest first.",
        ),
        "cut": text("Why there may be more entries, or nothing."),
    }
)
_CHAIN = obj(
    {
        "writer": text("Whose chain."),
        "records": integer("Number of the newest record that holds."),
        "checked": integer("How many were checked."),
        "sealed": integer("Number of the newest record that a signed epoch seals."),
        "pruned": integer("Number of the newest record that retention removed; 0 for none."),
        "intact": _YES | {"description": "Whether all hold."},
        "head": text("Hash of the newest record that holds."),
        "broken": maybe(text("Where the first is that doesn't, as writer/file:line.")),
        "why": text("What is wrong there."),
    }
)
_VERIFY_TAKES = obj(
    {
        "since": text(
            "Check from the epoch on that was sealed then: ISO 8601 (UTC unless it says), or an age as in 30m, 1h.",
            40,
        )
    },
    required=(),
)
_VERIFY_GIVES = obj(
    {
        "intact": _YES | {"description": "Whether everything that was checked holds."},
        "signed": _YES | {"description": "Whether there are signed epochs; without any, only chains were checked."},
        "broken": maybe(text("The first record or epoch that doesn't hold, where it is, and why; null for none.")),
        "faults": array(
            obj({"what": text("Record or epoch."), "place": text("File and line."), "why": text("What is wrong.")}),
            "The first of each chain.",
        ),
        "chains": array(_CHAIN, "One for each writer."),
        "epochs": integer("Number of the newest signed entry that holds."),
        "head": text("Hash of its line."),
        "key": text("Fingerprint of the public key that they were checked with; empty if there is none."),
        "begins": integer("Number of the signed entry at which the check of records began."),
        "checked": integer("Records checked."),
        "unsealed": integer("How many of the newest records no epoch seals yet."),
        "notes": array(text("A note."), "What is odd, and no fault."),
    }
)
_TOOLS = (
    _tool(
        "audit_log",
        "Write an audit note",
        "Writes a note of your own into the audit record: what you did or saw. It is in the chain of records when the"
        " answer comes, under your name, and nobody can change it unseen. Secrets in it are marked. It runs in safe"
        " mode, too.",
        _NOTE_TAKES,
        _NOTE_GIVES,
        read_only=False,
        idempotent=False,
        calms=True,
    ),
    _tool(
        "get_security_audit",
        "Security audit",
        "The newest security events, the newest first: refused and held calls, approvals, failed authentications,"
        " refused peers, work on tokens, changed rules, notes, restarts, faults of the record. `cut` says when there is"
        " more.",
        _ENTRIES_TAKE,
        _ENTRIES_GIVE,
        capability="read_logs",
        concurrency=2,
    ),
    _tool(
        "verify_audit",
        "Verify the audit",
        "Checks that no audit record was changed, taken out, put in or cut off since it was written: every chain of"
        " records, and the signed epochs over them. Names the first that doesn't hold. This is the system's own word;"
        " `aura audit verify` on a copy of the files with a key kept elsewhere proves more.",
        _VERIFY_TAKES,
        _VERIFY_GIVES,
        capability="read_logs",
        concurrency=1,
        timeout_s=60.0,
    ),
)
