"""What the tests of governed calls share: Safety and Tools with a source of the tests' own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aura_ia_mcp.actors.safety import Safety
from aura_ia_mcp.actors.tools import Tools

from ..graph import Graph
from .fixtures import Fixtures


@pytest.fixture
def fixtures() -> Fixtures:
    return Fixtures()


@pytest.fixture
async def graph(tmp_path: Path, fixtures: Fixtures) -> AsyncIterator[Graph]:
    graph = Graph(tmp_path)
    await graph.start("tools", Tools, lambda: fixtures)
    await graph.start("safety", Safety)
    yield graph
    await graph.close()
