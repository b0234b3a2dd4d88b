"""Read a policy file so that every complaint can say at which line and column."""

from __future__ import annotations

import difflib
import json
import typing
from typing import Any

from pydantic import BaseModel, ValidationError

from ..marked_yaml import Marked, MarkedYamlError, Path, placed
from ..marked_yaml import read as read_yaml
from .document import Document

MOST_BYTES = 262_144


class PolicyError(ValueError):
    """The policy can't be used.

    Args:
        message: what is wrong, and what would be right.
        line: where, from 1; 0 when it is the file as a whole.
        column: from 1.
        origin: the file's name.
    """

    def __init__(self, message: str, line: int = 0, column: int = 0, origin: str = "policy.yaml") -> None:
        super().__init__(placed(message, (line, column), origin))
        self.message = message
        self.line = line
        self.column = column
        self.origin = origin


class Marks:
    """Where each member of a document stands.

    Args:
        origin: the file's name.
        marked: what was read.
    """

    def __init__(self, origin: str, marked: Marked) -> None:
        self._origin = origin
        self._marked = marked

    def error(self, path: Path, message: str) -> PolicyError:
        """The complaint about a member, at its place or at that of what it is in."""
        return PolicyError(message, *self._marked.place(path), self._origin)


def read(text: str, origin: str) -> tuple[Document, Marks]:
    """The document, checked against its form, and where its members stand.

    Raises:
        PolicyError: too large, not YAML, or of another form.
    """
    try:
        marked = read_yaml(text, most_bytes=MOST_BYTES)
    except MarkedYamlError as error:
        raise PolicyError(error.reason, *error.place, origin) from None
    if marked.value is None:
        raise PolicyError("the file is empty; `version: 1` and `rules:` are needed", origin=origin)
    marks = Marks(origin, marked)
    try:
        return Document.model_validate_json(json.dumps(marked.value), strict=True), marks
    except ValidationError as error:
        # a key that isn't known is the likelier slip than the one that then is missing
        first = min(error.errors(), key=lambda detail: detail["type"] != "extra_forbidden")
        raise marks.error(first["loc"], _explain(first)) from None


_FORMS = {
    "version": "must be 1",
    "id": "must be small letters, digits, '_', '.' and '-', beginning with a letter",
    "approvers": "must be a whole number from 1 to 5",
    "rate": "must be the name of a class under rates",
    "from": 'must be a time of day in quotes, such as "18:00"',
    "to": 'must be a time of day in quotes, such as "18:00" or "24:00"',
    "redact": "must be pii (all personal data) or one kind of it, such as pii.email",
}
_WORDS = {
    "too_short": "must not be empty; leave it out to match everything",
    "missing": "is missing",
    "bool_type": "must be true or false",
    "string_type": "must be a text; put it in quotes",
    "tuple_type": "must be a list, such as [a, b]",
    "model_type": "must be a group of keys",
    "model_attributes_type": "must be a group of keys",
    "dict_type": "must be a group of keys",
}


def _explain(detail: Any) -> str:
    """One of pydantic's findings as a sentence."""
    path: Path = detail["loc"]
    name = ".".join(str(part) for part in path if not isinstance(part, int)) or "the file"
    if detail["type"] == "extra_forbidden":
        return f"unknown key {str(path[-1])!r}; {_nearest(str(path[-1]), path[:-1])}"
    if detail["type"] == "literal_error":
        expected = detail["ctx"]["expected"]
        known = expected.replace("'", "").replace(" or ", ", ").split(", ")
        near = difflib.get_close_matches(str(detail["input"]), known, n=1)
        return f"{name} is {detail['input']!r}; use {expected}" + (f" (did you mean {near[0]!r}?)" if near else "")
    if detail["type"] == "value_error":
        return str(detail["ctx"]["error"])
    if detail["type"] in {"string_pattern_mismatch", "less_than_equal", "greater_than_equal", "int_type"}:
        last = next((str(part) for part in reversed(path) if not isinstance(part, int)), "")
        if last in _FORMS:
            return f"{name} is {detail['input']!r}, and {_FORMS[last]}"
    return f"{name} {_WORDS.get(detail['type'], 'is wrong: ' + detail['msg'])}"


def _nearest(name: str, path: Path) -> str:
    known = [field.alias or key for key, field in _model_at(path).model_fields.items()]
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"


def _model_at(path: Path) -> type[BaseModel]:
    """The part of the form that a path leads to."""
    model: type[BaseModel] = Document
    for part in path:
        field = model.model_fields.get(str(part))
        model = (_inner(field.annotation) if field else None) or model
    return model


def _inner(annotation: Any) -> type[BaseModel] | None:
    """The model inside a type such as `dict[Id, Rate]` or `Match | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for each in typing.get_args(annotation) if (found := _inner(each))), None)
