"""One actor at home: made, connected to the bus, registered at the Directory, and kept so until it is stopped."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import os
import time
from collections.abc import Callable, Sequence
from typing import Any, cast

from aura_ia_mcp.actors.boot import Boot
from aura_ia_mcp.bus.bus import Actor
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.link import Transport
from aura_ia_mcp.bus.messages import JSON, Report, Unregister
from aura_ia_mcp.configs.paths import Paths
from aura_ia_mcp.stores.audit import AuditWriter

from .assignment import Assignment, Duty
from .joining import BEAT_S, joined_peer, register
from .security_record import Refusals

log = logging.getLogger(__name__)

_ASK_S = 2.0


class Resident:
    """One actor with its peer.

    Args:
        duty: who it is.
        assignment: what it shares with the others of its process.
        transports: how it is reached, best first.
        node: name of the node it lives on.
        audit: this process's chain of audit records.
        on_superseded: called when the Directory knows a newer life of this address; this process must end.
    """

    def __init__(
        self,
        duty: Duty,
        assignment: Assignment,
        transports: Sequence[Transport],
        node: str,
        audit: AuditWriter,
        on_superseded: Callable[[str], None],
    ) -> None:
        self.address = duty.address
        self._node = node
        self._on_superseded = on_superseded
        self._began = time.time()
        self._uris = ""
        self._beating: asyncio.Task[None] | None = None
        self._actor = _make(duty, assignment, audit)
        self._refusals = Refusals(lambda: audit)
        self._is_directory = duty.address.role == "directory"
        self.peer = joined_peer(
            duty.address,
            duty.keys,
            transports,
            assignment.directory,
            node,
            assignment.settings,
            actor=self._actor,
            on_refused=self._refusals.note,
            epoch=int(self._began * 1000) if self._is_directory else 0,
        )
        self._reports = duty.keys.get(duty.address.role, "telemetry") is not None

    async def start(self, patience_s: float) -> None:
        """Get an epoch, start the actor, listen, and be found from then on.

        Raises:
            AuraError: the Directory didn't answer within `patience_s`.
        """
        if not self._is_directory:
            await register(self.peer, self._node, self._uris, patience_s)
        await self._actor.start(self.peer)
        self._uris = await self.peer.listen()
        if not self._is_directory:
            await register(self.peer, self._node, self._uris, patience_s)
        self._beating = asyncio.create_task(self._beat(), name=f"beat of {self.address}")

    async def stop(self, drain_s: float) -> None:
        """Be found no more, let what is being handled end within `drain_s`, then stop the actor."""
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.gather(self._beating, return_exceptions=True)
        if not self._is_directory:
            with contextlib.suppress(AuraError):
                await self.peer.request(
                    "directory", Unregister(str(self.address), self.peer.epoch), patience_s=0.0, retry=False
                )
        await self.peer.stop(drain_s)
        self._refusals.close()
        await self._actor.stop()

    def figures(self) -> JSON:
        """How it does: the peer's own figures, process id, node and uptime (seconds)."""
        return {
            **self.peer.stats(),
            "pid": os.getpid(),
            "node": self._node,
            "uptime_s": round(time.time() - self._began, 1),
        }

    async def _beat(self) -> None:
        while True:
            try:
                async with asyncio.timeout(_ASK_S + 1.0):
                    if not self._is_directory:
                        await register(self.peer, self._node, self._uris, _ASK_S)
                    if self._reports:
                        await self.peer.send("telemetry", Report(str(self.address), self.figures()))
                        await self.peer.tell_dead_letters()
            except AuraError as error:
                if error.code == "stale_epoch":
                    self._on_superseded(f"{self.address}: {error}")
                log.debug("%s: %s", self.address, error)
            except TimeoutError:
                log.debug("%s: the Directory or Telemetry is slow", self.address)
            except Exception:
                log.exception("%s: a beat failed", self.address)
            await asyncio.sleep(BEAT_S)


def load(path: str) -> Any:
    """What `module:name` names.

    Raises:
        AuraError: there is no such module or name.
    """
    module, _, name = path.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise AuraError("unavailable", f"{path!r} can't be loaded: {error}") from error
    return found


def _make(duty: Duty, assignment: Assignment, audit: AuditWriter) -> Actor:
    cls = load(duty.role.actor)
    boot = Boot(
        address=duty.address,
        settings=assignment.settings,
        paths=Paths.of(assignment.settings),
        audit=audit,
        audience_key=duty.audience_key,
        decision_root=duty.decision_root,
        sources=tuple(load(source) for source in duty.sources),
        started_at=assignment.started_at,
        origins=assignment.origins,
    )
    return cast(Actor, cls(boot))
