from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aura_ia_mcp.gateway.jsonrpc import (
    Answer,
    Notification,
    Request,
    RpcError,
    decode,
    depth_of,
    encode,
    encode_result,
    parse,
)

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=20,
)


def depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth, value), default=0)
    return 0


@given(JSON_VALUES)
def test_the_measured_depth_is_the_real_one(value: Any) -> None:
    assert depth_of(json.dumps(value).encode()) == depth(value)


@given(st.binary(max_size=200))
def test_measuring_never_fails_on_any_bytes(raw: bytes) -> None:
    assert depth_of(raw) >= 0


def test_brackets_within_text_do_not_count() -> None:
    assert depth_of(rb'{"a": "[[[[\"[[[", "b": "{{{\\"}') == 1


def test_an_unterminated_text_full_of_quotes_is_measured_in_linear_time() -> None:
    assert depth_of(b'[["' + b'\\"' * 1_000_000) == 2


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_deep_nesting_is_refused_before_it_is_parsed(opening: bytes) -> None:
    with pytest.raises(RpcError) as refused:
        decode(opening * 1_000_000, 64)
    assert (refused.value.code, refused.value.status) == (-32700, 400)
    assert "64 levels" in refused.value.message


@pytest.mark.parametrize("raw", [b"", b"{", b'"\xff"', b'["\\ud800"]', b"[NaN]", b"nul", b"\xef\xbb\xbf{}x"])
def test_what_is_not_utf8_json_is_a_parse_error(raw: bytes) -> None:
    with pytest.raises(RpcError) as refused:
        decode(raw, 64)
    assert refused.value.code == -32700


@pytest.mark.parametrize(
    "message",
    [
        [],
        [{"jsonrpc": "2.0", "id": 1, "method": "ping"}],
        "ping",
        1,
        None,
        {},
        {"jsonrpc": "1.0", "id": 1, "method": "ping"},
        {"jsonrpc": "2.0", "id": None, "method": "ping"},
        {"jsonrpc": "2.0", "id": True, "method": "ping"},
        {"jsonrpc": "2.0", "id": 1.5, "method": "ping"},
        {"jsonrpc": "2.0", "id": {}, "method": "ping"},
        {"jsonrpc": "2.0", "id": 2**70, "method": "ping"},
        {"jsonrpc": "2.0", "id": "x" * 600, "method": "ping"},
        {"jsonrpc": "2.0", "id": 1, "method": 5},
        {"jsonrpc": "2.0", "id": 1, "method": "ping", "params": []},
        {"jsonrpc": "2.0", "id": 1},
        {"jsonrpc": "2.0", "id": 1, "result": []},
        {"jsonrpc": "2.0", "id": 1, "error": "no"},
        {"jsonrpc": "2.0", "result": {}},
    ],
)
def test_what_is_no_message_is_an_invalid_request(message: Any) -> None:
    with pytest.raises(RpcError) as refused:
        parse(json.dumps(message).encode(), 64)
    assert (refused.value.code, refused.value.status) == (-32600, 400)


def test_the_three_kinds_of_messages_are_told_apart() -> None:
    assert parse(b'{"jsonrpc":"2.0","id":"a","method":"ping"}', 64) == Request("a", "ping", {})
    assert parse(b'{"jsonrpc":"2.0","method":"x","params":{"a":1}}', 64) == Notification("x", {"a": 1})
    assert parse(b'{"jsonrpc":"2.0","id":0,"result":{}}', 64) == Answer(0, {})
    assert parse(b'{"jsonrpc":"2.0","id":0,"error":{"code":1}}', 64) == Answer(0, {}, {"code": 1})


@given(JSON_VALUES)
def test_what_is_encoded_is_read_back_the_same(value: Any) -> None:
    assert json.loads(encode(value)) == value
    assert b"\n" not in encode(value)


def test_a_number_that_json_can_not_say_becomes_null() -> None:
    assert json.loads(encode_result("a", {"x": float("nan"), "y": float("inf")}))["result"] == {"x": None, "y": None}


def test_bytes_in_a_result_are_an_error_and_no_garbage() -> None:
    with pytest.raises(ValueError, match="utf-8"):
        encode({"x": b"\xff\xfe"})
