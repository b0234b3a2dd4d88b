"""What could not be delivered, with its reason, in bounded memory."""

from __future__ import annotations

import time
from collections import Counter, deque
from dataclasses import dataclass

from .envelope import Envelope


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message's label without its content (which may be secret): who, to whom, what, why, and Unix seconds when."""

    id: str
    source: str
    target: str
    kind: str
    reason: str
    at: float


class DeadLetters:
    """The newest `limit` dead letters; older ones are dropped but stay counted."""

    def __init__(self, limit: int) -> None:
        self._kept: deque[DeadLetter] = deque(maxlen=limit)
        self.counts: Counter[str] = Counter()

    def add(self, envelope: Envelope, reason: str) -> None:
        """Keep the label of a message that went nowhere; `reason` is an error code."""
        self.counts[reason] += 1
        self._kept.append(
            DeadLetter(envelope.id, str(envelope.source), str(envelope.target), envelope.kind, reason, time.time())
        )

    def list(self) -> list[DeadLetter]:
        """What is kept, oldest first."""
        return list(self._kept)
