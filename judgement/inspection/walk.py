"""Which strings a call's arguments hold, and what each of them is: a command, a path, a URL, a prompt, data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .scan import pattern

KINDS = ("prompt", "command", "sql", "path", "url", "text", "data")
KEYWORD = "x-aura-kind"
_BY_NAME = {
    name: kind
    for kind, names in {
        "command": "command cmd script shell commands cmdline command_line shell_command",
        "sql": "sql sql_query",
        "path": "path paths file files filename file_path filepath dir directory folder cwd root working_directory",
        "url": "url urls uri uris endpoint href webhook link base_url webhook_url callback_url",
    }.items()
    for name in names.split()
}
_URL = pattern(r"\s*[A-Za-z][A-Za-z0-9+.-]{1,30}://[^\s]+\s*\z")
_MOST_DEPTH = 64  # of JSON that came through the gateway
_COMBINED = ("anyOf", "oneOf", "allOf")

Found = tuple[str, str, str]  # JSON pointer, text, kind


@dataclass(slots=True)
class Plan:
    """What a schema says about the strings below one place.

    Args:
        kind: of a string here; empty when the schema doesn't say.
        members: of an object, by name.
        others: of an object's other members.
        items: of a list.
    """

    kind: str = ""
    members: dict[str, Plan] = field(default_factory=dict)
    others: Plan | None = None
    items: Plan | None = None


_NOTHING = Plan()


def plan(schema: Any) -> Plan:
    """Read once what a tool's input schema says; `walk` takes it for each call.

    The keyword `x-aura-kind` holds for the strings at and below its place; `$ref` is followed within the schema.

    Raises:
        ValueError: the keyword names no kind.
    """
    return _plan(schema, schema, "", 0)


def _plan(schema: Any, whole: Any, kind: str, depth: int) -> Plan:
    if not isinstance(schema, dict) or depth > _MOST_DEPTH:
        return Plan(kind)
    kind = schema.get(KEYWORD, kind)
    if kind and kind not in KINDS:
        raise ValueError(f"{KEYWORD} is {kind!r}; it must be one of {', '.join(KINDS)}")
    made = Plan(kind)
    for part in _parts(schema, whole):
        below = _plan(part, whole, kind, depth + 8)  # refs may turn in a circle
        made = Plan(
            below.kind or made.kind,
            made.members | below.members,
            below.others or made.others,
            below.items or made.items,
        )
    properties = schema.get("properties")
    if isinstance(properties, dict):
        made.members |= {name: _plan(member, whole, kind, depth + 1) for name, member in properties.items()}
    for keyword in ("additionalProperties", "unevaluatedProperties"):
        if isinstance(schema.get(keyword), dict):
            made.others = _plan(schema[keyword], whole, kind, depth + 1)
    if isinstance(schema.get("items"), dict):
        made.items = _plan(schema["items"], whole, kind, depth + 1)
    if kind and made.others is None:
        made.others = Plan(kind)
    return made


def _parts(schema: dict[str, Any], whole: Any) -> Iterator[Any]:
    for keyword in _COMBINED:
        if isinstance(parts := schema.get(keyword), list):
            yield from parts
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/"):
        at = whole
        for step in reference[2:].split("/"):
            at = at.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(at, dict) else None
        yield at


def walk(arguments: Any, schema: Plan | None = None) -> Iterator[Found]:
    """Every string of a call's arguments with its place and kind, names of members that the caller chose among them.

    What the schema's keyword says goes first, then what the member's name says (`command`, `path`, `url`, ...); else a
    string that is a URL as a whole is looked at as url and as prompt, and any other one as prompt.

    Args:
        arguments: JSON; deeper than 64 is the caller's to refuse.
        schema: from `plan`; None when there is none.
    """
    return _walk(arguments, schema or _NOTHING, "", "")


def _walk(value: Any, here: Plan, pointer: str, kind: str) -> Iterator[Found]:
    if isinstance(value, str):
        if kind:
            yield pointer, value, kind
        else:
            yield pointer, value, "prompt"
            if _is_url(value):
                yield pointer, value, "url"
    elif isinstance(value, dict):
        for name, member in value.items():
            below = here.members.get(name)
            place = f"{pointer}/{_escaped(name)}"
            if below is None:
                yield place, name, "data" if here.kind == "data" else "prompt"
                below = here.others or _NOTHING
            yield from _walk(
                member, below, place, below.kind or _BY_NAME.get(name.lower(), "" if below.members else kind)
            )
    elif isinstance(value, list | tuple):
        below = here.items or _NOTHING
        for number, item in enumerate(value):
            if not isinstance(item, int | float | None):
                yield from _walk(item, below, f"{pointer}/{number}", below.kind or kind)


def _is_url(text: str) -> bool:
    return "://" in text[:40] and _URL.match(text.encode("latin-1", "replace")) is not None


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1") if "~" in name or "/" in name else name
