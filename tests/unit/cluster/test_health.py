"""Who waits for a start hears why it takes long; a gateway that hangs is ended."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest

from aura_ia_mcp.cluster import health
from aura_ia_mcp.cluster.child import Child


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


class Gateway:
    """A process that has another pid after each end."""

    def __init__(self) -> None:
        self.pid = 1
        self.ready = asyncio.Event()
        self.ready.set()
        self.ended = asyncio.Event()

    def end(self) -> None:
        self.pid += 1
        self.ended.set()


@asynccontextmanager
async def hung(path: Path, after: int) -> AsyncIterator[None]:
    """A gateway that answers so many times, and from then on takes connections and says nothing."""
    left = after
    open_: set[asyncio.Task[None] | None] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal left
        left -= 1
        open_.add(asyncio.current_task())
        if left >= 0:
            writer.write(b"HTTP/1.1 503 Busy\r\n\r\n")
        else:
            while await reader.read(4096):
                pass
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_unix_server(answer, path)
    async with server:
        yield
        await asyncio.sleep(0.01)  # what was connected last is accepted
        await asyncio.wait_for(asyncio.gather(*filter(None, open_), return_exceptions=True), 5.0)


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> tuple[Gateway, list[str]]:
    monkeypatch.setattr(health, "_LOOK_S", 0.0)
    monkeypatch.setattr(health, "_LIVE_S", 0.02)
    return Gateway(), []


async def test_a_gateway_that_takes_connections_and_says_nothing_is_ended(
    tmp_path: Path, watched: tuple[Gateway, list[str]]
) -> None:
    gateway, told = watched
    async with hung(tmp_path / "i.sock", after=3), asyncio.timeout(10):
        watching = asyncio.create_task(health.restart_when_hung(cast(Child, gateway), tmp_path / "i.sock", told.append))
        await gateway.ended.wait()
        watching.cancel()
        await asyncio.wait({watching})
    assert told == ["the gateway (pid 1) lives and didn't answer 4 times in a row; ending it"]


async def test_a_gateway_that_is_not_ready_is_left_alone(tmp_path: Path, watched: tuple[Gateway, list[str]]) -> None:
    gateway, told = watched
    gateway.ready.clear()
    watching = asyncio.create_task(health.restart_when_hung(cast(Child, gateway), tmp_path / "i.sock", told.append))
    for _ in range(50):
        await asyncio.sleep(0)
    watching.cancel()
    assert (told, gateway.ended.is_set()) == ([], False)


async def test_misses_of_an_earlier_life_do_not_count(
    tmp_path: Path, watched: tuple[Gateway, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway, told = watched
    looks = 0

    async def answers(_: Path) -> bool:
        nonlocal looks
        looks += 1
        gateway.pid += looks % 3 == 0  # it died, and another life began, between two looks
        if looks == 30:
            raise asyncio.CancelledError
        return False

    monkeypatch.setattr(health, "answers", answers)
    with pytest.raises(asyncio.CancelledError):
        await health.restart_when_hung(cast(Child, gateway), tmp_path / "i.sock", told.append)
    assert told == []


@pytest.mark.parametrize(("after", "answered"), [(1, True), (0, False)])
async def test_a_refusal_is_an_answer_and_silence_is_none(
    tmp_path: Path, watched: tuple[Gateway, list[str]], after: int, answered: bool
) -> None:
    async with hung(tmp_path / "i.sock", after):
        assert await health.answers(tmp_path / "i.sock") is answered
    assert await health.answers(tmp_path / "nobody.sock") is False
