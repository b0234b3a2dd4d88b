"""Who waits for a start hears why it takes long."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from aura_ia_mcp.cluster import health


@asynccontextmanager
async def answering(path: Path, answers: list[tuple[int, object]]) -> AsyncIterator[None]:
    """A gateway that gives these answers, the last one for ever."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        status, body = answers.pop(0) if len(answers) > 1 else answers[0]
        writer.write(f"HTTP/1.1 {status} X\r\nConnection: close\r\n\r\n{json.dumps(body)}".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(answer, path)
    async with server:
        yield


@pytest.fixture
def ingress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(health, "_QUIET_S", -1.0)
    monkeypatch.setattr(health, "_PAUSE_S", 0.0)
    return tmp_path / "i.sock"


async def test_each_reason_is_told_once(ingress: Path) -> None:
    told: list[str] = []
    full = "safety: audit only {} bytes are free"
    answers: list[tuple[int, object]] = [
        (503, {"reasons": [full.format(12)]}),
        (503, {"reasons": [full.format(8), "tools: away"]}),
        (503, ["no object"]),
        (200, {}),
    ]
    async with answering(ingress, answers):
        await asyncio.wait_for(health.until_healthy(ingress, told.append), 10)
    assert told == [full.format(12), "tools: away"]


async def test_a_gateway_that_is_not_there_has_no_reasons(ingress: Path) -> None:
    assert await health.reasons(ingress) == []


async def test_a_quick_start_says_nothing(ingress: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_QUIET_S", 60.0)
    told: list[str] = []
    async with answering(ingress, [(503, {"reasons": ["tools: away"]}), (200, {})]):
        await asyncio.wait_for(health.until_healthy(ingress, told.append), 10)
    assert told == []
