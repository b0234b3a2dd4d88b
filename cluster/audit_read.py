"""What an operator may read of the audit with no system running: its files are the authority here."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice

from aura_ia_mcp.configs.paths import Paths
from aura_ia_mcp.configs.settings import Settings
from aura_ia_mcp.stores import timeline
from aura_ia_mcp.stores.lines import free
from aura_ia_mcp.stores.logs import stamp
from aura_ia_mcp.stores.receipts import Receipt, ReceiptError
from aura_ia_mcp.stores.summary import Summary
from aura_ia_mcp.stores.timeline import Entry, Query

from .faults import OperatorError

__all__ = ["Entry", "Query", "Summary", "checked_receipt", "find", "recent", "search", "size", "stamp", "tail"]

_LOOK_S = 0.25


def checked_receipt(text: str) -> str:
    """The text, if it has the form of a receipt.

    Raises:
        OperatorError: it hasn't.
    """
    try:
        Receipt.parse(text)
    except ReceiptError as error:
        raise OperatorError(str(error)) from None
    return text


def find(settings: Settings, audit_id: str) -> Entry:
    """The record with an id (`writer:seq`).

    Raises:
        OperatorError: there is none, or it can't be read.
    """
    folder = Paths.of(settings).audit
    try:
        found = timeline.find(folder, audit_id)
    except OSError as error:
        raise unreadable(error) from error
    if found is None:
        raise OperatorError(
            f"there is no record {audit_id!r} under {folder}; retention may have removed it. "
            "`aura audit search` finds records otherwise"
        )
    return found


def search(settings: Settings, query: Query, on_read: Callable[[int], None] = free) -> Iterator[Entry]:
    """The wanted records of all writers, oldest first, as a stream.

    Args:
        settings: say where they lie.
        query: which ones.
        on_read: hears how many bytes were read, of `size`.

    Raises:
        OperatorError: a file can't be read.
    """
    try:
        yield from timeline.oldest_first(Paths.of(settings).audit, query, on_read)
    except OSError as error:
        raise unreadable(error) from error


def recent(settings: Settings, query: Query, count: int) -> list[Entry]:
    """The newest wanted records, oldest first; the files are read from their ends.

    Raises:
        OperatorError: a file can't be read.
    """
    try:
        newest = timeline.newest_first(Paths.of(settings).audit, query)
        return list(islice(newest, count))[::-1]
    except OSError as error:
        raise unreadable(error) from error


def tail(settings: Settings, query: Query, count: int) -> Iterator[Entry]:
    """The newest wanted records, then each as it is written, without end; none is left out or given twice.

    Raises:
        OperatorError: a file can't be read.
    """
    folder = Paths.of(settings).audit
    try:
        places = timeline.ends(folder)
        newest = deque(islice(timeline.newest_first(folder, query, places), count))
        while newest:
            yield newest.pop()
        while True:
            yield from timeline.newer(folder, places, query)
            time.sleep(_LOOK_S)
    except OSError as error:
        raise unreadable(error) from error


def size(settings: Settings, query: Query) -> int:
    """How many bytes `search` will read.

    Raises:
        OperatorError: a file can't be looked at.
    """
    try:
        return timeline.size(Paths.of(settings).audit, query)
    except OSError as error:
        raise unreadable(error) from error


def unreadable(error: OSError) -> OperatorError:
    """That a file of the record can't be read, and what to do."""
    return OperatorError(f"{error.filename or 'the audit'} can't be read: {error.strerror or error}; look at its mode")
