"""Tools that write down each time they really run, by the id of the call, into a file that no kill can undo."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Sequence

from aura_ia_mcp.actors.sources import Source, ToolCall, ToolDefinition, result
from aura_ia_mcp.bus.messages import JSON

NAME = "tests.torture.source:CountedSource"
JOURNAL = "TORTURE_JOURNAL"
READ, WRITE = "torture_read", "torture_write"
APPROVED, TWICE, CONFIRMED = HELD = ("torture_approved", "torture_approved_twice", "torture_confirmed")
POLICY = f"""
  - {{id: torture.approve, match: {{tools: [{APPROVED}]}}, effect: approve, reason: Somebody looks at this first.}}
  - {{id: torture.twice, match: {{tools: [{TWICE}]}}, effect: approve, approvers: 2, reason: Two look at this first.}}
  - {{id: torture.confirm, match: {{tools: [{CONFIRMED}]}}, effect: confirm, reason: Its user looks at this first.}}
keep_arguments: ["torture_*"]
"""
APPROVERS = {APPROVED: 1, TWICE: 2, CONFIRMED: 1}
_TAKES: JSON = {
    "type": "object",
    "properties": {
        "label": {"type": "string", "maxLength": 64},
        "ms": {"type": "integer", "maximum": 2_000},
        "text": {"type": "string", "maxLength": 20_000},
    },
    "required": ["label"],
    "additionalProperties": False,
}


class CountedSource(Source):
    """One tool that reads, one that writes, and three that somebody must agree to; all take {label, ms, text}."""

    name = "torture"

    def tools(self) -> Sequence[ToolDefinition]:
        """All of them."""
        reading = ToolDefinition(READ, "Read", "Reads a label.", _TAKES)
        writing = [
            ToolDefinition(name, name, "Writes a label down.", _TAKES, read_only=False, idempotent=False)
            for name in (WRITE, *HELD)
        ]
        return (reading, *writing)

    async def call(self, name: str, arguments: JSON, call: ToolCall) -> JSON:
        """Write down that it runs, then take its time."""
        if name != READ:
            told = {
                "call": call.context.envelope.header.cause,
                "tool": name,
                "label": arguments["label"],
                "principal": call.principal.id,
                "at": time.time(),
            }
            _append(json.dumps(told).encode() + b"\n")
        await asyncio.sleep(arguments.get("ms", 0) / 1_000)
        return result({"label": arguments["label"]})


def _append(line: bytes) -> None:
    file = os.open(os.environ[JOURNAL], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, line)
    finally:
        os.close(file)
