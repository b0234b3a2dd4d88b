"""Writes the figures of a run into `docs/performance.md`: `python -m tests.bench.page RESULT.json`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from .outcome import JSON
from .processes import ROOT

PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- figures: written by tests/bench/page.py -->", "<!-- end of figures -->"
_SIGNS = {"at_most": "at most", "at_least": "at least"}


def insert(page: str, result: JSON) -> str:
    """The page with the figures between its two marks.

    Raises:
        ValueError: it doesn't have them.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE.name} has no place for the figures: {BEGIN} ... {END}")
    return f"{before}{BEGIN}\n\n{render(result)}\n{END}{after}"


def render(result: JSON) -> str:
    """The figures as Markdown; what wasn't measured is left out."""
    figures = result["figures"]
    sections = {"echo": _echo, "hops": _hops, "embedding": _embedding, "startup": _startup, "memory": _memory}
    sections |= {"audit": _audit, "replay": _replay, "approval": _approval, "judging": _judging}
    parts = [_machine(result), _bounds(result["bounds"])]
    parts += [section(figures[name]) for name, section in sections.items() if name in figures]
    return "\n".join(parts)


def _machine(result: JSON) -> str:
    machine, load = result["machine"], result["load_average"]
    loads = [load["before"][0], *(figure["load_average_after"][0] for figure in result["figures"].values())]
    return (
        f"{result['date'][:10]}, {machine['cores']} cores, {machine['memory_gib']:g} GiB, {machine['architecture']}, "
        f"Python {machine['python']}, Ray {machine['versions']['ray']}, mcp {machine['versions']['mcp']}. "
        f"Load average during the run: {min(loads):g} to {max(loads):g}.\n"
    )


def _bounds(bounds: Iterable[JSON]) -> str:
    rows = [
        [
            each["figure"],
            f"{each['value']:g} {each['unit']}".strip(),
            f"{_SIGNS[each['side']]} {each['bound']:g}",
            "yes" if each["holds"] else "**no**",
        ]
        for each in bounds
    ]
    return _table(["bound", "measured", "limit", "holds"], rows)


def _echo(figures: JSON) -> str:
    rows = [
        [
            name,
            clients,
            f"{each['p50_ms']:.2f}",
            f"{each['p99_ms']:.1f}",
            f"{each['per_s']:.0f}",
            f"{each['cpu_us']:.0f}",
        ]
        for clients, found in figures["at"].items()
        for name, each in found.items()
    ]
    return _table(["echo", "in flight", "median ms", "p99 ms", "calls/s", "server CPU us"], rows)


def _hops(figures: JSON) -> str:
    rows = [
        [name, hops, f"{each['p50_ms']:.3f}", f"{each['p99_ms']:.2f}", f"{each['per_s']:.0f}"]
        for name, by_hops in figures["by_transport"].items()
        for hops, each in by_hops.items()
    ]
    return _table(["bus alone", "hops", "median ms", "p99 ms", "messages/s at 64"], rows)


def _embedding(figures: JSON) -> str:
    rows = [
        [title, f"{figures[name]['per_s']:.0f}", f"{figures[name]['cpu_ms']:.2f}"]
        for title, name in (("directly, in batches", "direct"), ("through the system", "through"))
    ]
    return _table(["embedding", "texts/s", "worker CPU ms a text"], rows)


def _startup(figures: JSON) -> str:
    starts = ", ".join(f"{each['seconds']:g}" for each in figures["starts"])
    return f"Start-up: {figures['median_s']:g} s ({starts}), {figures['median_cpu_s']:g} s of CPU.\n"


def _memory(figures: JSON) -> str:
    by_name: dict[str, float] = {}
    for each in figures["processes"]:
        name = "Ray's dashboard" if each["name"].startswith("ray-dashboard") else each["name"]
        by_name[name] = by_name.get(name, 0.0) + each["pss_mib"]
    rows = [[name, f"{size:.0f}"] for name, size in sorted(by_name.items(), key=lambda item: -item[1])]
    rest = f"At rest the whole tree takes {figures['idle_cpu_percent']:g} % of one core.\n"
    return _table(["memory", "PSS MiB"], [*rows, ["in all", f"{figures['total_gib'] * 1024:.0f}"]]) + "\n" + rest


def _audit(figures: JSON) -> str:
    times = [
        [name, f"{figures[kind]['p50_ms'] * 1000:.1f}", f"{figures[kind]['p99_ms'] * 1000:.1f}"]
        for name, kind in (("record", "append"), ("record, with fsync", "append_fsync"))
    ]
    rates = [[name, f"{figures[f'{name}_per_s']:,}"] for name in ("append", "seal", "verify")]
    size = f"A usual call's record has {figures['record_bytes']:.0f} bytes.\n"
    return "\n".join([_table(["audit", "median us", "p99 us"], times), _table(["audit", "records/s"], rates), size])


def _replay(figures: JSON) -> str:
    rows = [[title, f"{figures[name]:,}"] for title, name in (("replay", "replay_per_s"), ("what-if", "what_if_per_s"))]
    return _table(["decided again", "records/s"], rows)


def _approval(figures: JSON) -> str:
    rows = [
        [title, f"{figures[name]['p50_ms']:.1f}", f"{figures[name]['p99_ms']:.1f}"]
        for title, name in (
            ("the call is held", "held"),
            ("an operator agrees", "decided"),
            ("the same call runs", "run"),
            ("all three", "whole"),
        )
    ]
    return _table(["approval", "median ms", "p99 ms"], rows)


def _judging(figures: JSON) -> str:
    rows = [
        [f"{group}, {name}" if name else group, f"{each['p50_ms']:.3f}", f"{each['p99_ms']:.3f}"]
        for group, found in figures.items()
        if isinstance(found, dict)
        for name, each in (found.items() if "p50_ms" not in found else [("", found)])
    ]
    return _table(["judgement alone", "median ms", "p99 ms"], rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [list(head), ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(insert(PAGE.read_text(), json.loads(Path(sys.argv[1]).read_text())))
