"""`python -m tests.judge`: how often the judgement is right, in tables by family with Wilson intervals.

Exit status: 0 when it ran; with `--strict` 1 if a mark is missed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence

from . import corpus, inspection
from .table import Table

Part = Callable[[str], list[Table]]


def _parts() -> dict[str, Part]:
    from . import meaning, reading  # noqa: PLC0415 - import torch, which the first parts don't need

    return {"texts": reading.texts, "requests": meaning.requests, "roles": meaning.roles}


QUICK: dict[str, Part] = {"commands": inspection.commands, "pii": inspection.pii}
NAMES = ("commands", "texts", "pii", "requests", "roles")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what was asked for."""
    options = _parser().parse_args(arguments)
    wanted = options.part or NAMES
    parts = QUICK if set(wanted) <= set(QUICK) else QUICK | _parts()
    result, missed = {}, []
    for of in options.set or corpus.SETS:
        for name in (each for each in wanted if each in corpus.parts(of)):
            print(f"{of} {name} ...", file=sys.stderr, flush=True)
            tables = parts[name](of)
            missed += [f"{of}: {table.title}" for table in tables if table.holds is False]
            result[f"{of}/{name}"] = [table.as_dict() for table in tables]
            if not options.json:
                print(f"### {name}, {of}\n")
                for table in tables:
                    print("\n".join(table.lines()), end="\n\n")
    if options.json:
        print(json.dumps(result, indent=1))
    for each in missed:
        print(f"missed: {each}", file=sys.stderr)
    return 1 if options.strict and missed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.judge", description=__doc__)
    parser.add_argument("--set", action="append", choices=corpus.SETS, help="one of the sets; all unless given")
    parser.add_argument("--part", action="append", choices=NAMES, help="only this; repeatable")
    parser.add_argument("--json", action="store_true", help="plain data instead of tables")
    parser.add_argument("--strict", action="store_true", help="exit with 1 if a mark is missed")
    return parser


if __name__ == "__main__":
    sys.exit(main())
