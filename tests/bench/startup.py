"""Start-up: from `aura serve` to the first answered call, warm, dashboard on, the model loading in the background."""

from __future__ import annotations

from .outcome import JSON, Bound, Run, median, say, table
from .processes import cpu_s
from .served import Served, served

SECONDS = 20.0


def measure(run: Run) -> tuple[JSON, list[Bound]]:
    """Seconds of each start, and their median; a first start, which warms the disk's cache, doesn't count."""
    count = run.of(5, 1)
    starts = []
    for number in range(count + 1):
        with served(ml={"load": "start"}) as system:
            found = {"seconds": round(system.started_in_s, 2), "cpu_s": round(_spent_s(system), 2)}
        say(f"startup: {'warm-up' if not number else f'{number} of {count}'}: {found['seconds']} s")
        starts.append(found)
    warm = starts[1:]
    figures: JSON = {
        "median_s": median((each["seconds"] for each in warm), 2),
        "median_cpu_s": median((each["cpu_s"] for each in warm), 2),
        "starts": warm,
        "warm_up": starts[0],
    }
    say(table(("startup", "seconds", "CPU s"), [["median", figures["median_s"], figures["median_cpu_s"]]]))
    return figures, [Bound("startup.median_s", figures["median_s"], "s", "at_most", SECONDS)]


def _spent_s(system: Served) -> float:
    return sum(cpu_s(system.processes()).values())
