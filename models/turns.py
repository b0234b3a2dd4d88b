"""Whose turn it is: several callers' waiting entries, so that none waits for all of another's. Without IO or clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable
from typing import Generic, TypeVar

Entry = TypeVar("Entry")


class Turns(Generic[Entry]):
    """Entries that wait, by the group that sent them.

    Promises: within a group, the oldest entry comes first. A group that comes to wait gets the lead after at most one
    turn of each group that waits already, however many entries they have.
    """

    def __init__(self) -> None:
        self._groups: dict[str, deque[Entry]] = {}  # in the order of their turns; none is empty

    def __len__(self) -> int:
        return sum(map(len, self._groups.values()))

    def count(self, group: str) -> int:
        """How many entries of a group wait."""
        return len(self._groups.get(group, ()))

    def add(self, group: str, entries: Iterable[Entry]) -> None:
        """Let entries wait, after those of their group."""
        if new := list(entries):
            self._groups.setdefault(group, deque()).extend(new)

    def leader(self) -> str | None:
        """The group whose turn it is; None while nothing waits."""
        return next(iter(self._groups), None)

    def window(self, most: int) -> list[Entry]:
        """At most so many entries, one of each group in turn; the first is the leader's oldest."""
        found: list[Entry] = []
        rows = [iter(entries) for entries in self._groups.values()]
        while rows and len(found) < most:
            left = []
            for row in rows:
                for entry in row:
                    found.append(entry)
                    left.append(row)
                    break
            rows = left
        return found[:most]

    def drop(self, entries: Collection[Entry]) -> None:
        """Let these, by identity, wait no longer; those that don't wait are passed over."""
        gone = {id(entry) for entry in entries}
        kept = {name: deque(e for e in waiting if id(e) not in gone) for name, waiting in self._groups.items()}
        self._groups = {name: waiting for name, waiting in kept.items() if waiting}

    def end_turn(self, group: str) -> None:
        """Put a group behind all others, if it waits."""
        if group in self._groups:
            self._groups[group] = self._groups.pop(group)

    def clear(self) -> list[Entry]:
        """Let nothing wait, and give what did."""
        left = [entry for waiting in self._groups.values() for entry in waiting]
        self._groups.clear()
        return left
