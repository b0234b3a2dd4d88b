"""`python -m tests.torture --kills N --seed S [--json]`: exit status 1 if anything that was promised is broken."""

from __future__ import annotations

import argparse
import json
import random
import sys
import time

from .run import Outcome, torture


def main() -> int:
    """Run it; progress goes to standard error."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="how many processes are killed")
    parser.add_argument("--seed", type=int, default=None, help="repeats a run's victims, pauses and choices")
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON")
    given = parser.parse_args()
    seed = random.SystemRandom().randrange(1_000_000) if given.seed is None else given.seed
    began = time.monotonic()

    def tell(line: str) -> None:
        print(f"[{time.monotonic() - began:7.1f} s] {line}", file=sys.stderr, flush=True)

    tell(f"seed {seed}, {given.kills} kills")
    outcome = torture(given.kills, seed, tell)
    print(json.dumps(outcome.as_dict(), indent=2) if given.json else _page(outcome))
    return 1 if outcome.broken else 0


def _page(outcome: Outcome) -> str:
    lines = [
        f"{outcome.kills} kills in {outcome.seconds:.0f} s, seed {outcome.seed}: "
        f"{sum(outcome.answers.values())} answers, "
        f"{outcome.runs} runs that write, {outcome.records} records, approvals {outcome.approvals}",
        f"answers: {outcome.answers}; decisions: {outcome.decided}",
        *(f"  {name}: served again after {max(times):.1f} s at most" for name, times in outcome.healing_s.items()),
        *(f"BROKEN {each.invariant}: {each.what}" for each in outcome.broken),
    ]
    if outcome.broken:
        again = f"python -m tests.torture --kills {outcome.kills} --seed {outcome.seed}"
        lines.append(f"Run it again: {again}. What it left lies in {outcome.kept}")
    else:
        lines.append("Everything that was promised holds.")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
