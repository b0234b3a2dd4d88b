from __future__ import annotations

import pytest

from aura_ia_mcp.gateway.metrics import Metrics


def test_tools_beyond_the_bound_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aura_ia_mcp.gateway.metrics._MAX_TOOLS", 2)
    metrics = Metrics("1")
    for tool in ("a", "b", "c", "d", "a"):
        metrics.called(tool, "ok", 0.1, known=True)
    metrics.called("e", "ok", 0.1, known=False)
    lines = metrics.page()[0].decode().splitlines()
    counted = {line for line in lines if line.startswith("aura_tool_calls_total{")}
    assert counted == {
        'aura_tool_calls_total{outcome="ok",tool="a"} 2.0',
        'aura_tool_calls_total{outcome="ok",tool="b"} 1.0',
        'aura_tool_calls_total{outcome="ok",tool="other"} 3.0',
    }
    assert (metrics.calls, metrics.failures) == (6, 0)
