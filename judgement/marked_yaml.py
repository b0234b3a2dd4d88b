"""YAML, read plainly and with the place of every part, so that every complaint can say at which line and column.

Plainly: no anchors, aliases or tags that make anything, no key twice, nothing deep or large; and a text stays what
somebody wrote: `no`, `off`, `18:00` and `2026-05-01` are texts; only `true` and `false` are truths.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import yaml

MOST_BYTES: Final = 1_048_576
MOST_DEPTH: Final = 20
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NUMBERS: Final = {"tag:yaml.org,2002:int": int, "tag:yaml.org,2002:float": float}
_BOOL: Final = "tag:yaml.org,2002:bool"
_NULL: Final = "tag:yaml.org,2002:null"

Path = tuple[str | int, ...]
"""The keys and positions that lead to a part."""
Place = tuple[int, int]
"""Line and column, from 1; (0, 0) is the file as a whole."""
NOWHERE: Final[Place] = (0, 0)


class MarkedYamlError(ValueError):
    """The text can't be read.

    Args:
        reason: what is wrong, and what would be right.
        place: where.
    """

    def __init__(self, reason: str, place: Place = NOWHERE) -> None:
        super().__init__(placed(reason, place, "YAML"))
        self.reason = reason
        self.place = place


@dataclass(frozen=True, slots=True)
class Marked:
    """What a text says.

    Args:
        value: dicts with texts as keys, lists, texts, numbers, truths and None; None for an empty text.
        places: where each part of it begins; a dict's member begins with its key.
    """

    value: Any
    places: dict[Path, Place]

    def place(self, path: Path) -> Place:
        """Where a part begins, or what it would be in, where it isn't there."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, NOWHERE)


def placed(message: str, place: Place, origin: str) -> str:
    """A message with its place before it.

    Args:
        message: what is wrong.
        place: where.
        origin: the file's name.
    """
    line, column = place
    return f"{origin}:{line}:{column}: {message}" if line else f"{origin}: {message}"


def read(text: str, *, most_bytes: int = MOST_BYTES, most_depth: int = MOST_DEPTH) -> Marked:
    """What a text says, and where.

    Args:
        text: YAML 1.1, one document.
        most_bytes: a longer text isn't read.
        most_depth: nor is one that is nested more deeply.

    Raises:
        MarkedYamlError: not YAML, too large, too deep, with aliases, or with a key that is there twice.
    """
    if (size := len(text.encode("utf-8", "surrogatepass"))) > most_bytes:
        raise MarkedYamlError(f"it may have at most {most_bytes} bytes, not {size}")
    try:
        _check_shape(text, most_depth)
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise MarkedYamlError(f"not YAML: {error.problem or error.context}", _within(_place(mark), text)) from None
    except (yaml.YAMLError, UnicodeError) as error:
        raise MarkedYamlError(f"not YAML: {error}") from None
    places: dict[Path, Place] = {}
    return Marked(None if node is None else _value(node, (), places), places)


def _check_shape(text: str, most_depth: int) -> None:
    """Refuse what could make a small file large or deep, before anything is made of it."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise MarkedYamlError("anchors and aliases aren't read; write it out", _place(event.start_mark))
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > most_depth:
            raise MarkedYamlError(f"nested more than {most_depth} deep", _place(event.start_mark))


def _place(mark: Any) -> Place:
    return (mark.line + 1, mark.column + 1) if mark else NOWHERE


def _within(place: Place, text: str) -> Place:
    """The text's end, for what is missed after it."""
    lines = text.split("\n")
    return place if place[0] <= len(lines) else (len(lines), len(lines[-1]) + 1)


def _value(node: yaml.Node, path: Path, places: dict[Path, Place]) -> Any:
    places.setdefault(path, _place(node.start_mark))
    if isinstance(node, yaml.MappingNode):
        return dict(_members(node, path, places))
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*path, index), places) for index, item in enumerate(node.value)]
    return _scalar(node)


def _members(node: yaml.MappingNode, path: Path, places: dict[Path, Place]) -> Iterator[tuple[str, Any]]:
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise MarkedYamlError("a key must be a text", _place(key.start_mark))
        name = str(key.value)
        if (*path, name) in places:
            raise MarkedYamlError(f"{name!r} is given twice", _place(key.start_mark))
        places[(*path, name)] = _place(key.start_mark)
        yield name, _value(value, (*path, name), places)


def _scalar(node: yaml.Node) -> Any:
    text = str(node.value)
    if node.tag == _NULL:
        return None
    if node.tag == _BOOL and text.lower() in {"true", "false"}:
        return text.lower() == "true"
    if node.tag in _NUMBERS and ":" not in text:  # YAML 1.1 makes 1080 of 18:00
        try:
            return _NUMBERS[node.tag](text)
        except ValueError:
            return text
    return text
