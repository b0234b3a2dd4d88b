"""The logs of the system's own processes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import re2

from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON
from aura_ia_mcp.configs.settings import Settings
from aura_ia_mcp.stores import logs
from aura_ia_mcp.stores.logs import LEVELS, Entry, Found

from ..moment import moment
from ..sources import ToolCall
from .tool import Reach, Tool, array, define, integer, maybe, obj, text

CATEGORY = "logs"
MOST_LINES = 1000
USUAL_LINES = 100
MOST_MATCHES = 200
_MOST_QUERY_CHARS = 500
_MOST_REPLY_CHARS = 500_000
_PATTERN_BYTES = 1_048_576
_tool = partial(define, category=CATEGORY, capability="read_logs", concurrency=4)


def tools(settings: Settings) -> Sequence[Tool]:
    """The tools of this category."""
    del settings
    return (
        _tool(
            get_recent_logs,
            "Recent logs",
            "The newest entries that the system's own processes logged, oldest first: all services merged by time, or"
            " one service. `cut` says when there is more.",
            obj(
                {
                    "lines": integer("How many entries.", minimum=1, maximum=MOST_LINES, default=USUAL_LINES),
                    "service": text("Only this one, as in `gateway`, `graph` or `safety-0`.", 64),
                },
                required=(),
            ),
            _FOUND,
        ),
        _tool(
            search_logs,
            "Search logs",
            f"The newest {MOST_MATCHES} entries, oldest first, of the system's own processes that contain a text,"
            " whatever its case; with regex, that match an RE2 expression. `cut` says when there may be more.",
            obj(
                {
                    "query": text("What to look for.", _MOST_QUERY_CHARS, minLength=1) | {"x-aura-kind": "data"},
                    "level": text("This level and graver ones.", enum=list(LEVELS)),
                    "since": text("From this time on: ISO 8601 (UTC unless it says), or an age as in 30m, 1h, 2d.", 40),
                    "regex": {"type": "boolean", "description": "The query is an RE2 expression.", "default": False},
                },
                required=("query",),
            ),
            _FOUND,
        ),
    )


async def get_recent_logs(arguments: JSON, call: ToolCall, reach: Reach) -> JSON:
    """The newest entries."""
    del call
    folder = reach.boot.paths.logs
    names = await asyncio.to_thread(logs.services, folder)
    wanted = arguments.get("service")
    if wanted is not None and wanted not in names:
        raise AuraError("invalid_arguments", f"arguments.service: no such log; there are {', '.join(names) or 'none'}")
    chosen = names if wanted is None else [wanted]
    found = await asyncio.to_thread(logs.find, folder, chosen, most=int(arguments.get("lines", USUAL_LINES)))
    return _reply(found, names, folder)


async def search_logs(arguments: JSON, call: ToolCall, reach: Reach) -> JSON:
    """The newest entries that match."""
    del call
    folder = reach.boot.paths.logs
    says = _pattern(arguments["query"]) if arguments.get("regex") else _literal(arguments["query"])
    grave = LEVELS[LEVELS.index(arguments.get("level", LEVELS[0])) :]
    since = None if "since" not in arguments else moment(arguments["since"], time.time())

    def keep(entry: Entry) -> bool:
        return (entry.level in grave or ("level" not in arguments and entry.level is None)) and says(entry.message)

    names = await asyncio.to_thread(logs.services, folder)
    found = await asyncio.to_thread(partial(logs.find, folder, names, most=MOST_MATCHES, keep=keep, since=since))
    return _reply(found, names, folder)


def _literal(query: str) -> Callable[[str], bool]:
    wanted = query.casefold()
    return lambda message: wanted in message.casefold()


def _pattern(query: str) -> Callable[[str], bool]:
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = _PATTERN_BYTES
    try:
        compiled = re2.compile(query, options)
    except re2.error as error:
        raise AuraError("invalid_arguments", f"arguments.query: not an RE2 expression: {_plain(error)}") from None
    return lambda message: compiled.search(message) is not None


def _plain(error: Exception) -> str:
    said = error.args[0] if error.args else "it can't be read"
    return (said.decode(errors="replace") if isinstance(said, bytes) else str(said))[:100]


def _reply(found: Found, names: Sequence[str], folder: Path) -> JSON:
    entries: list[JSON] = []
    left, cut = _MOST_REPLY_CHARS, found.cut
    for entry in reversed(found.entries):
        left -= len(entry.message)
        if left < 0:
            cut = f"only the newest {len(entries)} entries fit into one answer"
            break
        entries.append({"time": entry.time, "service": entry.service, "level": entry.level, "message": entry.message})
    reply: JSON = {"entries": entries[::-1], "services": list(names), "cut": cut}
    if not names:
        reply["absent"] = f"there are no logs in {folder}: the system's processes keep them where it was started"
    return reply


_FOUND = obj(
    {
        "entries": array(
            obj(
                {
                    "time": maybe(text("ISO 8601 in UTC; null for lines that no entry begins.")),
                    "service": text("Which process, as in safety-0."),
                    "level": maybe(text("How grave; null likewise.")),
                    "message": text("Logger and text, a trace included; long ones are cut."),
                }
            ),
            "Oldest first.",
        ),
        "services": array(text("A service."), "All that have a log."),
        "cut": text("Why there may be more entries, or nothing."),
        "absent": text("Why there are no logs at all."),
    },
    required=("entries", "services", "cut"),
)
