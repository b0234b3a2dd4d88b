from __future__ import annotations

import asyncio
from typing import Any, cast
from unittest.mock import Mock

import pytest
from aiohttp import web

from aura_ia_mcp.gateway.sse import Outbox, pump


class Response:
    """A response whose client takes `most` writes and then reads no more."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.written: list[bytes] = []
        self.ended = False

    async def prepare(self, http: Any) -> None:
        """Nothing to prepare."""

    async def write(self, data: bytes) -> None:
        if len(self.written) >= self._most:
            await asyncio.Event().wait()
        self.written.append(data)

    async def write_eof(self) -> None:
        self.ended = True


async def pumped(response: Response) -> tuple[Mock, Outbox]:
    http, ready = Mock(spec=web.BaseRequest), asyncio.Event()
    outbox = Outbox(1000, ready)
    outbox.put(b"{}")
    outbox.finish()
    await asyncio.wait_for(pump(http, cast(web.StreamResponse, response), outbox, ready, 60.0), 5)
    return http, outbox


async def test_a_client_that_does_not_read_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aura_ia_mcp.gateway.sse.STALL_S", 0.0)
    response = Response(most=0)
    http, outbox = await pumped(response)
    http.transport.abort.assert_called_once_with()
    assert outbox.ended
    assert not response.ended


async def test_a_client_that_reads_gets_everything_and_the_end() -> None:
    response = Response(most=1)
    http, _ = await pumped(response)
    http.transport.abort.assert_not_called()
    assert (response.written, response.ended) == ([b"event: message\ndata: {}\n\n"], True)
