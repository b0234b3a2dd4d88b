"""What a wrapper runs."""

from __future__ import annotations

from dataclasses import dataclass, field

from .model import Data, Field


@dataclass(slots=True)
class Inner:
    """What a wrapper runs.

    Args:
        commands: argument vectors.
        scripts: shell texts.
        folder: where it runs, if the wrapper says so.
        stdin: what it reads instead of the wrapper's own input; None leaves that.
    """

    commands: list[list[Field]] = field(default_factory=list)
    scripts: list[Data] = field(default_factory=list)
    folder: str | None = None
    stdin: Data | None = None


def joined(fields: list[Field]) -> Data:
    """An argument vector as the text that a shell would get."""
    labels = frozenset(label for item in fields for label in item.data.labels)
    return Data(" ".join(item.text for item in fields), labels)
