"""Writes the shipped `aura.toml`: every key as a comment, with its default and its meaning.

`aura config --template` prints it. A test compares it with the file in this folder, so the two can't drift apart.
"""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from .settings import Section, Settings

HEADER = """\
# Settings of Aura IA MCP, all at their defaults. Take the `#` off a line to change it.
# `aura config` prints what is in force and where each value came from.
# This file is read from ./configs/aura.toml, or from where AURA_CONFIG or `aura --config FILE` points.
# In the environment a key is AURA_SECTION__KEY: AURA_GATEWAY__MAX_SESSIONS=50.
"""
_WIDTH = 118


def template() -> str:
    """The text of the shipped `aura.toml`, which parses to no settings at all."""
    return HEADER + "".join(_section(name, section) for name, section in Settings())


def _section(name: str, section: Section) -> str:
    lines = ["", *_prose(type(section).__doc__ or ""), f"[{name}]"]
    for key, field in type(section).model_fields.items():
        lines += [*_prose(_meaning(field)), *_members(getattr(section, key))]
        lines += _assignment(key, getattr(section, key))
    return "\n".join(lines) + "\n"


def _meaning(field: FieldInfo) -> str:
    text = str(field.description).rstrip(".")
    if limits := [f"{word} {json.dumps(value)}" for word, value in _limits(field)]:
        text += f" ({', '.join(limits)})"
    return text + "."


def _members(value: Any) -> list[str]:
    """What the members of a table inside a list mean."""
    if not (isinstance(value, tuple) and value and isinstance(value[0], BaseModel)):
        return []
    fields = type(value[0]).model_fields.items()
    return [line for name, field in fields for line in _prose(f"- {name}: {_meaning(field)}")]


def _limits(field: FieldInfo) -> list[tuple[str, Any]]:
    words = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
    return [
        (word, getattr(bound, name))
        for bound in field.metadata
        for name, word in words.items()
        if getattr(bound, name, None) is not None
    ]


def _prose(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent="# ", subsequent_indent="# ")


def _assignment(key: str, value: Any) -> list[str]:
    if value is None:
        return [f"# {key}: not set by default"]
    if isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
        return [f"#{key} = [", *(f"#  {toml(member)}," for member in value), "#]"]
    return [f"#{key} = {toml(value)}"]


def toml(value: Any) -> str:
    """`value` as TOML writes it on one line."""
    if isinstance(value, BaseModel):
        return "{" + ", ".join(f"{name} = {toml(member)}" for name, member in value) + "}"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)} = {toml(member)}" for name, member in value.items()) + "}"
    if isinstance(value, tuple | list):
        return "[" + ", ".join(toml(member) for member in value) + "]"
    text = json.dumps(str(value) if isinstance(value, Path) else value, ensure_ascii=False)
    return text.replace("\x7f", "\\u007f")  # the one control character that JSON leaves bare
