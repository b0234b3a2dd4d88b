"""The language layer while there is no engine: it says so, and makes nothing up."""

from __future__ import annotations

from pathlib import Path

import pytest

from aura_ia_mcp.actors.language import Language
from aura_ia_mcp.bus.envelope import Header
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import Compose

from .graph import GUEST, Graph


async def test_it_is_unavailable_with_what_stands_without_it(tmp_path: Path) -> None:
    graph = Graph(tmp_path)
    await graph.start("language", Language)
    reasoning = await graph.peer("reasoning")
    with pytest.raises(AuraError) as caught:
        await reasoning.request("language", Compose("how are you", []), header=Header(principal=GUEST))
    await graph.close()
    failure = caught.value.failure
    assert (failure.code, failure.outcome) == ("unavailable", "not_run")
    assert "no language engine" in failure.message
    assert "results" in failure.recovery
