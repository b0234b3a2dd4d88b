"""The record is sealed while the system runs, and whatever keeps it from that is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aura_ia_mcp.actors.audit import Audit
from aura_ia_mcp.actors.builtin.health import _reported
from aura_ia_mcp.actors.sealing import Sealing
from aura_ia_mcp.configs.settings import Audit as AuditSettings
from aura_ia_mcp.configs.settings import Settings
from aura_ia_mcp.stores.verify import verify

from .graph import Graph, until


@pytest.fixture
async def graph(tmp_path: Path) -> AsyncIterator[Graph]:
    graph = Graph(tmp_path, Settings(audit=AuditSettings(epoch_s=0.02, epoch_records=5)))
    yield graph
    await graph.close()


async def test_what_is_recorded_is_sealed_soon_and_the_rest_at_the_end(graph: Graph) -> None:
    writer = graph.boot("safety").audit
    await graph.start("audit", Audit)
    for n in range(12):
        writer.append("noted", {"n": n})
    await until(lambda: verify(graph.paths.audit).epochs > 0 and verify(graph.paths.audit).unsealed == 0)
    for n in range(12):
        writer.append("noted", {"n": n})
    await graph.end("audit")
    found = verify(graph.paths.audit)
    assert (found.intact, found.unsealed) == (True, 0)
    assert found.epochs >= 6
    assert graph.paths.audit_signing_key.stat().st_mode & 0o077 == 0


async def test_a_fault_is_told_and_sealing_goes_on_once_it_is_mended(graph: Graph) -> None:
    graph.boot("safety")
    graph.paths.audit_signing_key.parent.mkdir(parents=True)
    graph.paths.audit_signing_key.write_bytes(b"short")
    graph.paths.audit_signing_key.chmod(0o600)
    sealing = Sealing(graph.boot("audit"), lambda: 0)
    sealing.start()
    await until(lambda: "holds 5 bytes" in sealing.figures()["sealing_fault"])
    told = _reported({"audit/0": {"age_s": 0.1} | sealing.figures()})["audit/0"]
    assert (told["status"], "holds 5 bytes" in told["detail"]) == ("degraded", True)
    graph.paths.audit_signing_key.unlink()
    await until(lambda: sealing.figures()["sealed_records"] > 0)
    assert sealing.figures()["sealing_fault"] == ""
    await sealing.stop()
    await sealing.stop()


async def test_a_signing_key_that_is_lost_is_never_replaced_beside_what_it_signed(graph: Graph) -> None:
    graph.boot("safety")
    path, public = graph.paths.audit_signing_key, graph.paths.audit / "public_key.pem"
    sealing = Sealing(graph.boot("audit"), lambda: 0)
    sealing.start()
    await sealing.stop()
    key, signed = path.read_bytes(), public.read_bytes()
    path.unlink()
    sealing = Sealing(graph.boot("audit"), lambda: 0)
    sealing.start()
    await until(lambda: "audit.ed25519 is missing" in sealing.figures()["sealing_fault"])
    assert "restore it from a backup, or stop and move" in graph.records("sealing_failed")[0]["why"]
    public.unlink()
    path.write_bytes(b"n" * 32)
    path.chmod(0o600)
    await until(lambda: "isn't the key that signed" in sealing.figures()["sealing_fault"])
    assert not public.exists(), "no other key is shown as the one that signed"
    path.write_bytes(key)
    await until(lambda: sealing.figures()["sealed_records"] > 0)
    await sealing.stop()
    assert (sealing.figures()["sealing_fault"], public.read_bytes()) == ("", signed)
    assert verify(graph.paths.audit).intact


async def test_an_entry_torn_by_a_crash_is_told_by_a_record(graph: Graph) -> None:
    sealing = Sealing(graph.boot("audit"), lambda: 0)
    sealing.start()
    await sealing.stop()
    (file,) = (graph.paths.audit / "epochs").glob("*.jsonl")
    with file.open("ab") as torn:
        torn.write(b'{"v":1,"epoch":2,')
    sealing = Sealing(graph.boot("audit"), lambda: 0)
    sealing.start()
    await sealing.stop()
    (repaired,) = graph.records("repaired")
    assert repaired["file"] == f"epochs/{file.name}"
    assert verify(graph.paths.audit).intact
