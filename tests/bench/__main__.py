"""`python -m tests.bench`: measures, prints JSON on standard output and tables on standard error.

Exit code: 0 when it ran; with `--strict` 1 if a bound of the budget doesn't hold; 2 when a figure
couldn't be taken.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from . import approving, auditing, echo, embedding, hops, judging, machine, memory, replay, startup
from .outcome import JSON, Bound, Run, say, table

Figure = Callable[[Run], tuple[JSON, list[Bound]]]

FIGURES: dict[str, Figure] = {
    "echo": echo.measure,
    "hops": hops.measure,
    "embedding": embedding.measure,
    "startup": startup.measure,
    "memory": memory.measure,
    "judging": judging.measure,
    "audit": auditing.measure,
    "approval": approving.measure,
    "replay": replay.measure,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what was asked for."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _leave)
    try:
        result = measure(options.only or list(FIGURES), Run(quick=options.quick))
    except KeyboardInterrupt:
        say("bench: interrupted")
        return 2
    text = json.dumps(result, indent=1)
    if options.out is None:
        print(text)
    else:
        options.out.write_text(text + "\n")
    if result["failed"]:
        return 2
    return 1 if options.strict and not all(bound["holds"] for bound in result["bounds"]) else 0


def measure(names: Sequence[str], run: Run) -> JSON:
    """{date, quick, machine, quiet, load_average, figures, bounds, failed}; one that fails doesn't end the rest."""
    result: JSON = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": run.quick,
        "machine": machine.facts(),
        "quiet": machine.quiet(),
        "load_average": {"before": machine.load_average()},
        "figures": {},
        "bounds": [],
        "failed": {},
    }
    if not result["quiet"]:
        say("bench: this machine is busy; ratios are rough, and times are too long")
    for name in names:
        began = time.monotonic()
        try:
            figures, bounds = FIGURES[name](run)
        except (RuntimeError, OSError, TimeoutError) as error:
            say(f"{name} could not be measured: {error}")
            result["failed"][name] = str(error)
            continue
        took_s = round(time.monotonic() - began, 1)
        result["figures"][name] = figures | {"took_s": took_s, "load_average_after": machine.load_average()}
        result["bounds"] += [bound.as_dict() for bound in bounds]
    result["load_average"]["after"] = machine.load_average()
    if result["bounds"]:
        say(_verdicts(result["bounds"]))
    return result


def _verdicts(bounds: Sequence[JSON]) -> str:
    signs = {"at_most": "<=", "at_least": ">="}
    rows = [
        [
            each["figure"],
            f"{each['value']:g} {each['unit']}".strip(),
            f"{signs[each['side']]} {each['bound']:g}",
            _holds(each),
        ]
        for each in bounds
    ]
    return table(("bound", "value", "limit", "holds"), rows)


def _holds(bound: JSON) -> str:
    return "yes" if bound["holds"] else "NO"


def _leave(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure what the system costs.")
    parser.add_argument(
        "--only", action="append", choices=list(FIGURES), metavar="NAME", help="this figure; repeatable"
    )
    parser.add_argument("--quick", action="store_true", help="fewer, shorter rounds")
    parser.add_argument("--strict", action="store_true", help="exit with 1 if a bound doesn't hold")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the JSON there")
    return parser


if __name__ == "__main__":
    sys.exit(main())
