"""The answering side of one connection: proves who is there, then hands messages to the service."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable
from typing import Any

from .address import Address
from .envelope import Envelope
from .errors import AuraError, Failure
from .frames import Op, pack, unpack
from .handshake import CalleeHandshake, Identity
from .link import Link
from .messages import JSON
from .run import Nobody, Run
from .service import OnRefused, Service

log = logging.getLogger(__name__)


class Incoming:
    """A `Receiver` for a link that somebody else opened.

    Args:
        link: the connection.
        handshake: this side of the challenge.
        service: where admitted messages go.
        me: the address that answers here.
        on_refused: hears of every refusal that the audit must hold.
        on_gone: called once when the connection ends.
        max_frame_bytes: a larger answer becomes `too_large`.
    """

    def __init__(
        self,
        link: Link,
        handshake: CalleeHandshake,
        service: Service,
        *,
        me: Address,
        on_refused: OnRefused,
        on_gone: Callable[[Incoming], None],
        max_frame_bytes: int,
    ) -> None:
        self.link = link
        self.peer: Identity | None = None
        self._handshake = handshake
        self._service = service
        self._me = me
        self._on_refused = on_refused
        self._on_gone = on_gone
        self._max_frame_bytes = max_frame_bytes
        self._waiting: dict[int, tuple[Run, Reply]] = {}
        self._refused = False
        link.attach(self)

    def on_frame(self, frame: bytes) -> None:
        """Take one frame; a peer that breaks the protocol is cut off, with what it sent after that."""
        if self._refused:
            return
        try:
            members = unpack(frame)
            if self.peer is None:
                self._admit(members)
            else:
                self._dispatch(members)
        except AuraError as error:
            self._refuse(error)
        except (ValueError, TypeError, IndexError) as error:
            self._refuse(AuraError("malformed", f"not a frame of the bus: {type(error).__name__}"))

    def on_closed(self, why: str) -> None:
        """The connection is gone: nobody waits here any more."""
        log.debug("%s: connection of %s ended: %s", self._me, self.peer and self.peer.address, why)
        for run, reply in list(self._waiting.values()):
            reply.close()
            self._service.leave(run, reply, lost=True)
        self._waiting.clear()
        self._on_gone(self)

    def done(self, number: int) -> None:
        """A request was answered."""
        self._waiting.pop(number, None)

    def send(self, *members: Any) -> int:
        """Write a frame; the result is its size in bytes.

        Raises:
            AuraError: `too_large`, `invalid_arguments`: nothing was written.
        """
        frame = pack(*members)
        if len(frame) > self._max_frame_bytes:
            raise AuraError("too_large", f"an answer of {len(frame)} bytes; the bound is {self._max_frame_bytes}")
        self.link.write(frame)
        return len(frame)

    def _admit(self, members: list[Any]) -> None:
        if members[0] == Op.HELLO:
            self.link.write(self._handshake.challenge(members))
        elif members[0] == Op.PROOF:
            self.peer = self._handshake.admit(members)
            self.link.write(pack(Op.WELCOME))
        else:
            raise AuraError("foreign_peer", "a connection begins with the challenge")

    def _refuse(self, error: AuraError) -> None:
        self._refused = True
        self._tell(error)
        self.link.write(pack(Op.REFUSED, error.failure.as_dict()))
        self.link.close()

    def _tell(self, error: AuraError) -> None:
        claimed = self.peer.address if self.peer else self._handshake.claimed
        self._on_refused(error.code, {"at": str(self._me), "claimed": str(claimed), "message": str(error)})

    def _dispatch(self, members: list[Any]) -> None:
        operation = members[0]
        if operation == Op.REQUEST:
            self._request(members[1], members[2])
        elif operation == Op.SEND:
            envelope = self._checked(members[1])
            kind, me = envelope.kind, self._me
            self._service.accept(envelope, Nobody(lambda failure: log.warning("%s: %s: %s", me, kind, failure.message)))
        elif operation == Op.CANCEL:
            waiting = self._waiting.pop(members[1], None)
            if waiting is not None:
                self._service.leave(*waiting, lost=False)
        elif operation in (Op.ANSWER, Op.ANSWER_FAIL):
            waiting = self._waiting.get(members[1])
            if waiting is not None:
                waiting[1].answered(members[2], members[3], failed=operation == Op.ANSWER_FAIL)
        else:
            raise AuraError("malformed", f"operation {operation} isn't a caller's")

    def _request(self, number: int, data: Any) -> None:
        reply = Reply(self, number)
        try:
            envelope = self._checked(data)
        except AuraError as error:
            if error.code == "spoofed_source":
                raise
            self._tell(error)
            reply.fail(error.failure)
            return
        run = self._service.accept(envelope, reply)
        if run is not None:
            self._waiting[number] = (run, reply)

    def _checked(self, data: Any) -> Envelope:
        envelope = Envelope.unpack(data)
        assert self.peer is not None
        if envelope.source != self.peer.address:
            raise AuraError("spoofed_source", f"{self.peer.address} sent an envelope that says {envelope.source}")
        if envelope.target != self._me:
            raise AuraError("malformed", f"an envelope for {envelope.target} came to {self._me}")
        return envelope


class Reply:
    """The way back for one request."""

    __slots__ = ("_connection", "_number", "_questions", "_serial")

    def __init__(self, connection: Incoming, number: int) -> None:
        self._connection: Incoming | None = connection
        self._number = number
        self._questions: dict[int, asyncio.Future[JSON]] = {}
        self._serial = itertools.count()

    def reply(self, payload: JSON) -> int:
        """Answer; an answer that can't be carried becomes an error."""
        if self._connection is None:
            return 0
        try:
            size = self._connection.send(Op.REPLY, self._number, payload)
        except AuraError as error:
            return self.fail(error.failure)
        self._connection.done(self._number)
        return size

    def fail(self, failure: Failure) -> int:
        """Answer with an error."""
        if self._connection is None:
            return 0
        size = self._connection.send(Op.FAIL, self._number, failure.as_dict())
        self._connection.done(self._number)
        return size

    async def item(self, item: JSON) -> None:
        """Send an item, and wait while the connection is full."""
        if self._connection is not None:
            self._connection.send(Op.ITEM, self._number, item)
            await self._connection.link.drain()

    async def ask(self, question: JSON) -> JSON:
        """Ask, and wait for the answer (the handler's deadline bounds it)."""
        if self._connection is None:
            raise AuraError("unavailable", "the caller is gone", recovery="Repeat the call.")
        number = next(self._serial)
        future = self._questions[number] = asyncio.get_running_loop().create_future()
        try:
            self._connection.send(Op.ASK, self._number, number, question)
            answer: JSON = await future
            return answer
        finally:
            del self._questions[number]

    def answered(self, number: int, answer: Any, *, failed: bool) -> None:
        """The caller answered a question; one that nobody waits for is ignored."""
        future = self._questions.get(number)
        if future is None or future.done():
            return
        if failed:
            future.set_exception(AuraError.from_failure(Failure.from_dict(answer)))
        else:
            future.set_result(answer)

    def close(self) -> None:
        """The connection is gone; open questions will have no answer."""
        self._connection = None
        for future in self._questions.values():
            if not future.done():
                future.set_exception(AuraError("unavailable", "the caller is gone", recovery="Repeat the call."))
