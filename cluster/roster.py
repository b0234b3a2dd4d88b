"""Creates the tree's Ray actors, waits for them, watches them, creates again what Ray gave up, and stops them."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import ray
from ray.exceptions import ActorDiedError, RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON

from .assignment import Assignment
from .hosts import HOSTS
from .restarts import GiveUp, RestartPolicy, decide
from .tree import Seat

log = logging.getLogger(__name__)

_STATUS_S = 2.0
_STOP_EXTRA_S = 2.0
_OTHERS_S = 2.0  # for further reasons, once one actor couldn't start: the others may wait for it


@dataclass
class Member:
    """One Ray actor of the tree, as last seen.

    Args:
        seat: where it sits.
        assignment: what it was given.
        handle: Ray's handle.
        status: its newest answer; {} before the first.
        state: as Ray names it: PENDING_CREATION, ALIVE, RESTARTING or DEAD.
        restarts: how often it was seen with another pid.
        away_since: monotonic seconds at which it stopped answering; None while it answers.
        told: whether its being away was told.
        deaths: monotonic seconds at which Ray gave it up.
    """

    seat: Seat
    assignment: Assignment
    handle: Any
    status: JSON = field(default_factory=dict)
    state: str = "PENDING_CREATION"
    restarts: int = 0
    away_since: float | None = None
    told: bool = False
    deaths: list[float] = field(default_factory=list)

    def row(self) -> JSON:
        """What is reported of it."""
        return {
            "name": self.seat.name,
            "class": self.seat.row.host,
            "layer": self.seat.row.layer,
            "node": self.status.get("node"),
            "pid": self.status.get("pid"),
            "state": self.state,
            "ready": bool(self.status.get("ready")) and self.state == "ALIVE",
            "error": self.status.get("error") or None,
            "restarts": self.restarts,
            "uptime_s": self.status.get("uptime_s"),
            "addresses": self.status.get("addresses", {}),
        }


class Roster:
    """All Ray actors of one system.

    Args:
        head_node_id: the node on which the Directory lives; and, without placement, whatever holds files.
        on_fault: told, in a sentence for the user, when an actor is away for longer than its patience, or is back.
        policy: how often an actor that Ray gave up is created again.
    """

    def __init__(self, head_node_id: str, on_fault: Callable[[str], None], policy: RestartPolicy | None = None) -> None:
        self._head = head_node_id
        self._on_fault = on_fault
        self._policy = policy or RestartPolicy()
        self.members: dict[str, Member] = {}

    def create(self, seats: Sequence[tuple[Seat, Assignment]]) -> None:
        """Create Ray actors in parallel; returns before they are up."""
        for seat, assignment in seats:
            self.members[seat.name] = Member(seat, assignment, self._remote(seat, assignment))

    async def ready(self, timeout_s: float, on_ready: Callable[[str, int, int], None]) -> None:
        """Wait until every actor has started, or it is clear that one can't.

        Args:
            timeout_s: for all together.
            on_ready: told name, how many are ready, of how many, for each.

        Raises:
            AuraError: `unavailable`, naming those that failed, with their reasons.
        """
        tasks = {asyncio.create_task(self._first(member), name=name): name for name, member in self.members.items()}
        done_count = 0
        errors: list[str] = []
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout_s) as bound:
                for future in asyncio.as_completed(tasks):
                    name, error = await future
                    done_count += 1
                    if not error:
                        on_ready(name, done_count, len(tasks))
                        continue
                    if not errors:
                        bound.reschedule(min(bound.when() or math.inf, loop.time() + _OTHERS_S))
                    errors.append(f"{name}: {error}")
        except TimeoutError:
            if not errors:
                waiting = ", ".join(name for task, name in tasks.items() if not task.done())
                errors.append(f"no answer within {timeout_s:g} s from {waiting}")
        finally:
            for task in tasks:
                task.cancel()
        if errors:
            raise AuraError("unavailable", "the actors did not start: " + "; ".join(errors))

    async def look(self) -> None:
        """Ask every actor how it is; create again what Ray gave up.

        Raises:
            AuraError: `unavailable`, when an actor died too often.
        """
        members = list(self.members.values())
        for member, found in zip(members, await asyncio.gather(*(self._status(m) for m in members)), strict=True):
            self._note(member, found)
            if member.state == "DEAD":
                await self._again(member)

    async def stop(self, drain_s: float) -> None:
        """Stop the layers from the top down, so that what a call under way needs is there until it has ended."""
        remaining = drain_s
        for member in reversed(self.members.values()):
            began = time.monotonic()
            try:
                await asyncio.wait_for(_call(member.handle.stop.remote(remaining)), remaining + _STOP_EXTRA_S)
            except (RayError, TimeoutError) as error:
                log.warning("%s did not stop in order: %s", member.seat.name, type(error).__name__)
            remaining = max(0.0, remaining - (time.monotonic() - began))

    def rows(self) -> list[JSON]:
        """What is reported of each."""
        return [member.row() for member in self.members.values()]

    def _remote(self, seat: Seat, assignment: Assignment) -> Any:
        options: dict[str, Any] = {
            "name": seat.name,
            "num_cpus": 0,
            "num_gpus": seat.num_gpus,
            "max_restarts": seat.row.max_restarts,
            "max_task_retries": 0,
        }
        place = seat.place
        if place.label is not None:
            options["label_selector"] = {place.label[0]: place.label[1]}
        elif place.node_id or not seat.row.replicated:
            # What holds state, files or the catalogue stays with the supervisor unless it is placed elsewhere.
            options["scheduling_strategy"] = NodeAffinitySchedulingStrategy(place.node_id or self._head, soft=False)
        return ray.remote(HOSTS[seat.row.host]).options(**options).remote(assignment)

    async def _first(self, member: Member) -> tuple[str, str]:
        try:
            found = await _call(member.handle.ready.remote())
        except RayError as error:
            return member.seat.name, _reason(error)
        if found["ready"]:
            self._note(member, await self._status(member))
        return member.seat.name, str(found["error"])

    async def _status(self, member: Member) -> JSON | Exception:
        try:
            found: JSON = await asyncio.wait_for(_call(member.handle.status.remote()), _STATUS_S)
        except (RayError, TimeoutError) as error:
            return error
        return found

    def _note(self, member: Member, found: JSON | Exception) -> None:
        now = time.monotonic()
        if isinstance(found, Exception):
            if isinstance(found, ActorDiedError):
                member.state = "DEAD"
            elif not isinstance(found, TimeoutError):
                member.state = "RESTARTING"
            if member.away_since is None:
                member.away_since = now
            self._tell_if_long(member, now, _reason(found))
            return
        if member.status and member.status["pid"] != found["pid"]:
            member.restarts += 1
            self._on_fault(f"{member.seat.name} was restarted: pid {member.status['pid']} ended, {found['pid']} serves")
        member.status, member.state = found, "ALIVE"
        if found["ready"]:
            member.away_since, member.told = None, False
        else:
            member.away_since = member.away_since or now
            self._tell_if_long(member, now, found["error"])

    def _tell_if_long(self, member: Member, now: float, why: str) -> None:
        away = now - (member.away_since or now)
        if away > member.seat.row.patience_s and not member.told:
            member.told = True
            self._on_fault(f"{member.seat.name} hasn't served for {away:.0f} s: {why}")

    async def _again(self, member: Member) -> None:
        member.deaths.append(time.monotonic())
        decision = decide(self._policy, member.deaths)
        if isinstance(decision, GiveUp):
            raise AuraError("unavailable", f"{member.seat.name} can't be kept alive: {decision.reason}")
        await asyncio.sleep(decision.after_s)
        log.warning("%s is dead for Ray; creating it again", member.seat.name)
        ray.kill(member.handle, no_restart=True)
        member.handle = self._remote(member.seat, member.assignment)
        member.state = "PENDING_CREATION"


async def _call(reference: Any) -> Any:
    return await reference


def _reason(error: Exception) -> str:
    text = str(error).strip()
    return f"{type(error).__name__}: {text.splitlines()[0]}" if text else type(error).__name__
