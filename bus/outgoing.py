"""The asking side of one connection."""

from __future__ import annotations

import asyncio
import itertools
import logging
from typing import Any

from .address import Address
from .bus import OnAsk, OnItem
from .deadlines import Deadlines
from .envelope import Envelope
from .errors import AuraError, Failure
from .frames import Op, pack, unpack
from .handshake import CallerHandshake
from .link import Link
from .messages import JSON

log = logging.getLogger(__name__)


class LinkLostError(Exception):
    """The connection broke after a request was written: it may or may not have run."""


async def _takes_no_questions(question: JSON) -> JSON:
    raise AuraError(
        "unavailable",
        f"the caller takes no questions such as {question.get('method', 'this')}",
        recovery="Use a client that can be asked.",
    )


class _Waiting:
    __slots__ = ("answered", "future", "on_ask", "on_item", "questions")

    def __init__(self, future: asyncio.Future[JSON], on_item: OnItem | None, on_ask: OnAsk | None) -> None:
        self.future = future
        self.on_item = on_item
        self.on_ask = on_ask
        self.questions: set[asyncio.Task[None]] = set()
        self.answered = False

    def expire(self) -> None:
        if not self.future.done():
            self.future.set_exception(TimeoutError())


class Outgoing:
    """A `Receiver` for a link that this peer opened.

    Args:
        link: the connection.
        target: who is to be there.
        handshake: this side of the challenge.
        max_frame_bytes: a larger message is refused before it is written.
    """

    def __init__(self, link: Link, target: Address, handshake: CallerHandshake, max_frame_bytes: int) -> None:
        self.target = target
        self.alive = True
        self._link = link
        self._handshake = handshake
        self._max_frame_bytes = max_frame_bytes
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting: dict[int, _Waiting] = {}
        self._serial = itertools.count(1)
        self._deadlines = Deadlines()
        link.attach(self)
        link.write(handshake.hello())

    async def ready(self, timeout_s: float) -> None:
        """Wait until both sides have proved themselves.

        Raises:
            AuraError: the callee's refusal, or `foreign_peer`.
            OSError: it hung up, or took too long.
        """
        try:
            async with asyncio.timeout(timeout_s):
                await asyncio.shield(self._ready)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Hang up; what waits for answers gets `LinkLostError`."""
        self._link.close()

    async def call(self, envelope: Envelope, on_item: OnItem | None, on_ask: OnAsk | None) -> JSON:
        """Send a request and wait for its answer; cancelling this cancels the work there.

        Raises:
            AuraError: the callee's failure, `deadline_exceeded`, or a message that can't be carried.
            LinkLostError: the connection broke.
        """
        number = next(self._serial)
        frame = self._frame(Op.REQUEST, number, envelope.pack())
        if not self.alive:
            raise LinkLostError
        waiting = _Waiting(asyncio.get_running_loop().create_future(), on_item, on_ask)
        self._waiting[number] = waiting
        self._link.write(frame)
        deadline = self._deadlines.add(envelope.header.deadline, waiting.expire)
        try:
            return await waiting.future
        except TimeoutError:
            raise AuraError("deadline_exceeded", f"{envelope.target} did not answer {envelope.kind} in time") from None
        finally:
            self._deadlines.remove(deadline)
            del self._waiting[number]
            if not waiting.answered:
                self._link.write(pack(Op.CANCEL, number))
            for task in waiting.questions:
                task.cancel()

    async def post(self, envelope: Envelope) -> None:
        """Send one way."""
        self._link.write(self._frame(Op.SEND, envelope.pack()))
        await self._link.drain()

    def on_frame(self, frame: bytes) -> None:
        """Take one frame."""
        try:
            members = unpack(frame)
            if self._ready.done():
                self._dispatch(members)
            else:
                self._prove(members)
        except (AuraError, ValueError, TypeError, IndexError) as error:
            log.debug("the connection to %s ends: %s", self.target, error)
            if not self._ready.done():
                self._ready.set_exception(error if isinstance(error, AuraError) else OSError(str(error)))
                self._ready.exception()
            self.close()

    def on_closed(self, why: str) -> None:
        """The connection is gone."""
        self.alive = False
        self._deadlines.close()
        if not self._ready.done():
            self._ready.set_exception(ConnectionError(f"{self.target} hung up: {why}"))
            self._ready.exception()
        for waiting in self._waiting.values():
            if not waiting.future.done():
                waiting.future.set_exception(LinkLostError(why))

    def _prove(self, members: list[Any]) -> None:
        if members[0] == Op.CHALLENGE:
            self._link.write(self._handshake.prove(members))
        elif members[0] == Op.WELCOME:
            self._ready.set_result(None)
        elif members[0] == Op.REFUSED:
            raise AuraError.from_failure(Failure.from_dict(members[1]))
        else:
            raise AuraError("malformed", "an answer before the challenge")

    def _dispatch(self, members: list[Any]) -> None:
        operation = members[0]
        if operation == Op.REFUSED:
            raise AuraError.from_failure(Failure.from_dict(members[1]))
        waiting = self._waiting.get(members[1])
        if waiting is None or waiting.future.done():
            return
        if operation == Op.REPLY:
            waiting.answered = True
            waiting.future.set_result(members[2])
        elif operation == Op.FAIL:
            waiting.answered = True
            waiting.future.set_exception(AuraError.from_failure(Failure.from_dict(members[2])))
        elif operation == Op.ITEM:
            self._item(waiting, members[2])
        elif operation == Op.ASK:
            task = asyncio.get_running_loop().create_task(self._answer(waiting, members[1], members[2], members[3]))
            waiting.questions.add(task)
            task.add_done_callback(waiting.questions.discard)
        else:
            raise AuraError("malformed", f"operation {operation} isn't a callee's")

    def _item(self, waiting: _Waiting, item: JSON) -> None:
        if waiting.on_item is None:
            return
        try:
            waiting.on_item(item)
        except AuraError as error:
            waiting.future.set_exception(error)

    async def _answer(self, waiting: _Waiting, number: int, question_number: int, question: JSON) -> None:
        try:
            self._link.write(
                self._frame(Op.ANSWER, number, question_number, await (waiting.on_ask or _takes_no_questions)(question))
            )
        except AuraError as error:
            self._link.write(pack(Op.ANSWER_FAIL, number, question_number, error.failure.as_dict()))
        except Exception as error:
            log.exception("the answer to a question of %s failed", self.target)
            failure = AuraError("handler_failed", f"the question failed: {type(error).__name__}").failure
            self._link.write(pack(Op.ANSWER_FAIL, number, question_number, failure.as_dict()))

    def _frame(self, *members: Any) -> bytes:
        frame = pack(*members)
        if len(frame) > self._max_frame_bytes:
            raise AuraError("too_large", f"a message of {len(frame)} bytes; the bound is {self._max_frame_bytes}")
        return frame
