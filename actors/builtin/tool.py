"""What the modules of built-in tools share: the form of a tool, what it may reach, and how schemas are written."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aura_ia_mcp.bus.messages import JSON

from ..boot import Boot
from ..catalogue import Catalogue, Servers
from ..inspector import Inspector
from ..rules import RulesFollower
from ..safemode import SafeMode
from ..sources import ToolCall, ToolDefinition


@dataclass(frozen=True)
class Reach:
    """What a built-in tool may use besides its call.

    Args:
        boot: settings, paths and start time.
        catalogue: all tools, resources and prompts.
        inspector: looks at texts as Safety does.
        rules: policy and roles in force.
        safe_mode: the switch.
    """

    boot: Boot
    catalogue: Catalogue
    inspector: Inspector
    rules: RulesFollower
    safe_mode: SafeMode

    async def held(self, call: ToolCall) -> frozenset[str]:
        """The caller's capabilities now."""
        return (await self.rules.rules(call.header)).held(call.principal, time.time())

    async def visible(self, call: ToolCall) -> list[ToolDefinition]:
        """The tools that the caller could use through the server that it came by."""
        rules, held, caller = await self.rules.rules(call.header), await self.held(call), call.principal
        servers = Servers.of(self.boot.settings)
        return [
            tool
            for tool in (runnable.definition for runnable in self.catalogue.tools.values())
            if servers.shows(call.server, tool.name) and rules.visible(tool.facts, caller, held, call.server)
        ]


Run = Callable[[JSON, ToolCall, Reach], Awaitable[JSON]]


@dataclass(frozen=True)
class Tool:
    """A definition, and what runs it (None when another audience does)."""

    definition: ToolDefinition
    run: Run | None = None


def define(runs: Run | str, title: str, description: str, takes: JSON, gives: JSON, **facts: Any) -> Tool:
    """A tool of this source; modules fix what all theirs share with `functools.partial`.

    Args:
        runs: the function that runs it and gives it its name; the name alone when the actor of its audience runs it.
        title: for people.
        description: for models.
        takes: the input schema.
        gives: the output schema.
        facts: the other members of `ToolDefinition`.
    """
    name, run = (runs, None) if isinstance(runs, str) else (runs.__name__, runs)
    return Tool(ToolDefinition(name, title, description, takes, gives, **facts), run)


def obj(properties: JSON | None = None, *, required: tuple[str, ...] | None = None, **more: object) -> JSON:
    """The schema of an object that has these members and no others; all are required unless `required` says which."""
    properties = properties or {}
    needed = list(properties if required is None else required)
    schema: JSON = {"type": "object", "properties": properties, "additionalProperties": False}
    if needed:
        schema["required"] = needed
    return schema | more


def text(description: str, most: int | None = None, **more: object) -> JSON:
    """The schema of a text."""
    schema: JSON = {"type": "string", "description": description}
    if most is not None:
        schema["maxLength"] = most
    return schema | more


def number(description: str, **more: object) -> JSON:
    """The schema of a number."""
    return {"type": "number", "description": description} | more


def integer(description: str, **more: object) -> JSON:
    """The schema of a whole number."""
    return {"type": "integer", "description": description} | more


def array(items: JSON, description: str = "", **more: object) -> JSON:
    """The schema of a list."""
    schema: JSON = {"type": "array", "items": items}
    if description:
        schema["description"] = description
    return schema | more


def table(values: JSON, description: str = "") -> JSON:
    """The schema of a map with free names."""
    schema: JSON = {"type": "object", "additionalProperties": values}
    if description:
        schema["description"] = description
    return schema


def maybe(schema: JSON) -> JSON:
    """The schema, or null."""
    kind = schema["type"]
    return schema | {"type": [kind, "null"]}
