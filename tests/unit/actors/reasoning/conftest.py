"""Reasoning above a Workflow and a Language of its own, with the rest in the test's hand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aura_ia_mcp.actors.language import Language
from aura_ia_mcp.actors.reasoning import Reasoning
from aura_ia_mcp.actors.workflow import Workflow

from ..graph import Graph, until
from ..inside import Inside


@pytest.fixture
async def inside(tmp_path: Path) -> AsyncIterator[Inside]:
    inside = Inside(Graph(tmp_path))
    await inside.start()
    await inside.graph.start("workflow", Workflow)
    await inside.graph.start("language", Language)
    reasoning = await inside.graph.start("reasoning", Reasoning)
    await until(lambda: reasoning._follower.now is not None)
    yield inside
    await inside.graph.close()
