from __future__ import annotations

import re

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from aura_ia_mcp.gateway.replay import GET_STREAM, EventLog, ExpiredError, Reader, format_event, parse_event_id

_EVENT = re.compile(rb"id: (\S+)\n(?:retry: \d+\n)?data: (.*)\n\n")


def nothing() -> None:
    """Nobody waits in these tests."""


def read(reader: Reader) -> list[tuple[str, bytes]]:
    """All events that wait: (id, data)."""
    taken = b""
    while chunk := reader.take():
        taken += chunk
    return [(found[1].decode(), found[2]) for found in _EVENT.finditer(taken)]


def test_events_come_in_order_and_once() -> None:
    log = EventLog(1000)
    stream = log.open()
    reader = log.attach(stream, nothing)
    for number in range(3):
        log.append(stream, b"%d" % number)
    assert [data for _, data in read(reader)] == [b"0", b"1", b"2"]
    assert read(reader) == []
    assert not reader.ended
    log.finish(stream)
    assert reader.ended


def test_a_stream_is_resumed_after_the_last_event_id() -> None:
    log = EventLog(1000)
    stream = log.open()
    reader = log.attach(stream, nothing)
    log.append(stream, None)
    log.append(stream, b"a")
    ids = [event_id for event_id, _ in read(reader)]
    reader.close()
    log.append(stream, b"b")
    log.finish(stream)
    again = log.resume(ids[0], nothing)
    assert [data for _, data in read(again)] == [b"a", b"b"]
    assert again.ended


def test_a_resumed_stream_carries_no_events_of_another() -> None:
    log = EventLog(1000)
    one, two = log.open(), log.open()
    reader = log.attach(one, nothing)
    log.append(one, b"one")
    log.append(two, b"two")
    [(first, _)] = read(reader)
    reader.close()
    log.append(two, b"two again")
    log.append(one, b"one again")
    assert [data for _, data in read(log.resume(first, nothing))] == [b"one again"]


@pytest.mark.parametrize("event_id", ["", "x", "9-1", "0-ff", "-", "1", "é-1", "0-" + "1" * 40])
def test_an_id_that_was_never_given_is_expired(event_id: str) -> None:
    with pytest.raises(ExpiredError):
        EventLog(1000).resume(event_id, nothing)


def test_an_id_beyond_the_bound_is_expired() -> None:
    log = EventLog(100)
    log.append(GET_STREAM, b"x" * 10)
    reader = log.attach(GET_STREAM, nothing)
    [(first, _)] = read(reader)
    for _ in range(20):
        log.append(GET_STREAM, b"x" * 10)
    read(reader)
    reader.close()
    with pytest.raises(ExpiredError):
        log.resume(first, nothing)
    assert log.held_bytes <= 100


def test_a_connected_reader_misses_nothing_even_with_no_log_at_all() -> None:
    log = EventLog(0)
    reader = log.attach(GET_STREAM, nothing)
    for number in range(10):
        log.append(GET_STREAM, b"%d" % number)
    assert [data for _, data in read(reader)] == [b"%d" % number for number in range(10)]
    assert log.held_bytes == 0


def test_a_reader_that_falls_too_far_behind_is_dropped_and_may_resume() -> None:
    log = EventLog(10_000, pending_bytes=1000)
    reader = log.attach(GET_STREAM, nothing)
    log.append(GET_STREAM, b"first")
    [(first, _)] = read(reader)
    for _ in range(5):
        log.append(GET_STREAM, b"x" * 400)
    assert reader.closed
    assert read(reader) == []
    assert len(read(log.resume(first, nothing))) == 5


def test_a_retired_reader_takes_what_there_is_and_ends_while_the_stream_goes_on() -> None:
    log = EventLog(1000)
    stream = log.open()
    reader = log.attach(stream, nothing)
    log.append(stream, b"a")
    log.retire_reader(stream)
    log.append(stream, b"b")
    [(first, data)] = read(reader)
    assert (data, reader.ended) == (b"a", True)
    assert [data for _, data in read(log.resume(first, nothing))] == [b"b"]


def test_a_second_reader_takes_the_stream_over() -> None:
    log = EventLog(1000)
    first = log.attach(GET_STREAM, nothing)
    second = log.attach(GET_STREAM, nothing)
    log.append(GET_STREAM, b"a")
    assert first.ended
    assert [data for _, data in read(second)] == [b"a"]


def test_a_finished_stream_is_forgotten_with_its_last_event() -> None:
    log = EventLog(0)
    stream = log.open()
    reader = log.attach(stream, nothing)
    log.append(stream, b"a")
    log.finish(stream)
    [(event_id, _)] = read(reader)
    reader.close()
    with pytest.raises(ExpiredError):
        log.resume(event_id, nothing)


def test_an_event_id_names_stream_and_position() -> None:
    assert b"id: a-ff\n" in format_event("a-ff", b"{}")
    assert parse_event_id("a-ff") == (10, 255)


class Resuming(RuleBasedStateMachine):
    """A client that loses its connection at any time gets every event once, in order, or is told it can't."""

    @initialize(limit=st.integers(0, 400))
    def start(self, limit: int) -> None:
        self.limit = limit
        self.log = EventLog(limit, pending_bytes=2000)
        self.stream = self.log.open()
        self.sent = 0
        self.got: list[int] = []
        self.last: str | None = None
        self.reader: Reader | None = self.log.attach(self.stream, nothing)
        self.expired = False

    def _read(self) -> None:
        if self.reader is None:
            return
        for event_id, data in read(self.reader):
            self.last = event_id
            self.got.append(int(data))
        if self.reader.closed:
            self.reader = None

    @rule(count=st.integers(1, 30))
    def send(self, count: int) -> None:
        for _ in range(count):
            self.log.append(self.stream, b"%d" % self.sent)
            self.sent += 1

    @rule()
    def other_traffic(self) -> None:
        self.log.append(GET_STREAM, b"other" * 5)

    @rule()
    def receive(self) -> None:
        self._read()

    @rule()
    def disconnect(self) -> None:
        if self.reader is not None:
            self.reader.close()
            self.reader = None

    @precondition(lambda self: self.reader is None and self.last is not None and not self.expired)
    @rule()
    def resume(self) -> None:
        assert self.last is not None
        try:
            self.reader = self.log.resume(self.last, nothing)
        except ExpiredError:
            self.expired = True
            return
        self._read()

    @invariant()
    def nothing_is_lost_or_doubled(self) -> None:
        if hasattr(self, "got"):
            assert self.got == list(range(len(self.got)))
            assert self.log.held_bytes <= self.limit + 2000 + 100


TestResuming = Resuming.TestCase
TestResuming.settings = settings(max_examples=60, stateful_step_count=30)
