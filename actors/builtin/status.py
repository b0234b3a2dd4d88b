"""Health and status."""

from __future__ import annotations

from collections.abc import Sequence

from aura_ia_mcp.bus.messages import JSON
from aura_ia_mcp.configs.settings import Settings

from ..sources import ToolCall, ToolDefinition
from .tool import Reach, Tool, obj, text

CATEGORY = "status"
MOST_ECHO_CHARS = 100_000


def tools(settings: Settings) -> Sequence[Tool]:
    """The tools of this category."""
    del settings
    return (
        Tool(
            ToolDefinition(
                name="echo",
                title="Echo",
                description="Returns the given text. The cheapest governed call: try a connection, or measure one.",
                input_schema=obj({"text": text("What to return.", MOST_ECHO_CHARS)}),
                output_schema=obj({"text": text("The same text.")}),
                category=CATEGORY,
            ),
            echo,
        ),
    )


async def echo(arguments: JSON, call: ToolCall, reach: Reach) -> JSON:
    """Return the text."""
    del call, reach
    return {"text": arguments["text"]}
