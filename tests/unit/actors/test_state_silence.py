"""What State says while its database hangs or fails."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from aura_ia_mcp.actors import state
from aura_ia_mcp.actors.state import State
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import Authenticate, Probe
from aura_ia_mcp.stores.records import RecordStore
from aura_ia_mcp.stores.tokens import TokenStore, digest

from .graph import Graph


class Hang:
    """Makes reads wait until it is over."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self.waiting = 0

    def of(self, *_: Any) -> None:
        self.waiting += 1
        assert self.over.wait(10)


@pytest.fixture
async def graph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Graph]:
    for name, value in (("_READ_S", 0.05), ("_LOOK_S", 0.05), ("_LOOK_BELIEVED_S", 0.0)):
        monkeypatch.setattr(state, name, value)
    graph = Graph(tmp_path)
    await graph.start("state", State)
    yield graph
    await graph.close()


@pytest.fixture
def hang(graph: Graph) -> Iterator[Hang]:
    hang = Hang()
    yield hang
    hang.over.set()


async def probed(graph: Graph) -> tuple[bool, str]:
    reply = await graph.request(Probe(), None, to="state")
    return reply["ready"], reply["parts"]["state/0"]["detail"]


async def test_a_token_that_cannot_be_looked_up_in_time_was_not_checked(
    graph: Graph, hang: Hang, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TokenStore, "find", hang.of)
    with pytest.raises(AuraError, match="doesn't answer") as caught:
        await graph.request(Authenticate(digest("t")), None, to="state")
    failure = caught.value.failure
    assert (failure.type, failure.code, failure.outcome) == ("unavailable", "unavailable", "not_run")
    assert failure.retry_after_s
    assert str(graph.paths.database) in failure.message
    assert graph.records("auth_failed") == []


async def test_a_probe_tells_of_a_database_that_hangs_and_looks_once_however_many_ask(
    graph: Graph, hang: Hang, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await probed(graph) == (True, "")
    with monkeypatch.context() as during:
        during.setattr(RecordStore, "get", hang.of)
        for _ in range(3):
            ready, why = await probed(graph)
            assert not ready
            assert f"{graph.paths.database} doesn't answer" in why
        assert hang.waiting == 1
    hang.over.set()
    await graph.actors["state"]._look._looking
    assert await probed(graph) == (True, "")


async def test_a_probe_tells_of_a_database_that_fails(graph: Graph) -> None:
    with closing(sqlite3.connect(graph.paths.database)) as other:
        other.execute("DROP TABLE records")
    ready, why = await probed(graph)
    assert not ready
    assert "can't be used: no such table" in why


async def test_a_probe_is_believed_for_a_while(graph: Graph) -> None:
    look = graph.actors["state"]._look
    look._believed_s = 60.0
    assert await probed(graph) == (True, "")
    with closing(sqlite3.connect(graph.paths.database)) as other:
        other.execute("DROP TABLE records")
    assert await probed(graph) == (True, "")
