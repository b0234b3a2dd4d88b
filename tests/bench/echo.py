"""A governed `tools/call` of `echo` beside a bare handler and the SDK's own server.

All contenders run all the while; a round gives each a burst at each concurrency, in an order that turns, so that
whatever else the machine does hits all alike. Differences and ratios are taken within a round, then their median.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import psutil

from .generator import WARM_S, Generator
from .outcome import JSON, Bound, Run, median, say, table
from .processes import Child, cpu_s, title, tree
from .served import PATH, served
from .wire import Call, Prepared, legacy, modern, open_session

CONCURRENCY = (1, 16, 64)
TEXT = "the quick brown fox jumps over the lazy dog"
CALL = Call("echo", {"text": TEXT})
ERAS = ("legacy", "modern")
ADDED_MS = 1.5  # system.md, section 5: with all of Safety on
OVER_STREAMS = 3.0
OVER_JSON = 1.5
_BACKGROUND = "Ray and the rest"
_CARRIERS = {"gateway_process": "gateway", "Safety": "safety", "Tools": "tools", "Records": "records"}


@dataclass(frozen=True)
class Contender:
    """One server, spoken to in one way.

    Args:
        name: as in the result.
        port: of its endpoint.
        clients: what each connection sends, in turn.
        processes: of the server.
    """

    name: str
    port: int
    clients: Sequence[Sequence[Prepared]]
    processes: Sequence[psutil.Process]


def measure(run: Run) -> tuple[JSON, list[Bound]]:
    """Figures by concurrency and contender, and the three bounds for both eras."""
    rounds, seconds = run.of(5, 2), run.of(3, 1) / 2
    with ExitStack() as stack:
        contenders = list(_contenders(stack))
        generator = stack.enter_context(Generator())
        bursts = list(_bursts(generator, contenders, rounds, seconds))
    return summarize(bursts, [contender.name for contender in contenders], rounds)


def summarize(bursts: Sequence[JSON], names: Sequence[str], rounds: int) -> tuple[JSON, list[Bound]]:
    """Medians over rounds, comparisons within rounds, and the bounds."""
    by_place = {(burst["round"], burst["clients"], burst["contender"]): burst for burst in bursts}

    def each(concurrency: int, name: str, figure: str) -> list[float]:
        return [by_place[number, concurrency, name][figure] for number in range(rounds)]

    figures: JSON = {"rounds": rounds, "audit": "on", "at": {}}
    for concurrency in CONCURRENCY:
        figures["at"][str(concurrency)] = {
            name: {
                figure: median(each(concurrency, name, figure))
                for figure in ("p50_ms", "p99_ms", "per_s", "cpu_us", "client_cpu_us")
            }
            | {"cpu_us_by_part": _parts([by_place[n, concurrency, name] for n in range(rounds)])}
            for name in names
        }
    compare = Comparison(each)
    figures["compared"] = compare.figures()
    say(_table(figures, names))
    return figures, compare.bounds()


@dataclass(frozen=True)
class Comparison:
    """Ours against theirs, round by round.

    Args:
        each: (concurrency, contender, figure) -> its value in each round.
    """

    each: Callable[[int, str, str], list[float]]

    def added_ms(self, era: str, concurrency: int = 1) -> list[float]:
        """How much later the median answer comes than the bare handler's."""
        return self._pairs(lambda ours, bare: ours - bare, era, "bare", concurrency, "p50_ms")

    def ratio(self, era: str, other: str, concurrency: int = 64) -> list[float]:
        """How many times as many calls are answered."""
        return self._pairs(lambda ours, theirs: ours / theirs, era, other, concurrency, "per_s")

    def figures(self) -> JSON:
        """Every comparison with its rounds."""
        found: JSON = {}
        for era in ERAS:
            found[f"added_ms.{era}.at_1"] = _spread(self.added_ms(era))
            for other in ("reference_sse", "reference_json", "reference_modern"):
                found[f"per_s_over_{other}.{era}.at_64"] = _spread(self.ratio(era, other))
        return found

    def bounds(self) -> list[Bound]:
        """Against the budget."""
        bounds = []
        for era in ERAS:
            bounds += [
                Bound(f"echo.added_ms.{era}", median(self.added_ms(era)), "ms", "at_most", ADDED_MS),
                Bound(
                    f"echo.throughput_over_reference_sse.{era}",
                    median(self.ratio(era, "reference_sse")),
                    "times",
                    "at_least",
                    OVER_STREAMS,
                ),
                Bound(
                    f"echo.throughput_over_reference_json.{era}",
                    median(self.ratio(era, "reference_json")),
                    "times",
                    "at_least",
                    OVER_JSON,
                ),
            ]
        return bounds

    def _pairs(
        self, join: Callable[[float, float], float], era: str, other: str, concurrency: int, figure: str
    ) -> list[float]:
        ours = self.each(concurrency, f"aura_{era}", figure)
        theirs = self.each(concurrency, other, figure)
        return [join(a, b) for a, b in zip(ours, theirs, strict=True)]


def _contenders(stack: ExitStack) -> Iterator[Contender]:
    most = max(CONCURRENCY)
    say("echo: starting the bare handler and the SDK's server")
    bare = stack.enter_context(Child("bare_server"))
    port, path = bare.hello["port"], bare.hello["path"]
    yield Contender("bare", port, [[legacy(port, path, "none", CALL)]] * most, tree(bare.pid))
    for mode in ("sse", "json"):
        server = stack.enter_context(Child("reference_server", mode))
        port, path = server.hello["port"], server.hello["path"]
        sessions = [open_session(port, path) for _ in range(most)]
        prepared = [[legacy(port, path, session, CALL)] for session in sessions]
        yield Contender(f"reference_{mode}", port, prepared, tree(server.pid))
        if mode == "json":
            yield Contender("reference_modern", port, [[modern(port, path, CALL)]] * most, tree(server.pid))
    say("echo: starting the system")
    yield from stack.enter_context(_ours(most))


@contextmanager
def _ours(most: int) -> Iterator[list[Contender]]:
    with served(ml={"load": "never"}) as system:
        processes = system.processes()
        sessions = [open_session(system.port, PATH) for _ in range(most)]
        yield [
            Contender(
                "aura_legacy",
                system.port,
                [[legacy(system.port, PATH, session, CALL)] for session in sessions],
                processes,
            ),
            Contender("aura_modern", system.port, [[modern(system.port, PATH, CALL)]] * most, processes),
        ]


def _bursts(generator: Generator, contenders: Sequence[Contender], rounds: int, seconds: float) -> Iterator[JSON]:
    for contender in contenders:
        generator.burst(contender.port, contender.clients[:16], TEXT, seconds)
    for number in range(rounds):
        say(f"echo: round {number + 1} of {rounds}")
        turn = number % len(contenders)
        for concurrency in CONCURRENCY:
            for contender in [*contenders[turn:], *contenders[:turn]]:
                figures = _burst(generator, contender, concurrency, seconds)
                yield figures | {"round": number, "clients": concurrency, "contender": contender.name}


def _burst(generator: Generator, contender: Contender, concurrency: int, seconds: float) -> JSON:
    before = cpu_s(contender.processes)
    figures = generator.burst(contender.port, contender.clients[:concurrency], TEXT, seconds)
    after = cpu_s(contender.processes)
    spent_us = {
        process: (after[process.pid] - before[process.pid]) * 1e6
        for process in contender.processes
        if process.pid in before and process.pid in after
    }
    # The CPU time spans the burst's warm-up too, which is not in its count: scale by time.
    calls = figures["per_s"] * (figures["seconds"] + WARM_S)
    figures["cpu_us"] = sum(spent_us.values()) / calls
    figures["cpu_us_by_part"] = _by_part(spent_us, calls)
    return figures


def _by_part(spent_us: Mapping[psutil.Process, float], calls: float) -> JSON:
    parts: dict[str, float] = {}
    for process, spent in spent_us.items():
        try:
            name = title(process)
        except psutil.Error:
            continue
        part = next((part for mark, part in _CARRIERS.items() if mark in name), _BACKGROUND)
        parts[part] = parts.get(part, 0.0) + spent / calls
    return parts


def _parts(bursts: Iterable[JSON]) -> JSON:
    found = [burst["cpu_us_by_part"] for burst in bursts]
    return {part: median([each.get(part, 0.0) for each in found], 1) for part in sorted({p for f in found for p in f})}


def _spread(values: Sequence[float]) -> JSON:
    return {"median": median(values), "rounds": [round(value, 3) for value in values]}


def _table(figures: JSON, names: Sequence[str]) -> str:
    rows = [
        [name, concurrency, each["p50_ms"], each["p99_ms"], each["per_s"], round(each["cpu_us"])]
        for concurrency, found in figures["at"].items()
        for name in names
        for each in [found[name]]
    ]
    return table(("echo", "clients", "median ms", "p99 ms", "calls/s", "server CPU us"), rows)
