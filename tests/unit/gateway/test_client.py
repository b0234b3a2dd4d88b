from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from aura_ia_mcp.gateway import client as module
from aura_ia_mcp.gateway.client import Client, ClientError, NotRunningError, _is_answer, _refused


@pytest.fixture
async def hung(tmp_path: Path) -> AsyncIterator[Path]:
    """The socket of a system that takes connections and never answers."""
    closed = asyncio.Event()

    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await closed.wait()
        writer.close()

    path = tmp_path / "hung.sock"
    server = await asyncio.start_unix_server(never, path)
    yield path
    server.close()
    closed.set()
    await server.wait_closed()


async def test_a_system_that_hangs_is_given_up(hung: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ASK_S", 0.1)
    monkeypatch.setattr(module, "_SPARE_S", 0.1)
    async with asyncio.timeout(5), Client(hung) as client:
        for attempt in (client.list_tools(), client.health()):
            with pytest.raises(ClientError, match=r"did not answer within 0\.1 s") as hangs:
                await attempt
            assert not isinstance(hangs.value, NotRunningError)
        with pytest.raises(ClientError, match=r"did not answer the call within 0\.2 s") as given_up:
            await client.call_tool("echo", {}, timeout_s=0.1)
        assert not isinstance(given_up.value, NotRunningError)


async def test_a_call_without_a_deadline_is_given_up_when_nothing_comes(
    hung: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SILENCE_S", 0.1)
    async with asyncio.timeout(5), Client(hung) as client:
        with pytest.raises(ClientError, match="said nothing"):
            await client.call_tool("echo", {})


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
