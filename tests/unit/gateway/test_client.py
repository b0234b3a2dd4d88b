from __future__ import annotations

from typing import Any

import pytest

from aura_ia_mcp.gateway.client import _is_answer, _refused


@pytest.mark.parametrize(
    ("error", "message"),
    [
        ("too many", "too many"),
        ("", "HTTP 503"),
        (None, "HTTP 503"),
        (5, "HTTP 503"),
        (["x"], "HTTP 503"),
        ({}, "HTTP 503"),
        ({"message": 5, "data": "x"}, "5"),
        ({"message": "no", "recovery": "Wait."}, "no. Wait."),
        ({"message": "no", "data": {"recovery": "Wait."}}, "no. Wait."),
    ],
)
def test_a_refusal_of_any_form_is_a_client_error(error: Any, message: str) -> None:
    refused = _refused(503, {"error": error})
    assert (str(refused), refused.status) == (message, 503)
    assert isinstance(refused.failure, dict)


@pytest.mark.parametrize(
    ("status", "body", "is_answer"),
    [
        (200, {"jsonrpc": "2.0", "result": {}}, True),
        (400, {"jsonrpc": "2.0", "error": {"code": 1, "message": "x"}}, True),
        (401, {"jsonrpc": "2.0", "error": {"code": 1, "message": "x"}}, False),
        (503, {"error": {"code": "mailbox_full", "message": "x"}}, False),
        (503, {"jsonrpc": "2.0", "error": "x"}, False),
        (200, {}, False),
    ],
)
def test_only_json_rpc_is_an_answer(status: int, body: Any, is_answer: bool) -> None:
    assert _is_answer(status, body) is is_answer
