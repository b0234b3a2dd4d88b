"""One address on the bus: asks others over links it opens, answers on links that others open."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

from .address import Address
from .bus import Actor, Handler, OnAsk, OnItem, handlers_of
from .deadletters import DeadLetters
from .envelope import Envelope, Header, new_id
from .errors import AuraError
from .handshake import CalleeHandshake, CallerHandshake, Identity
from .incoming import Incoming
from .keys import EdgeKeys
from .limits import Limits
from .link import Link, Listener, Transport
from .messages import JSON, Message, Ping, Subscribe
from .outgoing import LinkLostError, Outgoing
from .resolver import Resolver
from .service import OnRefused, Service
from .topics import Topics

log = logging.getLogger(__name__)

_BACKOFF_S = (0.02, 0.05, 0.1, 0.25)


def _log_refusal(event: str, details: dict[str, Any]) -> None:
    log.warning("refused: %s %s", event, details)


class Peer:
    """A `Bus` for one actor.

    Args:
        address: who this is.
        keys: its edge keys; a peer without an edge's key can't open or answer it.
        transports: how to connect, each for its URI scheme; `listen` listens on all of them.
        resolver: finds others.
        actor: whose handlers answer; None for a peer that only asks.
        limits: all bounds.
        on_refused: hears of each peer and message refused for what it claims, for the audit.
        unregistered: whether callers without an epoch may connect (the Directory).
        epoch: its life's number, if the Directory gave one already.
    """

    def __init__(
        self,
        address: Address,
        keys: EdgeKeys,
        transports: Sequence[Transport],
        resolver: Resolver,
        *,
        actor: Actor | None = None,
        limits: Limits | None = None,
        on_refused: OnRefused = _log_refusal,
        unregistered: bool = False,
        epoch: int = 0,
    ) -> None:
        self._identity = Identity(address, epoch)
        self._keys = keys
        self._transports = {transport.scheme: transport for transport in transports}
        self._resolver = resolver
        self._limits = limits or Limits()
        self._on_refused = on_refused
        self._unregistered = unregistered
        self._newest: dict[Address, int] = {}
        self._listeners: list[Listener] = []
        self._incoming: set[Incoming] = set()
        self._outgoing: dict[Address, Outgoing] = {}
        self._opening: dict[Address, asyncio.Lock] = {}
        self._topics = Topics(self._limits.stream_items)
        self.dead_letters = DeadLetters(self._limits.dead_letters)
        handlers: dict[str, Handler] = {Ping.kind: self._pong, Subscribe.kind: self._topics.serve}
        if actor is not None:
            handlers.update(handlers_of(actor))
        self._service = Service(self, handlers, self._limits, self.dead_letters, on_refused)

    @property
    def address(self) -> Address:
        """Who this is."""
        return self._identity.address

    @property
    def epoch(self) -> int:
        """Its life's number; 0 until the Directory gave one."""
        return self._identity.epoch

    def adopt(self, epoch: int) -> None:
        """Take the epoch that the Directory gave; connections opened before keep the old one."""
        self._identity = Identity(self.address, epoch)

    # --- answering ---------------------------------------------------------------------------------------------------

    async def listen(self) -> str:
        """Answer on every transport; the result is the space-separated URIs to register."""
        for transport in self._transports.values():
            self._listeners.append(await transport.listen(self.address, self._accept))
        return " ".join(listener.uri for listener in self._listeners)

    async def stop(self, drain_s: float = 0.0) -> None:
        """Stop listening, let what is being handled end within `drain_s`, then close every link."""
        for listener in self._listeners:
            await listener.close()
        await self._service.stop(drain_s)
        for channel in list(self._outgoing.values()):
            channel.close()
        for incoming in list(self._incoming):
            incoming.link.close()

    def stats(self) -> JSON:
        """Plain figures: mailbox depth, counts, times (ms), dead letters by reason, links."""
        return {
            "address": str(self.address),
            "epoch": self.epoch,
            "mailbox": self._service.mailbox,
            **self._service.statistics.figures(),
            "dead_letters": dict(self.dead_letters.counts),
            "links": len(self._incoming) + len(self._outgoing),
        }

    async def tell_dead_letters(self) -> None:
        """Have Telemetry keep the labels of what went nowhere since this was done last; the next time tries again.

        Raises:
            AuraError: it doesn't answer now, or can't keep them.
        """
        message = self.dead_letters.untold()
        if message is not None:
            await self.request("telemetry", message, patience_s=0.0)
            self.dead_letters.told(message)

    def publish(self, topic: str, event: Message) -> None:
        """Give an event to everybody who subscribed to the topic here."""
        self._topics.publish(topic, event)

    def _accept(self, link: Link) -> None:
        if len(self._incoming) >= self._limits.connections:
            link.close()
            return
        handshake = CalleeHandshake(self._identity, self._keys, self._newest, self._unregistered)
        incoming = Incoming(
            link,
            handshake,
            self._service,
            me=self.address,
            on_refused=self._on_refused,
            on_gone=self._incoming.discard,
            max_frame_bytes=self._limits.max_frame_bytes,
        )
        self._incoming.add(incoming)
        asyncio.get_running_loop().call_later(self._limits.handshake_s, self._hurry, incoming)

    def _hurry(self, incoming: Incoming) -> None:
        if incoming.peer is None and incoming in self._incoming:
            incoming.link.close()

    async def _pong(self, message: Ping, context: object) -> JSON:
        del message, context
        return self.stats()

    # --- asking ------------------------------------------------------------------------------------------------------

    async def request(
        self,
        target: str | Address,
        message: Message,
        *,
        header: Header | None = None,
        on_item: OnItem | None = None,
        on_ask: OnAsk | None = None,
        key: str = "",
        retry: bool | None = None,
        patience_s: float | None = None,
    ) -> JSON:
        """See `Bus.request`."""
        envelope = self._envelope(target, message, header, key)
        retry = message.idempotent if retry is None else retry
        if retry and not envelope.key:
            envelope = replace(envelope, key=envelope.id)
        patience = self._limits.patience_s if patience_s is None else patience_s
        while True:
            channel = await self._channel(envelope, patience)
            try:
                return await channel.call(envelope, on_item, on_ask)
            except LinkLostError:
                if not retry or envelope.attempt >= self._limits.attempts:
                    self.dead_letters.add(envelope, "outcome_unknown")
                    raise AuraError(
                        "outcome_unknown", f"{envelope.target} went away while it handled {envelope.kind}"
                    ) from None
                envelope = replace(envelope, attempt=envelope.attempt + 1)

    async def send(self, target: str | Address, message: Message, *, header: Header | None = None) -> None:
        """See `Bus.send`."""
        envelope = self._envelope(target, message, header, "")
        channel = await self._channel(envelope, 0.0)
        await channel.post(envelope)

    async def stream(
        self, target: str | Address, message: Message, *, header: Header | None = None
    ) -> AsyncIterator[JSON]:
        """See `Bus.stream`."""
        queue: asyncio.Queue[JSON | None] = asyncio.Queue()

        def put(item: JSON) -> None:
            if queue.qsize() >= self._limits.stream_items:
                raise AuraError("overflow", f"the reader of {message.kind} fell {queue.qsize()} items behind")
            queue.put_nowait(item)

        task = asyncio.ensure_future(self.request(target, message, header=header, on_item=put, retry=False))
        task.add_done_callback(lambda _: queue.put_nowait(None))
        try:
            while (item := await queue.get()) is not None:
                yield item
            await task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _envelope(self, target: str | Address, message: Message, header: Header | None, key: str) -> Envelope:
        address = target if isinstance(target, Address) else Address.parse(target)
        if header is None:
            header = Header(deadline=time.monotonic() + self._limits.deadline_s)
        return Envelope(new_id(), self.address, address, message.kind, message.payload(), header, key)

    async def _channel(self, envelope: Envelope, patience_s: float) -> Outgoing:
        target = envelope.target
        channel = self._outgoing.get(target)
        if channel is not None and channel.alive:
            return channel
        if self._keys.get(self.address.role, target.role) is None:
            self.dead_letters.add(envelope, "undeclared_edge")
            raise AuraError("undeclared_edge", f"{self.address} may not ask {target}")
        give_up = min(time.monotonic() + patience_s, envelope.header.deadline)
        async with self._opening.setdefault(target, asyncio.Lock()):
            attempt = 0
            while True:
                channel = self._outgoing.get(target)
                if channel is not None and channel.alive:
                    return channel
                try:
                    return await self._connect(target)
                except (OSError, AuraError) as error:
                    pause = _BACKOFF_S[min(attempt, len(_BACKOFF_S) - 1)]
                    final = isinstance(error, AuraError) and error.code not in ("stale_epoch", "not_delivered")
                    if final or time.monotonic() + pause > give_up:
                        raise self._undelivered(envelope, error) from error
                    attempt += 1
                    await asyncio.sleep(pause)

    def _undelivered(self, envelope: Envelope, error: Exception) -> AuraError:
        if isinstance(error, AuraError) and error.code not in ("stale_epoch", "not_delivered"):
            self.dead_letters.add(envelope, error.code)
            return error
        self.dead_letters.add(envelope, "not_delivered")
        return AuraError("not_delivered", f"{envelope.target} doesn't answer: {error}", retry_after_s=2.0)

    async def _connect(self, target: Address) -> Outgoing:
        endpoint = await self._resolver.resolve(target)
        if endpoint is None:
            raise AuraError("not_delivered", "nobody is registered under this address")
        transport = self._transports.get(endpoint.uri.partition(":")[0])
        if transport is None:
            raise AuraError("not_delivered", f"no transport for {endpoint.uri}")
        handshake = CallerHandshake(self._identity, target, endpoint.epoch, self._keys)
        async with asyncio.timeout(self._limits.handshake_s):
            link = await transport.connect(endpoint.uri)
        channel = Outgoing(link, target, handshake, self._limits.max_frame_bytes)
        await channel.ready(self._limits.handshake_s)
        self._outgoing[target] = channel
        return channel
