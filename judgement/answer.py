"""An answer from results alone: what each step found, in figures and no invented prose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_MOST_FIGURES = 6
_MOST_CHARS = 80


def render(rows: Sequence[Mapping[str, Any]]) -> str:
    """One line for each step: how it ended, and its main figures or its error.

    Args:
        rows: of the steps, as `RunPlan` answers.
    """
    return "\n".join(f"{_name(row)}: {_line(row)}" for row in rows)


def _name(row: Mapping[str, Any]) -> str:
    """The step and its tool; a step that is called as its tool once."""
    step, tool = str(row["id"]), str(row["tool"])
    return step if step == tool else f"{step} ({tool})"


def _line(row: Mapping[str, Any]) -> str:
    if row["status"] == "done":
        return "; ".join(_figures(row.get("result") or {})) or "done"
    error = row.get("error") or {}
    parts = [str(error.get("message", "")), str(error.get("recovery", ""))]
    told = " ".join(f"{part.rstrip('.')}." for part in parts if part)
    return f"{row['status']}: {told}" if told else str(row["status"])


def _figures(result: Mapping[str, Any]) -> list[str]:
    """The first members of a result: values as they are, how many where there are many."""
    told = [f"{name} {_value(value)}" for name, value in result.items() if value not in (None, "", [], {})]
    if len(told) <= _MOST_FIGURES:
        return told
    return [*told[:_MOST_FIGURES], f"and {len(told) - _MOST_FIGURES} more"]


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return f"({len(value)})"
    if isinstance(value, Mapping):
        return f"({len(value)})"
    text = " ".join(str(value).split())
    return text if len(text) <= _MOST_CHARS else text[: _MOST_CHARS - 1] + "…"
