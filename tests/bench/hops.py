"""The bus alone: what a hop costs on each transport, from 1 to 6 hops between separate processes or actors."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from typing import Protocol

from aura_ia_mcp.bus.keys import new_root
from aura_ia_mcp.cluster.tls import Authority
from tests.support.system import free_ports

from .chain import HOPS, IN_FLIGHT
from .outcome import JSON, Bound, Run, median, say, table
from .processes import Child


class Asks(Protocol):
    """What answers {"hops", "seconds"}."""

    def ask(self, question: JSON) -> JSON:
        """See `Child.ask`."""


def measure(run: Run) -> tuple[JSON, list[Bound]]:
    """Figures by transport and number of hops; the budget bounds none of them."""
    rounds, seconds = run.of(3, 1), run.of(4, 1) / 4
    with ExitStack() as stack:
        chains: dict[str, Asks] = {}
        for transport, start in {"local": _local, "unix": _unix, "tls": _tls, "ray": _ray}.items():
            say(f"hops: starting {transport}")
            chains[transport] = stack.enter_context(start())
        found: dict[str, dict[int, list[JSON]]] = {name: {hops: [] for hops in range(1, HOPS + 1)} for name in chains}
        for number in range(rounds):
            say(f"hops: round {number + 1} of {rounds}")
            for hops in range(1, HOPS + 1):
                for name, chain in chains.items():
                    found[name][hops].append(chain.ask({"hops": hops, "seconds": seconds}))
    figures = {name: {str(hops): _medians(each) for hops, each in by_hops.items()} for name, by_hops in found.items()}
    say(_table(figures))
    per_hop_us = {name: _per_hop_us(by_hops) for name, by_hops in figures.items()}
    return {"rounds": rounds, "in_flight": IN_FLIGHT, "per_hop_us": per_hop_us, "by_transport": figures}, []


def _medians(rounds: list[JSON]) -> JSON:
    return {figure: median(each[figure] for each in rounds) for figure in ("p50_ms", "p99_ms", "per_s")}


def _per_hop_us(by_hops: JSON) -> float:
    """What each hop after the first adds to the median, in microseconds."""
    added: float = by_hops[str(HOPS)]["p50_ms"] - by_hops["1"]["p50_ms"]
    return round(added / (HOPS - 1) * 1000, 1)


@contextmanager
def _local() -> Iterator[Asks]:
    with Child("hop_local") as child:
        yield child


@contextmanager
def _ray() -> Iterator[Asks]:
    with Child("hop_ray") as child:
        yield child


@contextmanager
def _unix() -> Iterator[Asks]:
    with tempfile.TemporaryDirectory(prefix="aura-") as folder:
        uris = [f"unix:{folder}/r{number}-0.sock" for number in range(1, HOPS + 1)]
        with _sockets(folder, {"root": new_root().hex(), "uris": uris, "tls": None}) as chain:
            yield chain


@contextmanager
def _tls() -> Iterator[Asks]:
    uris = [f"tls://127.0.0.1:{port}" for port in free_ports(HOPS)]
    with _sockets("", {"root": new_root().hex(), "uris": uris, "tls": asdict(Authority().issue("bench"))}) as chain:
        yield chain


@contextmanager
def _sockets(folder: str, first: JSON) -> Iterator[Asks]:
    with ExitStack() as stack:
        children = [stack.enter_context(Child("hop_socket", str(number), folder)) for number in range(HOPS, -1, -1)]
        for child in children:
            child.ask(first)
        yield children[-1]


def _table(figures: JSON) -> str:
    rows = [
        [name, hops, each["p50_ms"], each["p99_ms"], each["per_s"]]
        for name, by_hops in figures.items()
        for hops, each in by_hops.items()
    ]
    return table(("bus alone", "hops", "median ms", "p99 ms", "messages/s"), rows)
