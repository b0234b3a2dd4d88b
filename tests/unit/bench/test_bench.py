"""The benchmarks' own arithmetic, and that the load generator takes no wrong answer for a right one."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench import echo, page, wire
from tests.bench.__main__ import FIGURES
from tests.bench.embedding import corpus
from tests.bench.load import Client
from tests.bench.outcome import Bound, latencies, percentile

EXPECT = b"the quick brown fox"


class Wire(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent.append(bytes(data))

    def close(self) -> None:
        pass


def _asked() -> tuple[Client, Wire, list[float]]:
    times_s: list[float] = []
    client, transport = Client([(b"before ", b" after")], EXPECT, times_s), Wire()
    client.connection_made(transport)
    client.counting = client.stopping = True
    client.send()
    return client, transport, times_s


def _answer(number: bytes, text: bytes = EXPECT, status: bytes = b"200 OK", error: bytes = b"false") -> bytes:
    body = b'{"jsonrpc":"2.0","id":%b,"result":{"text":"%b","isError":%b}}' % (number, text, error)
    return b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)


@pytest.mark.parametrize("size", [1, 7, 10_000])
async def test_an_answer_in_pieces_is_counted_once_it_is_whole(size: int) -> None:
    client, transport, times_s = _asked()
    number = transport.sent[0].split()[1]
    whole = _answer(number)
    for start in range(0, len(whole), size):
        assert not times_s
        client.data_received(whole[start : start + size])
    await client.done
    assert len(times_s) == 1


async def test_a_chunked_event_stream_is_an_answer() -> None:
    client, transport, times_s = _asked()
    event = b'data: {"id":%b,"result":{"text":"%b"}}\r\n\r\n' % (transport.sent[0].split()[1], EXPECT)
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    client.data_received(head + b"%x\r\n%b\r\n" % (len(event), event))
    assert not client.done.done()
    client.data_received(b"0\r\n\r\n")
    await client.done
    assert len(times_s) == 1


@pytest.mark.parametrize(
    "change",
    [{"status": b"500 Fault"}, {"text": b"another text"}, {"error": b"true"}, {"number": b"7"}],
    ids=["status", "content", "error", "id"],
)
async def test_an_answer_that_is_not_the_expected_one_ends_the_burst(change: dict[str, bytes]) -> None:
    client, transport, _ = _asked()
    client.data_received(_answer(**{"number": transport.sent[0].split()[1]} | change))
    with pytest.raises(RuntimeError, match="not the expected answer"):
        await client.done


@given(st.lists(st.floats(0, 10), min_size=1))
def test_the_median_of_latencies_is_one_of_them_and_not_above_the_99th(values: list[float]) -> None:
    found = latencies(values)
    assert found["p50_ms"] in {round(value * 1000, 4) for value in values}
    assert found["p50_ms"] <= found["p99_ms"]


def test_there_is_no_percentile_of_nothing() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


def test_a_bound_holds_on_its_limit_and_not_beyond() -> None:
    assert Bound("a", 1.0, "ms", "at_most", 1.0).holds
    assert not Bound("a", 1.01, "ms", "at_most", 1.0).holds
    assert Bound("a", 3.0, "times", "at_least", 3.0).holds
    assert not Bound("a", 2.99, "times", "at_least", 3.0).holds


def test_prepared_bytes_make_a_request_whose_length_is_right() -> None:
    before, after = wire.modern(9200, "/mcp/stream", wire.Call("echo", {"text": 'a "quoted" fox, größer'}))
    head, body = f"{before}1234567890{after}".split("\r\n\r\n", 1)
    assert f"Content-Length: {len(body.encode())}" in head
    message = json.loads(body)
    assert message["id"] == 1234567890
    assert message["params"]["arguments"] == {"text": 'a "quoted" fox, größer'}


def test_ratios_are_taken_within_a_round() -> None:
    names = ["bare", "reference_sse", "reference_json", "reference_modern", "aura_legacy", "aura_modern"]
    bursts = [
        {
            "round": number,
            "clients": concurrency,
            "contender": name,
            "p50_ms": 1.0 + number + name.startswith("aura") * 0.5,
            "p99_ms": 9.0,
            "per_s": (number + 1) * (400.0 if name.startswith("aura") else 100.0),
            "cpu_us": 1.0,
            "client_cpu_us": 1.0,
            "cpu_us_by_part": {},
        }
        for number in range(3)
        for concurrency in echo.CONCURRENCY
        for name in names
    ]
    figures, bounds = echo.summarize(bursts, names, 3)
    assert figures["compared"]["added_ms.legacy.at_1"]["rounds"] == [0.5, 0.5, 0.5]
    assert figures["compared"]["per_s_over_reference_sse.modern.at_64"]["rounds"] == [4.0, 4.0, 4.0]
    assert len(bounds) == 6
    assert all(bound.holds for bound in bounds)


def test_no_text_to_embed_comes_twice() -> None:
    texts = corpus(500)
    assert len(set(texts)) == 500
    assert texts == corpus(500)


@pytest.mark.parametrize("figure", FIGURES)
def test_the_page_says_what_each_figure_is(figure: str) -> None:
    assert f"**{figure}**" in page.PAGE.read_text()
