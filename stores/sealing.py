"""Seals what all writers recorded since into signed epochs."""

from __future__ import annotations

from pathlib import Path

from . import merkle
from .chain import Broken, Cursor
from .epoch_writer import EpochWriter
from .epochs import Standing
from .read import writers
from .segments import flush


class Sealer:
    """Follows the chains of all writers.

    Promises: what an epoch seals is on the disk. A chain that doesn't hold isn't sealed from there on, and `faults`
    says so; the others are. After a crash the sealing goes on where the last epoch ended.

    Args:
        folder: `logs/audit`.
        epochs: where the epochs go.
        most: records in one epoch.

    Attributes:
        faults: by writer, what keeps its records from being sealed.
    """

    def __init__(self, folder: Path, epochs: EpochWriter, most: int = 50_000) -> None:
        self.faults: dict[str, str] = {}
        self._folder = folder
        self._epochs = epochs
        self._most = most
        self._cursors: dict[str, Cursor] = {}

    def seal(self) -> int:
        """Make one epoch of the records that are there, if there are new ones: how many it seals.

        As many as an epoch may have mean that there may be more.

        Raises:
            EpochError: none could be made; nothing is lost by that, the next attempt makes it.
        """
        with self._epochs.held() as standing:
            found: dict[str, list[bytes]] = {}
            room = self._most
            for writer in sorted({*writers(self._folder), *standing.sealed}):
                if hashes := self._take(writer, standing, room):
                    found[writer] = hashes
                    room -= len(hashes)
                if not room:
                    break
            if found:
                self._flush(found)
                self._epochs.append("epoch", self._members(found))
        return self._most - room

    def close(self) -> None:
        """Let go of all files."""
        for cursor in self._cursors.values():
            cursor.close()

    def _take(self, writer: str, standing: Standing, most: int) -> list[bytes]:
        sealed = standing.sealed.get(writer, standing.begins(writer))
        cursor = self._cursors.get(writer)
        if cursor is None or (cursor.seq, cursor.prev) != sealed:
            cursor = Cursor(self._folder / writer, *sealed, standing.of(writer))
        try:
            hashes = cursor.take(most)
        except Broken as fault:
            self.faults[writer] = f"record {writer}:{fault.seq} ({fault.place}): {fault.why}"
            self._cursors.pop(writer, None)
            return []
        finally:
            cursor.close()
        self.faults.pop(writer, None)
        self._cursors[writer] = cursor
        return hashes

    def _flush(self, found: dict[str, list[bytes]]) -> None:
        for writer in found:
            touched = self._cursors[writer].touched
            for path in touched:
                flush(path)
            touched.clear()
            flush(self._folder / writer)

    def _members(self, found: dict[str, list[bytes]]) -> dict[str, object]:
        sealed = {}
        for writer, hashes in found.items():
            last = self._cursors[writer].seq
            sealed[writer] = {"first": last - len(hashes) + 1, "last": last, "head": hashes[-1].hex()}
        every = [each for hashes in found.values() for each in hashes]
        return {"writers": sealed, "records": len(every), "root": merkle.root(every).hex()}
