"""What the record costs: writing it, with and without fsync, its size, sealing and checking it; in this process."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from aura_ia_mcp.actors.record import members
from aura_ia_mcp.actors.rules import Rules
from aura_ia_mcp.bus.envelope import Principal
from aura_ia_mcp.judgement import policy, roles
from aura_ia_mcp.judgement.policy import Facts
from aura_ia_mcp.stores.audit import AuditWriter
from aura_ia_mcp.stores.epoch_writer import EpochWriter
from aura_ia_mcp.stores.sealing import Sealer
from aura_ia_mcp.stores.verify import verify

from .calls import answered
from .outcome import JSON, Bound, Run, latencies, say, table

_ECHO = Facts("echo", "status", read_only=True)
_GUEST = Principal("guest", roles=("guest",))
_EPOCH_RECORDS = 50_000


def measure(run: Run) -> tuple[JSON, list[Bound]]:
    """{append, append_fsync, records, record_bytes, append_per_s, seal_per_s, verify_per_s}."""
    fields = _call()
    with tempfile.TemporaryDirectory(prefix="aura-bench-") as name:
        folder = Path(name)
        count = run.of(200_000, 5_000)
        figures: JSON = {
            "append": _appends(folder / "plain", fields, run.of(20_000, 1_000), fsync=False),
            "append_fsync": _appends(folder / "synced", fields, run.of(500, 20), fsync=True),
            "records": count,
        }
        figures |= _chain(folder / "audit", fields, count)
    rows = [
        [kind, figures[kind]["count"], f"{figures[kind]['p50_ms']:.4f}", f"{figures[kind]['p99_ms']:.4f}"]
        for kind in ("append", "append_fsync")
    ]
    say(table(("record", "times", "p50 ms", "p99 ms"), rows))
    rates = [[kind, f"{figures[f'{kind}_per_s']:.0f}"] for kind in ("append", "seal", "verify")]
    say(table((f"of {figures['record_bytes']:.0f} bytes", "records/s"), rates))
    bounds = [
        Bound("audit.append_per_s", figures["append_per_s"], "records/s", "at_least", 50_000),
        Bound("audit.verify_per_s", figures["verify_per_s"], "records/s", "at_least", 100_000),
    ]
    return figures, bounds


def _call() -> JSON:
    """The members of a usual call's record."""
    rules = Rules(policy.shipped(), roles.shipped())
    return members(answered(rules, _ECHO, _GUEST, time.time()), lambda text: "0" * 64)


def _appends(folder: Path, fields: JSON, count: int, *, fsync: bool) -> JSON:
    """Latencies of single records."""
    writer = AuditWriter(folder, "bench", b"k" * 32, fsync)
    times = []
    for _ in range(count):
        began = time.perf_counter()
        writer.append("call", fields)
        times.append(time.perf_counter() - began)
    writer.close()
    return latencies(times)


def _chain(folder: Path, fields: JSON, count: int) -> JSON:
    """Rates over many records of one writer: written, sealed, checked; and how long a record is."""
    writer = AuditWriter(folder, "bench", b"k" * 32)
    began = time.perf_counter()
    for _ in range(count):
        writer.append("call", fields)
    append_s = time.perf_counter() - began
    writer.close()
    sealer = Sealer(folder, EpochWriter(folder, Ed25519PrivateKey.generate()), _EPOCH_RECORDS)
    began = time.perf_counter()
    while sealer.seal():
        pass
    seal_s = time.perf_counter() - began
    began = time.process_time()
    found = verify(folder)
    verify_s = time.process_time() - began
    if not found.intact:
        raise RuntimeError(f"the record doesn't verify: {found.faults[0]}")
    size = sum(path.stat().st_size for path in (folder / "bench").iterdir())
    return {
        "record_bytes": round(size / found.checked, 1),
        "append_per_s": round(count / append_s),
        "seal_per_s": round(found.checked / seal_s),
        "verify_per_s": round(found.checked / verify_s),
    }
