"""What goes on while processes are killed: reads, writes with keys, held calls and their deciders, notes."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiohttp

from tests.support.system import JSON, System

from .answers import GONE, Answer, Answers
from .clients import LIMIT_S, Caller, NewEra, OldEra, within_limit
from .source import APPROVED, CONFIRMED, READ, TWICE, WRITE

DECIDERS = ("decider-a", "decider-b")
_ROUNDS = 8
_LONG_TEXT = "A longer text about nothing in particular. " * 120  # it is inspected in a process of its own
_OK = 200
_PAUSE_S = 0.05
_BROKEN_PAUSE_S = 0.3


@dataclass
class Scene:
    """What callers share.

    Attributes:
        system: who is called.
        answers: what they are told.
        over: set when they are to end.
    """

    system: System
    answers: Answers
    over: asyncio.Event

    async def call(self, caller: Caller, who: str, tool: str, given: JSON, **named: object) -> Answer:
        """Call, and keep the answer; a call that isn't answered in time is noted as one that hangs."""
        said = await within_limit(caller.call(tool, given, **named))  # type: ignore[arg-type]
        if said is None:
            self.answers.hangs.append(f"step {self.answers.step}: {who}, {tool} {given} not answered in {LIMIT_S:g} s")
            said = {"code": GONE, "message": "not in time"}
        answer = self.answers.note(who, tool, str(given.get("label", "")), str(named.get("key", "")), said)
        await asyncio.sleep(_BROKEN_PAUSE_S if answer.code == GONE else _PAUSE_S)
        return answer


Work = Callable[[Scene, Caller, str, random.Random, int], Awaitable[None]]


async def read(scene: Scene, caller: Caller, who: str, chance: random.Random, number: int) -> None:
    """Read, now and then something long."""
    given: JSON = {"label": f"{who}-{number}", "ms": chance.choice((0, 0, 20))}
    if chance.random() < 0.1:
        given["text"] = _LONG_TEXT
    await scene.call(caller, who, READ, given)


async def write(scene: Scene, caller: Caller, who: str, chance: random.Random, number: int) -> None:
    """Write with a key, and repeat it until the answer says that it ran, or that nobody knows."""
    given: JSON = {"label": f"{who}-{number}", "ms": chance.choice((0, 20, 100))}
    for _ in range(_ROUNDS):
        answer = await scene.call(caller, who, WRITE, given, key=given["label"])
        if answer.served and chance.random() < 0.7:
            return


async def note(scene: Scene, caller: Caller, who: str, chance: random.Random, number: int) -> None:
    """Write into the audit."""
    await scene.call(caller, who, "audit_log", {"action": f"{who} {number}", "details": {"chance": chance.random()}})
    await asyncio.sleep(_PAUSE_S * 2)


async def held(scene: Scene, caller: Caller, who: str, chance: random.Random, number: int) -> None:
    """Be held, have two people decide at the same time, then use it twice at the same time."""
    tool = chance.choice((APPROVED, TWICE))
    given: JSON = {"label": f"{who}-{number}", "ms": chance.choice((0, 20, 100))}
    if chance.random() < 0.2:
        ahead = {"operation": tool, "arguments": given, "reason": "soon needed"}
        await scene.call(caller, who, "request_approval", ahead)
    for _ in range(_ROUNDS):
        tries = 1 + (chance.random() < 0.5)
        found = await asyncio.gather(*(scene.call(caller, who, tool, given) for _ in range(tries)))
        if any(answer.served or answer.code in ("approval_denied", "approval_used") for answer in found):
            return
        waiting = {answer.result["approval_id"] for answer in found if answer.code == "approval_required"}
        for approval in sorted(waiting):
            says = [chance.choices(("approve", "deny"), (4, 1))[0] for _ in DECIDERS]
            await asyncio.gather(*(_decide(scene, approval, by, said) for by, said in zip(DECIDERS, says, strict=True)))


async def confirmed(scene: Scene, caller: Caller, who: str, chance: random.Random, number: int) -> None:
    """Be asked, and agree or not; where nobody could be asked, an operator decides."""
    given: JSON = {"label": f"{who}-{number}", "ms": chance.choice((0, 50))}
    agrees = chance.choices((True, False), (3, 1))[0]
    for _ in range(_ROUNDS // 2):
        answer = await scene.call(caller, who, CONFIRMED, given, agrees=agrees)
        if answer.code == "confirmation_required" and chance.random() < 0.5:
            await _decide(scene, answer.result["approval_id"], DECIDERS[0], "approve")
        elif answer.code not in (GONE, "unavailable", "not_delivered", "stopping"):
            return


async def _decide(scene: Scene, approval: str, by: str, decision: str) -> None:
    """Decide over plain HTTP; an acknowledged decision is kept."""
    headers = {"Authorization": f"Bearer {scene.system.token(by)}", "Content-Type": "application/json"}
    body = json.dumps({"decision": decision, "reason": "seen in passing"})
    bound = aiohttp.ClientTimeout(total=LIMIT_S - 30, sock_connect=5)
    try:
        async with (
            aiohttp.ClientSession(timeout=bound) as http,
            http.post(f"{scene.system.base}/approvals/{approval}", data=body, headers=headers) as response,
        ):
            said = await response.read()
            if response.status == _OK:
                scene.answers.decided.append((scene.answers.step, approval, by, decision))
            else:
                scene.answers.undecided[_code(said)] += 1
    except (aiohttp.ClientError, OSError, TimeoutError):
        await asyncio.sleep(_BROKEN_PAUSE_S)


def _code(said: bytes) -> str:
    """The code of an error that came over plain HTTP."""
    try:
        return str(json.loads(said)["error"]["code"])
    except (ValueError, KeyError, TypeError):
        return GONE


CAST: tuple[tuple[str, type[Caller], Work], ...] = (
    ("reader-new", NewEra, read),
    ("reader-old", OldEra, read),
    ("writer-new", NewEra, write),
    ("writer-old", OldEra, write),
    ("noter", NewEra, note),
    ("asker-new", NewEra, held),
    ("asker-old", OldEra, held),
    ("confirmer-new", NewEra, confirmed),
    ("confirmer-old", OldEra, confirmed),
)


async def play(scene: Scene, seed: int) -> None:
    """All of them, until it is over; each ends the piece of work that it is at."""

    async def one(who: str, kind: type[Caller], work: Work) -> None:
        chance, number = random.Random(f"{seed} {who}"), 0
        caller = kind(scene.system.url, scene.system.token(who))
        try:
            while not scene.over.is_set():
                await work(scene, caller, who, chance, number)
                number += 1
        finally:
            await caller.close()

    async with asyncio.TaskGroup() as group:
        for member in CAST:
            group.create_task(one(*member))
