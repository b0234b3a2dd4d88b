"""How quickly recorded decisions are computed again: records of many tools, callers and outcomes, on the disk."""

from __future__ import annotations

import tempfile
import time
from importlib.resources import files
from pathlib import Path

from aura_ia_mcp.actors.record import members
from aura_ia_mcp.actors.rules import Rules
from aura_ia_mcp.bus.envelope import Principal
from aura_ia_mcp.cluster.replay import Records, replay, what_if
from aura_ia_mcp.configs.settings import Settings
from aura_ia_mcp.judgement import policy, roles
from aura_ia_mcp.judgement.policy import Facts
from aura_ia_mcp.stores.audit import AuditWriter
from aura_ia_mcp.stores.rules_archive import RulesArchive

from .calls import answered
from .outcome import JSON, Bound, Run, say, table

_TOOLS = [
    Facts(f"tool_{n}", "status" if n % 3 else "infer", read_only=n % 4 > 0, destructive=n % 4 == 0) for n in range(20)
]
_CALLERS = [Principal(f"token:{n}", roles=("guest",) if n % 2 else ("developer",)) for n in range(20)]
_POLICY = "version: 1\nrules: [{id: all, effect: allow}, {id: no_7, match: {tools: [tool_7]}, effect: deny}]\n"


def measure(run: Run) -> tuple[JSON, list[Bound]]:
    """{records, replay_per_s, what_if_per_s, bytes_per_record}."""
    count = run.of(50_000, 5_000)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write(folder, count)
        other = folder / "other.yaml"
        other.write_text(_POLICY)
        records = Records(Settings(), folder)
        began = time.perf_counter()
        found = replay(records)
        again_s = time.perf_counter() - began
        if found["same"] != count:
            raise RuntimeError(f"of {count} verdicts {found['same']} came out the same")
        began = time.perf_counter()
        what_if(records, other)
        other_s = time.perf_counter() - began
        size = records.size()
    figures = {
        "records": count,
        "replay_per_s": round(count / again_s),
        "what_if_per_s": round(count / other_s),
        "bytes_per_record": round(size / count),
    }
    say(table(("replay", "value"), [[name, str(value)] for name, value in figures.items()]))
    return figures, [Bound("replay.records_per_s", figures["replay_per_s"], "1/s", "at_least", 10_000)]


def _write(folder: Path, count: int) -> None:
    rules = Rules(policy.shipped(), roles.shipped())
    text = (files("aura_ia_mcp.configs") / "policy.yaml").read_text("utf-8")
    RulesArchive(folder).keep([text, roles.shipped_text()])
    writer = AuditWriter(folder, "safety-0", b"k" * 32)
    try:
        for number in range(count):
            tool, caller = _TOOLS[number % 20], _CALLERS[number // 20 % 20]
            writer.append("call", members(answered(rules, tool, caller, 1e9 + number), writer.digest))
    finally:
        writer.close()
