"""Check a tool's arguments against its schema, and say what is wrong so that a model can mend it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import islice
from typing import Any

import jsonschema_rs

from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON
from aura_ia_mcp.judgement.inspection.redaction import redact_text

_MOST_CHARS = 400
_MOST_ERRORS = 5
_MOST_DIGITS = 12  # a longer number may be an account or a card
_TYPES = {
    dict: "object",
    list: "array",
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    type(None): "null",
}


class SchemaError(ValueError):
    """A tool's schema can't be used; the message says why."""


class ArgumentCheck:
    """A compiled JSON Schema 2020-12.

    References are resolved within the schema alone: nothing is fetched. Formats are checked, and patterns take linear
    time.

    Args:
        schema: of an object.
        one_of: members of which exactly one must be there.

    Raises:
        SchemaError: it isn't a schema, or isn't one of an object.
    """

    def __init__(self, schema: JSON, one_of: Sequence[str] = ()) -> None:
        if schema.get("type") != "object":
            raise SchemaError('an input schema must say "type": "object"')
        self._validator = _compile(schema)
        self._one_of = tuple(one_of)

    def check(self, tool: str, arguments: JSON) -> None:
        """Pass, or refuse.

        Raises:
            AuraError: `invalid_arguments`, naming each wrong argument (up to five), what it must be, and what came:
                of a text its length, never the text; a name that is a secret is marked.
        """
        try:
            valid = self._validator.is_valid(arguments)
            if valid and (not self._one_of or sum(name in arguments for name in self._one_of) == 1):
                return
            found = [_tell(error) for error in islice(self._validator.iter_errors(arguments), _MOST_ERRORS)]
        except (ValueError, RecursionError) as error:  # too deep, or a number beyond what JSON Schema compares
            raise AuraError(
                "invalid_arguments", f"{tool}: the arguments can't be checked: {_safe(str(error))}"
            ) from error
        raise AuraError("invalid_arguments", f"{tool}: {'; '.join(found) or self._tell_choice(arguments)}")

    def _tell_choice(self, arguments: JSON) -> str:
        given = [name for name in self._one_of if name in arguments]
        got = " and ".join(given) or "none of them"
        return f"give exactly one of {', '.join(f'arguments.{name}' for name in self._one_of)} (got {got})"


class ResultCheck:
    """A tool's output schema, compiled when it is first needed: results are checked only after they were changed.

    Args:
        schema: JSON Schema 2020-12.
    """

    def __init__(self, schema: JSON) -> None:
        self._schema = schema

    def fits(self, value: Any) -> bool:
        """Whether a result is one; nothing fits a schema that is none."""
        try:
            return self._validator.is_valid(value)
        except (SchemaError, ValueError, RecursionError):
            return False

    @cached_property
    def _validator(self) -> jsonschema_rs.Draft202012Validator:
        return _compile(self._schema)


def _compile(schema: JSON) -> jsonschema_rs.Draft202012Validator:
    try:
        return jsonschema_rs.Draft202012Validator(
            schema,
            validate_formats=True,
            offline=True,
            mask="the value",
            pattern_options=jsonschema_rs.RegexOptions(),
        )
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        raise SchemaError(str(error).partition("\n")[0]) from error


def _tell(error: jsonschema_rs.ValidationError) -> str:
    where = "arguments" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.instance_path)
    text = f"{where}: {error.message}"
    if error.kind.name in ("type", "enum", "const", "format", "pattern"):
        text = f"{text} (got {_got(error.instance)})"
    return _safe(text)


def _safe(text: str) -> str:
    """Secrets marked, before a cut could hide one; bounded."""
    text, _ = redact_text(text)
    return text if len(text) <= _MOST_CHARS else text[: _MOST_CHARS - 1] + "…"


def _got(value: Any) -> str:
    kind = _TYPES.get(type(value), type(value).__name__)
    if isinstance(value, str):
        return f"text of {len(value)} characters"
    if isinstance(value, int | float) and not isinstance(value, bool):
        shown = str(value)
        return f"{kind} {shown}" if len(shown) <= _MOST_DIGITS else f"{kind} of {len(shown)} characters"
    return kind
