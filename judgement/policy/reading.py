"""Read a policy file so that every complaint can say at which line and column."""

from __future__ import annotations

import difflib
import json
import typing
from collections.abc import Iterator
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from .document import Document

MOST_BYTES = 262_144
_MOST_DEPTH = 20
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NUMBERS = {"tag:yaml.org,2002:int": int, "tag:yaml.org,2002:float": float}
_BOOL = "tag:yaml.org,2002:bool"
_NULL = "tag:yaml.org,2002:null"

Path = tuple[str | int, ...]


class PolicyError(ValueError):
    """The policy can't be used.

    Args:
        message: what is wrong, and what would be right.
        line: where, from 1; 0 when it is the file as a whole.
        column: from 1.
        origin: the file's name.
    """

    def __init__(self, message: str, line: int = 0, column: int = 0, origin: str = "policy.yaml") -> None:
        place = f"{origin}:{line}:{column}" if line else origin
        super().__init__(f"{place}: {message}")
        self.message = message
        self.line = line
        self.column = column
        self.origin = origin


class Marks:
    """Where each member of a document stands.

    Args:
        origin: the file's name.
    """

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._at: dict[Path, tuple[int, int]] = {}

    def put(self, path: Path, mark: Any) -> None:
        """Remember where a member begins."""
        self._at[path] = (mark.line + 1, mark.column + 1)

    def error(self, path: Path, message: str) -> PolicyError:
        """The complaint about a member, at its place or at that of what it is in."""
        while path and path not in self._at:
            path = path[:-1]
        return PolicyError(message, *self._at.get(path, (0, 0)), self._origin)


def read(text: str, origin: str) -> tuple[Document, Marks]:
    """The document, checked against its form, and where its members stand.

    Raises:
        PolicyError: too large, not YAML, or of another form.
    """
    if (size := len(text.encode("utf-8", "surrogatepass"))) > MOST_BYTES:
        raise PolicyError(f"a policy has at most {MOST_BYTES} bytes, not {size}", origin=origin)
    marks = Marks(origin)
    try:
        _check_shape(text, origin)
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        raise PolicyError(f"not YAML: {error.problem or error.context}", *place, origin) from None
    except (yaml.YAMLError, UnicodeError) as error:
        raise PolicyError(f"not YAML: {error}", origin=origin) from None
    if node is None:
        raise PolicyError("the file is empty; `version: 1` and `rules:` are needed", origin=origin)
    value = _value(node, (), marks)
    try:
        return Document.model_validate_json(json.dumps(value), strict=True), marks
    except ValidationError as error:
        # a key that isn't known is the likelier slip than the one that then is missing
        first = min(error.errors(), key=lambda detail: detail["type"] != "extra_forbidden")
        raise marks.error(first["loc"], _explain(first)) from None


def _check_shape(text: str, origin: str) -> None:
    """Refuse what could make a small file large or deep."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _at(event, "anchors and aliases aren't read; write it out", origin)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _MOST_DEPTH:
            raise _at(event, "nested too deeply for a policy", origin)


def _at(event: yaml.Event, message: str, origin: str) -> PolicyError:
    mark = event.start_mark
    place = (mark.line + 1, mark.column + 1) if mark else (0, 0)
    return PolicyError(message, *place, origin)


def _value(node: yaml.Node, path: Path, marks: Marks) -> Any:
    marks.put(path, node.start_mark)
    if isinstance(node, yaml.MappingNode):
        return dict(_members(node, path, marks))
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*path, index), marks) for index, item in enumerate(node.value)]
    return _scalar(node)


def _members(node: yaml.MappingNode, path: Path, marks: Marks) -> Iterator[tuple[str, Any]]:
    seen: set[str] = set()
    for key, value in node.value:
        name = str(key.value)
        inner = (*path, name)
        if name in seen:
            marks.put(inner, key.start_mark)
            raise marks.error(inner, f"{name!r} is given twice")
        seen.add(name)
        yield name, _value(value, inner, marks)
        marks.put(inner, key.start_mark)  # a member begins with its key


def _scalar(node: yaml.Node) -> Any:
    """YAML's plain values; but `18:00` is a text (YAML 1.1 makes it 1080), and so are `yes` and `off`."""
    text = str(node.value)
    if node.tag == _NULL:
        return None
    if node.tag == _BOOL and text.lower() in {"true", "false"}:
        return text.lower() == "true"
    if node.tag in _NUMBERS and ":" not in text:
        try:
            return _NUMBERS[node.tag](text)
        except ValueError:
            return text
    return text


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
