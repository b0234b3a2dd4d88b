"""That a request wants something gone or stopped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["deletes", "stops"]


@dataclass(frozen=True, slots=True)
class Intent:
    """That a request wants something gone or stopped.

    Args:
        kind: deletes, or stops.
        verb: the word that says so.
        clause: the words of the clause it is in, folded.
    """

    kind: Kind
    verb: str
    clause: tuple[str, ...]
