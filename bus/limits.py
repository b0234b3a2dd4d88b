"""The bounds of one peer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """No queue, wait or frame of the bus is without one of these.

    Args:
        mailbox: messages being handled at once; one more is refused with `mailbox_full`.
        max_frame_bytes: a larger message is refused by its sender with `too_large`.
        stream_items: how far a stream's reader, or a subscriber, may fall behind.
        deadline_s: for messages that inherit no deadline.
        patience_s: how long a caller waits for an address that doesn't answer.
        attempts: sends of an idempotent message in all.
        handshake_s: how long a connection may take to prove itself.
        connections: connections answered at once.
        dead_letters: how many are kept.
        remembered: replies kept for duplicates, at most this many, ...
        remembered_bytes: ... of this size on the wire in all (about four times that in memory), ...
        remembered_s: ... and for this long after they were given.
    """

    mailbox: int = 1024
    max_frame_bytes: int = 8_388_608
    stream_items: int = 1024
    deadline_s: float = 30.0
    patience_s: float = 4.0
    attempts: int = 3
    handshake_s: float = 5.0
    connections: int = 256
    dead_letters: int = 1000
    remembered: int = 4096
    remembered_bytes: int = 8_388_608
    remembered_s: float = 60.0
