"""The safe mode switch: what its tool promises; State holds it, Safety obeys it."""

from __future__ import annotations

from collections.abc import Sequence

from aura_ia_mcp.configs.settings import Settings

from .tool import Tool, define, number, obj, text

CATEGORY = "safety"
MOST_REASON_CHARS = 500


def tools(settings: Settings) -> Sequence[Tool]:
    """The tools of this category."""
    del settings
    return (
        define(
            "set_safe_mode",
            "Set safe mode",
            "Switches safe mode on or off for everybody. While it is on, nothing that writes runs, but for this"
            " tool, audit entries, and what cancels or interrupts. It survives restarts. For operators.",
            obj(
                {
                    "enabled": {"type": "boolean", "description": "True stops everything that writes."},
                    "reason": text("Why, for the record.", MOST_REASON_CHARS, minLength=1) | {"x-aura-kind": "data"},
                }
            ),
            obj(
                {
                    "safe_mode": {"type": "boolean", "description": "The switch as it stands now."},
                    "reason": text("Why."),
                    "by": text("Who switched it, tenant/id."),
                    "at": number("When, in Unix seconds."),
                }
            ),
            capability="operate",
            audience="state",
            category=CATEGORY,
            risk="medium",
            read_only=False,
            idempotent=True,
            calms=True,
        ),
    )
