"""The events of one session, kept so that a broken stream can be taken up again without loss or duplicates.

Sans-IO: bytes in, bytes out, readers are told through a callback. A session has numbered streams: 0 is the GET stream,
each streaming POST has its own. An event's id names its stream, so that what belonged to one is never replayed on
another. Delivered events are kept up to a bound; those that a connected reader hasn't taken yet are kept besides, up
to a second bound, beyond which that reader is dropped (and may resume).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

PENDING_BYTES = 8_388_608
GET_STREAM = 0


class ExpiredError(LookupError):
    """Events after the given id are no longer kept, or the id was never given."""


@dataclass
class Stream:
    """One event stream. `taken` is the newest event that a reader was given; `floor` the newest one dropped."""

    number: int
    events: dict[int, bytes] = field(default_factory=dict)
    pending: set[int] = field(default_factory=set)
    reader: Reader | None = None
    done: bool = False
    taken: int = 0
    floor: int = 0


class Reader:
    """A connection that follows one stream; `on_ready` is called when there is something new or the end."""

    def __init__(self, log: EventLog, stream: Stream, queue: deque[int], on_ready: Callable[[], None]) -> None:
        self._log = log
        self._stream = stream
        self.queue = queue
        self.on_ready = on_ready
        self.closed = False
        self.retired = False

    @property
    def ended(self) -> bool:
        """Nothing will come any more."""
        return self.closed or (not self.queue and (self.retired or self._stream.done))

    def take(self, most_bytes: int = 65_536) -> bytes:
        """The next events in order, at least one if there is one; b"" when there is none."""
        parts: list[bytes] = []
        size = 0
        while self.queue and size < most_bytes and not self.closed:
            data = self._log.deliver(self._stream, self.queue[0])
            if data is None:
                self.close()
                break
            self.queue.popleft()
            parts.append(data)
            size += len(data)
        return b"".join(parts)

    def retire(self) -> None:
        """Take what there is now, and nothing that comes later."""
        self.retired = True
        self._log.detach(self._stream, self)
        self.on_ready()

    def close(self) -> None:
        """Stop following; what wasn't taken stays in the log."""
        if not self.closed:
            self.closed = True
            self._log.detach(self._stream, self)
            self.on_ready()


class EventLog:
    """The streams of one session.

    Args:
        limit_bytes: how much is kept for resumption over all streams.
        pending_bytes: how much may wait for connected readers.
    """

    def __init__(self, limit_bytes: int, pending_bytes: int = PENDING_BYTES) -> None:
        self._limit = limit_bytes
        self._pending_limit = pending_bytes
        self._streams: dict[int, Stream] = {GET_STREAM: Stream(GET_STREAM)}
        self._kept: deque[tuple[Stream, int]] = deque()
        self._kept_bytes = 0
        self._pending_bytes = 0
        self._number = 0
        self._sequence = 0

    @property
    def held_bytes(self) -> int:
        """What is kept and what waits, together."""
        return self._kept_bytes + self._pending_bytes

    @property
    def readers(self) -> int:
        """How many connections follow a stream."""
        return sum(stream.reader is not None for stream in self._streams.values())

    def open(self) -> int:
        """A new stream's number."""
        self._number += 1
        self._streams[self._number] = Stream(self._number)
        return self._number

    def append(self, number: int, data: bytes | None, *, retry_ms: int | None = None) -> None:
        """Add an event to a stream; None primes it: an event that carries nothing but its id.

        Args:
            number: the stream.
            data: one JSON-RPC message.
            retry_ms: when a client that loses the stream should come back.
        """
        stream = self._streams[number]
        self._sequence += 1
        sequence = self._sequence
        frame = format_event(f"{number:x}-{sequence:x}", data, retry_ms)
        stream.events[sequence] = frame
        if stream.reader is None:
            self._keep(stream, sequence, len(frame))
        else:
            stream.pending.add(sequence)
            self._pending_bytes += len(frame)
            stream.reader.queue.append(sequence)
            stream.reader.on_ready()
            if self._pending_bytes > self._pending_limit and len(stream.pending) > 1:
                stream.reader.close()

    def finish(self, number: int) -> None:
        """Nothing more will be appended to the stream; its reader ends once it has read all."""
        stream = self._streams[number]
        stream.done = True
        if stream.reader is not None:
            stream.reader.on_ready()
        self._tidy(stream)

    def attach(self, number: int, on_ready: Callable[[], None]) -> Reader:
        """Follow a stream from the first event that no reader was given; an earlier reader of it is closed."""
        return self._attach(self._streams[number], self._streams[number].taken, on_ready)

    def resume(self, last_event_id: str, on_ready: Callable[[], None]) -> Reader:
        """Follow the stream of `last_event_id` from the event after it.

        Raises:
            ExpiredError: the id isn't one of this session's, or what came after it is no longer kept.
        """
        number, sequence = parse_event_id(last_event_id)
        stream = self._streams.get(number)
        if stream is None or sequence > self._sequence or sequence < stream.floor:
            raise ExpiredError(last_event_id)
        return self._attach(stream, sequence, on_ready)

    def retire_reader(self, number: int) -> None:
        """End the connection that follows a stream once it has read what there is; the stream goes on."""
        stream = self._streams.get(number)
        if stream is not None and stream.reader is not None:
            stream.reader.retire()

    def close(self) -> None:
        """End all readers and forget all events."""
        for stream in list(self._streams.values()):
            if stream.reader is not None:
                stream.reader.close()
        self._streams = {GET_STREAM: Stream(GET_STREAM)}
        self._kept.clear()
        self._kept_bytes = 0

    def deliver(self, stream: Stream, sequence: int) -> bytes | None:
        """An event for a reader; None if it is no longer kept."""
        frame = stream.events.get(sequence)
        if frame is None:
            return None
        stream.taken = max(stream.taken, sequence)
        if sequence in stream.pending:
            stream.pending.discard(sequence)
            self._pending_bytes -= len(frame)
            self._keep(stream, sequence, len(frame))
        return frame

    def detach(self, stream: Stream, reader: Reader) -> None:
        """A reader left: what waited for it is now kept for resumption."""
        if stream.reader is not reader:
            return
        stream.reader = None
        for sequence in sorted(stream.pending):
            self._pending_bytes -= len(stream.events[sequence])
            self._keep(stream, sequence, len(stream.events[sequence]))
        stream.pending.clear()
        self._tidy(stream)

    def _attach(self, stream: Stream, after: int, on_ready: Callable[[], None]) -> Reader:
        if stream.reader is not None:
            stream.reader.close()
        reader = Reader(self, stream, deque(n for n in stream.events if n > after), on_ready)
        stream.reader = reader
        return reader

    def _keep(self, stream: Stream, sequence: int, size: int) -> None:
        self._kept.append((stream, sequence))
        self._kept_bytes += size
        while self._kept_bytes > self._limit:
            oldest, gone = self._kept.popleft()
            self._kept_bytes -= len(oldest.events.pop(gone))
            oldest.floor = max(oldest.floor, gone)
            self._tidy(oldest)

    def _tidy(self, stream: Stream) -> None:
        if stream.done and not stream.events and stream.reader is None:
            self._streams.pop(stream.number, None)


def format_event(event_id: str, data: bytes | None, retry_ms: int | None = None) -> bytes:
    """One server-sent event. JSON holds no line breaks, so one data line is enough."""
    retry = b"" if retry_ms is None else b"retry: %d\n" % retry_ms
    if data is None:
        return b"id: %b\n%bdata: \n\n" % (event_id.encode(), retry)
    return b"event: message\nid: %b\n%bdata: %b\n\n" % (event_id.encode(), retry, data)


def parse_event_id(text: str) -> tuple[int, int]:
    """The stream and the sequence number in an event id.

    Raises:
        ExpiredError: it isn't an id of ours.
    """
    number, _, sequence = text.partition("-")
    if len(text) > 32:  # noqa: PLR2004 - far longer than any id given out
        raise ExpiredError(text)
    try:
        return int(number, 16), int(sequence, 16)
    except ValueError:
        raise ExpiredError(text) from None
