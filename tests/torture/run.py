"""One run: start, play, kill in turn, end, check."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.support.system import ROOT, System

from .answers import Answers
from .callers import CAST, DECIDERS, Scene, play
from .invariants import Broken, Evidence, check
from .killing import PROBER, VICTIMS, NotHealedError, kill
from .source import JOURNAL, NAME, POLICY

SECTIONS: dict[str, dict[str, Any]] = {
    "safety": {"rate_limit": 1_000_000},
    "ml": {"load": "never"},
    "approvals": {"most_pending": 100_000, "most_pending_per_principal": 100_000},
}
_LONGEST_PAUSE_S = 2.5
_END_S = 150.0

Tell = Callable[[str], None]


@dataclass
class Outcome:
    """How it went.

    Attributes:
        kills: how many processes were killed.
        seed: of the run.
        seconds: how long it took.
        healing_s: by victim, how long until calls were served again each time.
        answers: how many there were, by code; "" were served.
        decided: decisions that were acknowledged, and those refused, by the code of the error.
        runs: real runs of tools that aren't read-only.
        records: in the audit.
        approvals: by status.
        broken: the invariants that don't hold.
        kept: the folder of the system, when something is broken.
    """

    kills: int
    seed: int
    seconds: float = 0.0
    healing_s: dict[str, list[float]] = field(default_factory=dict)
    answers: dict[str, int] = field(default_factory=dict)
    decided: dict[str, int] = field(default_factory=dict)
    runs: int = 0
    records: int = 0
    approvals: dict[str, int] = field(default_factory=dict)
    broken: list[Broken] = field(default_factory=list)
    kept: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def torture(kills: int, seed: int, tell: Tell) -> Outcome:
    """Kill so many processes of a system of its own, under load, and check what is left.

    Args:
        kills: how many.
        seed: the same one gives the same victims, pauses and choices (not the same interleaving).
        tell: hears of each step, in a line.
    """
    root = Path(tempfile.mkdtemp(prefix="aura-"))
    began, outcome, answers = time.monotonic(), Outcome(kills, seed), Answers()
    journal = root / "journal.jsonl"
    system = _system(root, journal)
    try:
        system.start()
        outcome.broken += asyncio.run(_under_load(system, answers, outcome, tell))
        outcome.broken += [Broken("nothing_is_left", each) for each in system.stop()]
        tell("stopped; checking")
        evidence = Evidence(system, answers, journal)
        outcome.broken += check(evidence)
        _count(outcome, evidence)
    finally:
        system.kill()
        os.environ.pop(JOURNAL, None)
        if outcome.broken:
            outcome.kept = str(root)
        else:
            shutil.rmtree(root, ignore_errors=True)
    outcome.seconds = round(time.monotonic() - began, 1)
    return outcome


def _system(root: Path, journal: Path) -> System:
    os.environ[JOURNAL] = str(journal)
    system = System(root, (NAME,), SECTIONS)
    system.policy.write_text((ROOT / "configs" / "policy.yaml").read_text() + POLICY)
    for name in (PROBER, *(who for who, _, _ in CAST)):
        system.token(name)
    for name in DECIDERS:
        system.token(name, "operator", kind="human")
    return system


async def _under_load(system: System, answers: Answers, outcome: Outcome, tell: Tell) -> list[Broken]:
    scene = Scene(system, answers, asyncio.Event())
    playing = asyncio.create_task(play(scene, outcome.seed))
    try:
        for step in range(outcome.kills):
            await _step(system, answers, outcome, step, tell)
            if playing.done():
                break
    except NotHealedError as error:
        return [Broken("it_heals", f"step {answers.step}: {error}; it printed:\n{system.log}")]
    finally:
        scene.over.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(_END_S):
                await playing
        playing.cancel()
    return []


async def _step(system: System, answers: Answers, outcome: Outcome, step: int, tell: Tell) -> None:
    """Wait a little, kill the next in turn, wait until all is served again."""
    pause_s = random.Random(f"{outcome.seed} {step}").uniform(0.1, _LONGEST_PAUSE_S)
    await asyncio.sleep(pause_s)
    victim = VICTIMS[step % len(VICTIMS)]
    answers.next_step()
    began = time.monotonic()
    pid = await kill(system, victim)
    took = round(time.monotonic() - began, 2)
    outcome.healing_s.setdefault(victim.name, []).append(took)
    what = (
        "wasn't there" if pid is None else f"pid {pid} killed after {pause_s:.2f} s, all served again in {took:.1f} s"
    )
    tell(f"{step + 1}/{outcome.kills} {victim.name}: {what}; {len(answers.all)} answers so far")


def _count(outcome: Outcome, evidence: Evidence) -> None:
    outcome.answers = dict(Counter(answer.code for answer in evidence.answers.all))
    decisions = Counter(decision for _, _, _, decision in evidence.answers.decided)
    outcome.decided = dict(decisions + evidence.answers.undecided)
    outcome.runs, outcome.records = len(evidence.runs), len(evidence.records)
    outcome.approvals = dict(Counter(str(each["status"]) for each in evidence.approvals.values()))
