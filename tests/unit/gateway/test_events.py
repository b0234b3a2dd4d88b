from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aura_ia_mcp.gateway.events import Event, EventParser, TooLongError
from aura_ia_mcp.gateway.replay import format_event


@given(st.lists(st.binary(max_size=30).filter(lambda b: b"\n" not in b and b"\r" not in b)), st.integers(1, 9))
def test_events_are_read_back_however_the_bytes_are_cut(payloads: list[bytes], cut: int) -> None:
    raw = b"".join(format_event(f"0-{number:x}", data) for number, data in enumerate(payloads))
    parser, found = EventParser(), []
    for start in range(0, len(raw), cut):
        found += parser.feed(raw[start : start + cut])
    assert [event.data for event in found] == [data.decode("utf-8", "replace") for data in payloads]
    assert [event.id for event in found] == [f"0-{number:x}" for number in range(len(payloads))]


def test_comments_and_priming_events_are_told_apart() -> None:
    assert EventParser().feed(b": keep-alive\n\nid: 1\nretry: 500\ndata: \n\n") == [Event("", "1", 500)]


def test_several_data_lines_are_one_event() -> None:
    assert EventParser().feed(b"data: a\r\ndata: b\r\n\r\n") == [Event("a\nb")]


def test_an_event_that_never_ends_is_refused() -> None:
    with pytest.raises(TooLongError):
        EventParser(most_bytes=100).feed(b"data: " + b"x" * 200)
