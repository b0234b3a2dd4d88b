"""Idle memory: the proportional set size of the whole process tree, models not loaded, dashboard on."""

from __future__ import annotations

import time

import psutil

from .outcome import JSON, Bound, Run, say, table
from .processes import cpu_s, pss_bytes, title
from .served import Served, served

GIB = 1.5
_SETTLED = 0.005
_PAUSE_S = 3.0
_MIB = 2**20
_GIB = 2**30


def measure(run: Run) -> tuple[JSON, list[Bound]]:
    """MiB in all and of each process, once the sum moves no more, and the CPU time that rest takes."""
    with served(ml={"load": "never"}) as system:
        found = _settled(system, run.of(10, 3))
        idle_percent = _idle_percent(system, run.of(10, 3))
    total = sum(size for _, size in found)
    figures: JSON = {
        "total_gib": round(total / _GIB, 3),
        "idle_cpu_percent": idle_percent,
        "processes": [{"name": name, "pss_mib": round(size / _MIB, 1)} for name, size in found],
    }
    rows = [[each["name"], each["pss_mib"]] for each in figures["processes"]]
    say(table(("memory", "PSS MiB"), [*rows, ["in all", round(total / _MIB, 1)]]))
    say(f"memory: at rest the whole tree takes {idle_percent:g} % of one core")
    return figures, [Bound("memory.total_gib", figures["total_gib"], "GiB", "at_most", GIB)]


def _settled(system: Served, tries: int) -> list[tuple[str, int]]:
    say("memory: waiting for it to settle")
    last = 0
    found: list[tuple[str, int]] = []
    for _ in range(tries):
        time.sleep(_PAUSE_S)  # the figure is what it is at rest
        found = _sizes(system)
        total = sum(size for _, size in found)
        if abs(total - last) <= _SETTLED * total:
            break
        last = total
    return found


def _idle_percent(system: Served, seconds: int) -> float:
    before, began = cpu_s(system.processes()), time.monotonic()
    time.sleep(seconds)  # the figure is what it takes at rest
    after = cpu_s(system.processes())
    spent_s = sum(after[pid] - before[pid] for pid in before if pid in after)
    return round(spent_s / (time.monotonic() - began) * 100, 1)


def _sizes(system: Served) -> list[tuple[str, int]]:
    found = []
    for process in system.processes():
        try:
            found.append((title(process), pss_bytes(process.pid)))
        except psutil.Error:
            continue
    return sorted(found, key=lambda each: -each[1])
