"""What an actor sees of the bus: `Bus` to ask others, `Context` to answer, `handles` to say what it answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Protocol, TypeVar

from .address import Address
from .envelope import Envelope, Header
from .messages import JSON, Message

OnItem = Callable[[JSON], None]
OnAsk = Callable[[JSON], Awaitable[JSON]]


class Bus(Protocol):
    """Ask other actors.

    Delivery is at most once, unless the message is idempotent: then the bus retries within the deadline and the
    receiver drops duplicates. An error says which happened: `not_delivered` (outcome not_run) or `outcome_unknown`.
    Cancelling the awaiting task cancels the work at the callee, and whatever that asked in turn.
    """

    @property
    def address(self) -> Address:
        """Who this is."""

    def stats(self) -> JSON:
        """Plain figures: mailbox depth, counts, times (ms); what a `Ping` is answered with."""

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
        """Send a message and wait for its reply.

        Args:
            target: an address, or a role whose replica 0 is meant.
            message: what to ask.
            header: what it inherits; None starts a new one with the default deadline.
            on_item: called in order for each item (progress, log) that comes before the reply.
            on_ask: answers a question that the callee asks back along this request; without it such a question fails.
            key: the caller's idempotency key; receivers drop duplicates by it.
            retry: whether to repeat after a broken connection; None leaves it to the message type.
            patience_s: how long to wait for an address that doesn't answer now (a restart); None is the setting.

        Raises:
            AuraError: by `errors.TABLE`.
        """

    async def send(self, target: str | Address, message: Message, *, header: Header | None = None) -> None:
        """Send without waiting for an answer; what can't be delivered goes to the dead letters.

        Raises:
            AuraError: `not_delivered`, when nobody answers at the address now; `undeclared_edge`.
        """

    def stream(self, target: str | Address, message: Message, *, header: Header | None = None) -> AsyncIterator[JSON]:
        """The items of a message's answer; ends with its reply. Leaving the loop cancels the work.

        A reader more than the setting's number of items behind gets `overflow`.
        """

    def publish(self, topic: str, event: Message) -> None:
        """Give an event to everybody who subscribed to the topic here; the newest is kept for later subscribers.

        Never blocks: a subscriber that is too slow loses its stream with `overflow`, and subscribes again.
        """


class Context(Protocol):
    """One message being handled."""

    @property
    def envelope(self) -> Envelope:
        """The message's envelope: source, id, key, attempt."""

    @property
    def header(self) -> Header:
        """For requests that this message causes: same principal, session, trace and deadline; one hop more."""

    @property
    def bus(self) -> Bus:
        """The actor's own bus."""

    async def emit(self, item: JSON) -> None:
        """Send an item (progress, log, stream element) to the caller ahead of the reply; waits while it is slow."""

    async def ask(self, question: JSON) -> JSON:
        """Ask the caller back along this open request (elicitation, sampling) and wait for the answer.

        Raises:
            AuraError: what the caller answered with instead, or `unavailable` when it takes no questions.
        """


Handler = Callable[[Any, Context], Awaitable[JSON]]
_F = TypeVar("_F", bound=Callable[..., Awaitable[JSON]])
_MARK = "__handles__"


def handles(message: type[Message]) -> Callable[[_F], _F]:
    """Mark the method `async def method(self, message, context) -> dict` that answers a message type."""

    def mark(method: _F) -> _F:
        setattr(method, _MARK, message.kind)
        return method

    return mark


def handlers_of(actor: object) -> Mapping[str, Handler]:
    """The handlers of an actor, by message kind.

    Raises:
        ValueError: two methods answer the same kind.
    """
    found: dict[str, Handler] = {}
    for name in dir(type(actor)):
        kind = getattr(getattr(type(actor), name, None), _MARK, None)
        if kind is None:
            continue
        if kind in found:
            raise ValueError(f"{type(actor).__name__} handles {kind} twice")
        found[kind] = getattr(actor, name)
    return found


class Actor(Protocol):
    """A plain class with handlers; it knows no runtime.

    `start` is called once its bus can ask and before it is asked; `stop` after the last message was answered.
    """

    async def start(self, bus: Bus) -> None:
        """Begin background work; must return soon."""

    async def stop(self) -> None:
        """End it, and close what was opened."""
