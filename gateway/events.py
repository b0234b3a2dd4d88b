"""Reading server-sent events, for the gateway's own clients. Sans-IO. Source: WHATWG HTML, 9.2.6."""

from __future__ import annotations

from dataclasses import dataclass, field


class TooLongError(ValueError):
    """An event is longer than the reader takes."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event; `data` is empty for a priming event."""

    data: str
    id: str | None = None
    retry_ms: int | None = None


@dataclass
class EventParser:
    """Turns bytes, however they are cut, into events.

    Args:
        most_bytes: the longest event.
    """

    most_bytes: int = 16_777_216
    _rest: bytes = b""
    _data: list[str] = field(default_factory=list)
    _id: str | None = None
    _retry_ms: int | None = None

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that are complete now.

        Raises:
            TooLongError: an event is longer than `most_bytes`.
        """
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) + sum(map(len, self._data)) > self.most_bytes:
            raise TooLongError(f"an event of more than {self.most_bytes} bytes")
        events = []
        for line in lines:
            event = self._line(line.rstrip(b"\r").decode("utf-8", "replace"))
            if event is not None:
                events.append(event)
        return events

    def _line(self, line: str) -> Event | None:
        if not line:
            return self._complete()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and value.isdecimal():
            self._retry_ms = int(value)
        return None

    def _complete(self) -> Event | None:
        data, event_id, retry_ms = "\n".join(self._data), self._id, self._retry_ms
        self._data, self._id, self._retry_ms = [], None, None
        if not data and event_id is None and retry_ms is None:
            return None
        return Event(data, event_id, retry_ms)
