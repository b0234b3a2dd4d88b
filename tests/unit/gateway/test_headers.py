from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aura_ia_mcp.gateway.headers import (
    accepts,
    bearer,
    host_allowed,
    is_json,
    origin_allowed,
    traceparent,
    unserved_version,
)
from aura_ia_mcp.gateway.jsonrpc import encode

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:9200", "127.0.0.1:1", "127.9.9.9", "[::1]:9200", "[::1]"])
def test_loopback_hosts_are_served(host: str) -> None:
    assert host_allowed(host, ())


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example:9200",
        "10.0.0.1",
        "a b",
        "::1",
        "[::",
    ],
)
def test_any_other_host_is_refused(host: str | None) -> None:
    assert not host_allowed(host, ())


def test_a_host_of_the_settings_is_served_with_any_port_and_case() -> None:
    assert host_allowed("Aura.Example:443", ("aura.example",))


@pytest.mark.parametrize("origin", [None, "http://localhost:6274", "https://127.0.0.1", "http://[::1]:3000"])
def test_no_origin_and_loopback_origins_are_allowed(origin: str | None) -> None:
    assert origin_allowed(origin, ())


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "", "http://localhost.evil.example", "file://localhost", "http://["]
)
def test_foreign_origins_are_refused(origin: str) -> None:
    assert not origin_allowed(origin, ("https://aura.example",))


def test_an_origin_of_the_settings_is_allowed_exactly() -> None:
    assert origin_allowed("https://aura.example", ("https://aura.example",))
    assert not origin_allowed("https://aura.example:8443", ("https://aura.example",))


@given(st.text(max_size=60))
def test_no_text_in_a_header_is_too_strange_to_check(text: str) -> None:
    host_allowed(text, ())
    origin_allowed(text, ())
    accepts(text)
    bearer(text)
    assert traceparent(text) in {"", text}


@pytest.mark.parametrize(
    ("header", "taken"),
    [
        (None, (True, True)),
        ("*/*", (True, True)),
        ("application/json, text/event-stream", (True, True)),
        ("application/json", (True, False)),
        ("text/event-stream", (False, True)),
        ("text/html", (False, False)),
    ],
)
def test_what_a_client_takes_is_read_from_accept(header: str | None, taken: tuple[bool, bool]) -> None:
    assert accepts(header) == taken


def test_only_json_is_json() -> None:
    assert is_json("application/json")
    assert is_json("Application/JSON; charset=utf-8")
    assert not is_json("text/plain")
    assert not is_json(None)


def test_a_bearer_token_is_read_and_other_schemes_are_broken_credentials() -> None:
    assert bearer("Bearer abc") == "abc"
    assert bearer("bearer  abc ") == "abc"
    assert bearer("Basic abc") == ""
    assert bearer("Bearer") == ""
    assert bearer(None) is None


def test_a_trace_context_is_taken_only_when_well_formed() -> None:
    assert traceparent(TRACE) == TRACE
    assert traceparent(TRACE.upper()) == ""
    assert traceparent(5) == ""


def test_a_version_that_is_no_text_is_told_too() -> None:
    error = unserved_version("19\udcff" + "9" * 100)
    assert encode(error.as_dict())
    assert error.data["requested"] == "19?" + "9" * 61
