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
from aura_ia_mcp.bus.address import Address, Endpoint
from aura_ia_mcp.bus.bus import Actor
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.limits import Limits
from aura_ia_mcp.bus.link import Transport
from aura_ia_mcp.bus.messages import JSON, Register, Report, Unregister
from aura_ia_mcp.bus.peer import Peer
from aura_ia_mcp.bus.resolver import DirectoryResolver, choose
from aura_ia_mcp.configs.paths import Paths
from aura_ia_mcp.configs.settings import Settings
from aura_ia_mcp.stores.audit import AuditError, AuditWriter

from .assignment import Assignment, DirectoryPlace, Duty

log = logging.getLogger(__name__)

BEAT_S = 2.0
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
        self._is_directory = duty.address.role == "directory"
        resolver = DirectoryResolver(directory_endpoint(assignment.directory, node), node)
        self.peer = Peer(
            duty.address,
            duty.keys,
            transports,
            resolver,
            actor=self._actor,
            limits=limits_of(assignment.settings),
            on_refused=lambda event, details: _record(audit, event, details),
            unregistered=self._is_directory,
            epoch=int(self._began * 1000) if self._is_directory else 0,
        )
        resolver.use(self.peer)
        self._reports = duty.keys.get(duty.address.role, "telemetry") is not None

    async def start(self, patience_s: float) -> None:
        """Get an epoch, start the actor, listen, and be found from then on.

        Raises:
            AuraError: the Directory didn't answer within `patience_s`.
        """
        if not self._is_directory:
            await self._register(patience_s)
        await self._actor.start(self.peer)
        self._uris = await self.peer.listen()
        if not self._is_directory:
            await self._register(patience_s)
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
        await self._actor.stop()

    def figures(self) -> JSON:
        """How it does: the peer's own figures, process id, node and uptime (seconds)."""
        return {
            **self.peer.stats(),
            "pid": os.getpid(),
            "node": self._node,
            "uptime_s": round(time.time() - self._began, 1),
        }

    async def _register(self, patience_s: float) -> None:
        message = Register(str(self.address), self._node, self._uris, self.peer.epoch)
        reply = await self.peer.request("directory", message, patience_s=patience_s)
        epoch = int(reply["epoch"])
        if self.peer.epoch not in (0, epoch):
            self._on_superseded(f"{self.address} lives on as epoch {epoch}; this is {self.peer.epoch}")
        self.peer.adopt(epoch)

    async def _beat(self) -> None:
        while True:
            try:
                async with asyncio.timeout(_ASK_S + 1.0):
                    if not self._is_directory:
                        await self._register(_ASK_S)
                    if self._reports:
                        await self.peer.send("telemetry", Report(str(self.address), self.figures()))
            except AuraError as error:
                if error.code == "stale_epoch":
                    self._on_superseded(f"{self.address}: {error}")
                log.debug("%s: %s", self.address, error)
            except TimeoutError:
                log.debug("%s: the Directory or Telemetry is slow", self.address)
            except Exception:
                log.exception("%s: a beat failed", self.address)
            await asyncio.sleep(BEAT_S)


def directory_endpoint(place: DirectoryPlace, node: str) -> Endpoint:
    """How the Directory is reached from a node.

    Raises:
        AuraError: it serves only its own node.
    """
    uri = choose(place.uris, same_node=place.node == node)
    if uri is None:
        raise AuraError("unavailable", f"the Directory on {place.node} can't be reached from {node}")
    return Endpoint(Address("directory"), place.node, uri, 0)


def limits_of(settings: Settings) -> Limits:
    """The bus' bounds, as the settings have them."""
    bus = settings.bus
    return Limits(
        mailbox=bus.mailbox,
        max_frame_bytes=bus.max_frame_bytes,
        stream_items=bus.stream_items,
        deadline_s=bus.deadline_s,
        patience_s=bus.patience_s,
        dead_letters=bus.dead_letters,
    )


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
    )
    return cast(Actor, cls(boot))


def _record(audit: AuditWriter, event: str, details: dict[str, Any]) -> None:
    log.warning("refused: %s %s", event, details)
    try:
        audit.append(event, details)
    except AuditError:
        log.exception("the refusal could not be recorded")
