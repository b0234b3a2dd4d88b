"""The records that belong to one, found by the ids that they share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

from .lines import ExhaustedError
from .timeline import Entry, Query, newest_first

_MOST = 50
_BEFORE_S = 86_400.0  # how long before a record those may lie that belong to it


def related(folder: Path, at: float, ids: Sequence[str], spend: Callable[[int], None]) -> tuple[list[Entry], str]:
    """The records that hold one of these ids, oldest first, at most 50 of each; and why there may be more, or "".

    Args:
        folder: `logs/audit`.
        at: when the record was written to which they belong, Unix seconds.
        ids: of calls and approvals.
        spend: hears how many bytes were read; what it raises (`ExhaustedError`) ends the reading.
    """
    found: dict[str, Entry] = {}
    cut = ""
    for name in ids:
        query = Query(text=name, since=at - _BEFORE_S)
        try:
            for entry in islice(newest_first(folder, query, spend=spend), _MOST):
                found[entry.id] = entry
        except ExhaustedError as error:
            cut = str(error)
            break
    return sorted(found.values(), key=lambda entry: entry.at), cut
