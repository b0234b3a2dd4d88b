"""Embeddings through the whole system, one text a call and 64 calls in flight, beside the encoder called directly.

The same texts in batches of the same size, one torch thread each, in turns. The calls take the whole way (HTTP,
gateway, Safety, Tools, worker), so what is measured is more than the bus.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import ExitStack

import psutil

from tests.support.system import until

from .generator import WARM_S, Generator
from .outcome import JSON, Bound, Run, median, say, table
from .processes import Child, cpu_s, title
from .served import PATH, Served, served
from .wire import Call, Prepared, modern, shares

IN_FLIGHT = 64
SHARE = 0.9
_TEXTS = 1024
_LOADED_S = 120.0
_WORKER = "MLWorker"
_EXPECT = '"vectors"'
_WORDS = """
    the a every some good bad old new small great red early late happy sad angry quiet
    meeting train garden river city teacher doctor dinner music winter holiday bridge window orchard was is
    seems became felt looked sounded stayed went came again today yesterday tomorrow often because
    although while and but so very quite rather almost nearly with after under over near
""".split()  # noqa: SIM905 - reads better than seventy quoted words


def measure(run: Run) -> tuple[JSON, list[Bound]]:
    """Texts a second of both, and the share that is left of the direct one."""
    rounds, seconds = run.of(12, 3), 2.0
    texts = corpus(_TEXTS)
    with ExitStack() as stack:
        say("embedding: starting the system and loading the model twice")
        system = stack.enter_context(served())
        until("the model to be loaded", lambda: system.answers(Call("embed_text", {"texts": ["ready?"]})), _LOADED_S)
        direct = stack.enter_context(Child("embed_direct"))
        max_batch = system.settings.ml.max_batch
        direct.ask({"texts": texts, "in_flight": IN_FLIGHT, "max_batch": max_batch})
        generator = stack.enter_context(Generator())
        prepared = [modern(system.port, PATH, Call("embed_text", {"texts": [text]})) for text in texts]
        through = Through(system, generator, shares(prepared, IN_FLIGHT))
        found = []
        for number in range(rounds):
            say(f"embedding: round {number + 1} of {rounds}")
            turns = [("through", lambda: through.burst(seconds)), ("direct", lambda: direct.ask({"seconds": seconds}))]
            found.append({name: measured() for name, measured in (turns if number % 2 else reversed(turns))})
    return summarize(found)


def summarize(found: Sequence[JSON]) -> tuple[JSON, list[Bound]]:
    """Medians over the rounds, and the bound on the median of their ratios."""
    ratios = [each["through"]["per_s"] / each["direct"]["per_s"] for each in found]
    figures: JSON = {
        "in_flight": IN_FLIGHT,
        "rounds": len(found),
        "through": _medians([each["through"] for each in found]),
        "direct": _medians([each["direct"] for each in found]),
        "share": {"median": median(ratios), "rounds": [round(ratio, 3) for ratio in ratios]},
    }
    through, direct = figures["through"], figures["direct"]
    # CPU time says the same on a busy machine, where who gets the cores decides the other ratio.
    figures["share_by_worker_cpu"] = round(direct["cpu_ms"] / through["cpu_ms"], 3)
    rows = [
        ["directly, in batches", direct["per_s"], direct["cpu_ms"]],
        ["through the system", through["per_s"], through["cpu_ms"]],
    ]
    say(table(("embedding", "texts/s", "worker CPU ms/text"), rows))
    return figures, [Bound("embedding.share_of_direct", median(ratios), "", "at_least", SHARE)]


def corpus(count: int) -> list[str]:
    """Sentences of 4 to 40 words, the same each time, none twice; of words with which nobody is told what to do."""
    choose = random.Random(7)
    lengths = [choose.choice((4, 6, 8, 10, 12, 16, 20, 28, 40)) for _ in range(count)]
    return [" ".join([*choose.choices(_WORDS, k=length), str(number)]) for number, length in enumerate(lengths)]


class Through:
    """The way through the system.

    Args:
        system: with its model loaded.
        generator: sends the calls.
        clients: what each of them sends, in turn.
    """

    def __init__(self, system: Served, generator: Generator, clients: Sequence[Sequence[Prepared]]) -> None:
        self._port = system.port
        self._generator = generator
        self._clients = clients
        self._workers = [process for process in system.processes() if _is_worker(process)]

    def burst(self, seconds: float) -> JSON:
        """Send for so long: {per_s, p50_ms, p99_ms, worker_cpu_ms, ...}, the last one per text."""
        before = cpu_s(self._workers)
        figures = self._generator.burst(self._port, self._clients, _EXPECT, seconds)
        spent_s = sum(cpu_s(self._workers).values()) - sum(before.values())
        # The CPU time spans the burst's warm-up too, which is not in its count: scale by time.
        texts = figures["per_s"] * (figures["seconds"] + WARM_S)
        return figures | {"cpu_ms": round(spent_s / texts * 1000, 3)}


def _is_worker(process: psutil.Process) -> bool:
    try:
        return _WORKER in title(process)
    except psutil.Error:
        return False


def _medians(rounds: Sequence[JSON]) -> JSON:
    return {figure: median(each[figure] for each in rounds) for figure in rounds[0] if figure != "count"}
