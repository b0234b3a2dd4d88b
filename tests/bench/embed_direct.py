"""The encoder called directly: batches one after the other in one thread, no queue and no messages.

The first line of input is {"texts", "in_flight", "max_batch"}; each further one, {"seconds"}, is answered with
{"per_s", "batch"}. Texts are cut into lots of those in flight, and each lot into batches as the worker would.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
from collections.abc import Iterator, Sequence

from aura_ia_mcp.models.batching import Limits, plan
from aura_ia_mcp.models.minilm import Encoder

from .outcome import JSON
from .processes import tell


def batches(encoder: Encoder, texts: Sequence[str], in_flight: int, max_batch: int) -> list[list[str]]:
    """The batches of all lots, in order."""
    found = []
    for start in range(0, len(texts), in_flight):
        lot = texts[start : start + in_flight]
        groups = plan(encoder.count_tokens(lot), max_batch, Limits().max_tokens)
        found += [[lot[index] for index in group] for group in groups]
    return found


def measure(encoder: Encoder, work: Iterator[list[str]], seconds: float) -> JSON:
    """Encode batches for so long: {per_s, batch}, the latter the mean size."""
    began, cpu = time.perf_counter(), time.process_time()
    texts = count = 0
    while time.perf_counter() - began < seconds:
        texts += len(encoder.forward(next(work)).embeddings)
        count += 1
    took, cpu = time.perf_counter() - began, time.process_time() - cpu
    return {"per_s": round(texts / took, 1), "batch": round(texts / count, 1), "cpu_ms": round(cpu / texts * 1000, 3)}


def main() -> None:
    """Load, then answer until the input ends."""
    tell({"ready": True})
    order = json.loads(sys.stdin.readline())
    encoder = Encoder.load(device="cpu", threads=1)
    work = itertools.cycle(batches(encoder, order["texts"], order["in_flight"], order["max_batch"]))
    tell({"ready": True})
    for line in sys.stdin:
        tell(measure(encoder, work, json.loads(line)["seconds"]))


if __name__ == "__main__":
    main()
