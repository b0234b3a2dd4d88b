"""The records of all writers together, in the order of time; each writer's own in the order of its chain."""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from .form import GONE
from .lines import backwards, forwards, free, whole
from .read import Record, writers
from .segments import segments
from .summary import Summary, audit_id, summary

_HEAD_BYTES = 128
_AT = b'"ts":'
_TOMBSTONE = b'"redacted":"'

Places = dict[str, tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Entry:
    """A record, with the exact bytes of its line (without line feed)."""

    line: bytes
    record: Record

    @property
    def id(self) -> str:
        """`writer:seq`."""
        return audit_id(self.record)

    @property
    def at(self) -> float:
        """Unix seconds."""
        return float(self.record["ts"])

    @property
    def says(self) -> Summary:
        """It in short."""
        return summary(self.record)


@dataclass(frozen=True)
class Query:
    """Which records are wanted: all that fulfil every condition; an empty one is none.

    Args:
        kinds: of record; `form.GONE` for what redaction left of one.
        writers: whose.
        principals: `tenant/id`, or an id of any tenant, or the name of a token.
        tools: names; one that ends in `*` is a beginning.
        verdicts: allow, confirm, approve, deny.
        outcomes: `ok`, `refused` and so on, or the code of an error.
        rules: ids; one that ends in `*` is a beginning.
        since: Unix seconds.
        until: Unix seconds.
        text: somewhere in the texts of the record, whatever its case.
    """

    kinds: Collection[str] = ()
    writers: Collection[str] = ()
    principals: Collection[str] = ()
    tools: Collection[str] = ()
    verdicts: Collection[str] = ()
    outcomes: Collection[str] = ()
    rules: Collection[str] = ()
    since: float | None = None
    until: float | None = None
    text: str = ""
    _needles: Sequence[Sequence[bytes]] = field(init=False, repr=False, compare=False)
    _text: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Find what the bytes of a line must hold, so that most others needn't be parsed."""
        kinds = [_TOMBSTONE if kind == GONE else _part(kind) for kind in self.kinds]
        names = [_part(name.rpartition("/")[2]) for name in self.principals]
        exact = [[_part(one.rstrip("*")) for one in ones] for ones in (self.tools, self.verdicts, self.rules)]
        groups = (kinds, names, *exact)
        object.__setattr__(self, "_needles", tuple(group for group in groups if group))
        text = json.dumps(self.text)[1:-1]
        object.__setattr__(self, "_text", text.lower().encode() if text == self.text else b"")

    def parse(self, line: bytes) -> Entry | None:
        """The record in a line, if it is one and is wanted."""
        if not all(any(needle in line for needle in group) for group in self._needles):
            return None
        if self._text and self._text not in line.lower():
            return None
        try:
            if not self._in_time(line):
                return None
            record = json.loads(line)
            record.setdefault("kind", GONE)
            entry = Entry(line, record)
            return entry if entry.id and self._wants(entry) else None
        except (ValueError, TypeError, KeyError, AttributeError):
            return None

    def _in_time(self, line: bytes) -> bool:
        """Read off the line's head, where every record has it."""
        begin = line.index(_AT, 0, _HEAD_BYTES) + len(_AT)
        at = float(line[begin : line.index(b",", begin)])
        return (self.since is None or at >= self.since) and (self.until is None or at <= self.until)

    def _wants(self, entry: Entry) -> bool:
        record, told = entry.record, entry.says
        return (
            (not self.kinds or record["kind"] in self.kinds)
            and (not self.principals or not _names_of(told.who).isdisjoint(self.principals))
            and (not self.tools or _like(told.tool, self.tools))
            and (not self.verdicts or told.verdict in self.verdicts)
            and (not self.outcomes or not {told.outcome, told.error}.isdisjoint(self.outcomes))
            and (not self.rules or _like(told.rule, self.rules))
            and (not self.text or _holds(record, self.text.casefold()))
        )


EVERYTHING = Query()


def oldest_first(folder: Path, query: Query = EVERYTHING, spend: Callable[[int], None] = free) -> Iterator[Entry]:
    """The wanted records, as a stream: one line of each writer is in memory at a time.

    Within a writer they come by number, whatever its clock did; between writers by time.

    Args:
        folder: `logs/audit`.
        query: which ones.
        spend: hears how many bytes were read; what it raises ends the reading.
    """
    streams = [_lines_of(_files(folder / name, query), query, spend) for name in _names(folder, query)]
    return heapq.merge(*streams, key=_at)


def newest_first(
    folder: Path, query: Query = EVERYTHING, places: Places | None = None, spend: Callable[[int], None] = free
) -> Iterator[Entry]:
    """The wanted records, the newest first, as a stream; within a writer by number, from its last one on.

    Args:
        folder: `logs/audit`.
        query: which ones.
        places: where each writer's records end for this reading, as `ends` gave them; None begins at the very end.
        spend: as of `oldest_first`.
    """
    streams = [_backwards(folder / name, query, places, spend) for name in _names(folder, query)]
    return heapq.merge(*streams, key=_at, reverse=True)


def newer(folder: Path, places: Places, query: Query = EVERYTHING) -> Iterator[Entry]:
    """The wanted records written after these places, in the order of `oldest_first`; moves the places on.

    Args:
        folder: `logs/audit`.
        places: by writer, the name of a segment and the offset of the first byte that wasn't read yet.
        query: which ones.
    """
    return heapq.merge(*(_newer(folder / name, places, query) for name in _names(folder, query)), key=_at)


def by_time(found: Iterable[Record]) -> list[Record]:
    """Records in the order of `oldest_first`; each writer's own must come in the order of its chain.

    What isn't one, as what redaction left of one, is left out.
    """
    chains: dict[str, list[Record]] = {}
    for record in found:
        if "kind" in record and isinstance(record.get("ts"), float) and isinstance(record.get("seq"), int):
            chains.setdefault(str(record.get("writer")), []).append(record)
    return list(heapq.merge(*chains.values(), key=lambda record: record["ts"]))


def ends(folder: Path) -> Places:
    """Where each writer's records end now."""
    places: Places = {}
    for name in writers(folder):
        newest = segments(folder / name)[-1]
        with newest.open("rb") as file:
            places[name] = (newest.name, whole(file))
    return places


def find(folder: Path, audit_id: str) -> Entry | None:
    """The record with an id (`writer:seq`), or None; of a redacted one its tombstone."""
    writer, _, number = audit_id.partition(":")
    if writer not in writers(folder) or not number.isascii() or not number.isdigit():
        return None
    upto = [path for path in segments(folder / writer) if int(path.stem) <= int(number)]
    exact = Query(writers=(writer,))
    for entry in _lines_of(upto[-1:], exact, free):
        if entry.record["seq"] == int(number):
            return entry
    return None


def size(folder: Path, query: Query = EVERYTHING) -> int:
    """How many bytes a reading of these records looks at."""
    return sum(path.stat().st_size for name in _names(folder, query) for path in _files(folder / name, query))


def _names(folder: Path, query: Query) -> list[str]:
    return [name for name in writers(folder) if not query.writers or name in query.writers]


def _files(folder: Path, query: Query) -> list[Path]:
    """Segments that may hold wanted records: what was last written before `since` doesn't."""
    found = segments(folder)
    if query.since is None:
        return found
    return [path for path in found if path.stat().st_mtime >= query.since]


def _lines_of(paths: Sequence[Path], query: Query, spend: Callable[[int], None]) -> Iterator[Entry]:
    for path in paths:
        with suppress(FileNotFoundError), path.open("rb") as file:  # retention may have taken it
            for line in forwards(file):
                spend(len(line))
                if (entry := query.parse(line[:-1])) is not None:
                    yield entry


def _backwards(folder: Path, query: Query, places: Places | None, spend: Callable[[int], None]) -> Iterator[Entry]:
    last, end = ("", None) if places is None else places.get(folder.name, ("0.jsonl", 0))
    for path in reversed(_files(folder, query)):
        if last and int(path.stem) > _number(last):
            continue
        with suppress(FileNotFoundError), path.open("rb") as file:
            for line in backwards(file, end if path.name == last else None, spend):
                if (entry := query.parse(line)) is not None:
                    yield entry


def _newer(folder: Path, places: Places, query: Query) -> Iterator[Entry]:
    last, offset = places.get(folder.name, ("0.jsonl", 0))
    for path in segments(folder):
        if int(path.stem) < _number(last):
            continue
        with suppress(FileNotFoundError), path.open("rb") as file:
            file.seek(offset if path.name == last else 0)
            for line in forwards(file):
                places[folder.name] = (path.name, file.tell())
                if (entry := query.parse(line[:-1])) is not None:
                    yield entry


def _number(segment: str) -> int:
    return int(segment.removesuffix(".jsonl"))


def _at(entry: Entry) -> float:
    return entry.at


def _names_of(who: str) -> set[str]:
    name = who.partition("/")[2]
    return {who, name, name.removeprefix("token:")}


def _part(text: str) -> bytes:
    """How a text, or the beginning of one, stands in a line."""
    return json.dumps(text)[1:-1].encode()


def _like(text: str, wanted: Collection[str]) -> bool:
    return any(text.startswith(one[:-1]) if one.endswith("*") else text == one for one in wanted)


def _holds(value: object, text: str) -> bool:
    """Whether a text is in any of the names, texts and numbers of some JSON."""
    if isinstance(value, dict):
        return any(text in str(name).casefold() or _holds(one, text) for name, one in value.items())
    if isinstance(value, list):
        return any(_holds(one, text) for one in value)
    said = value if isinstance(value, str) else json.dumps(value)
    return text in said.casefold()
