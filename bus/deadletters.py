"""What could not be delivered, with its reason: in bounded memory, and told to whoever keeps it."""

from __future__ import annotations

import time
from collections import Counter, deque
from dataclasses import asdict, dataclass

from .envelope import Envelope
from .messages import Report, TellDeadLetters

MOST_TOLD = 20
_UNTOLD_KINDS = (Report.kind, TellDeadLetters.kind)  # a part that can't report needs no second word of it


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
        self._untold: deque[DeadLetter] = deque(maxlen=min(limit, MOST_TOLD))
        self._passed_over = 0
        self.counts: Counter[str] = Counter()

    def add(self, envelope: Envelope, reason: str) -> None:
        """Keep the label of a message that went nowhere; `reason` is an error code."""
        self.counts[reason] += 1
        source, target = str(envelope.source), str(envelope.target)
        letter = DeadLetter(envelope.id, source, target, envelope.kind, reason, time.time())
        self._kept.append(letter)
        if envelope.kind not in _UNTOLD_KINDS:
            self._passed_over += len(self._untold) == self._untold.maxlen
            self._untold.append(letter)

    def list(self) -> list[DeadLetter]:
        """What is kept, oldest first."""
        return list(self._kept)

    def untold(self) -> TellDeadLetters | None:
        """The newest that nobody was told of, at most `MOST_TOLD`; None if there are none."""
        if not self._untold:
            return None
        return TellDeadLetters([asdict(letter) for letter in self._untold], self._passed_over)

    def told(self, message: TellDeadLetters) -> None:
        """Somebody keeps these now."""
        ids = {letter["id"] for letter in message.letters}
        while self._untold and self._untold[0].id in ids:
            self._untold.popleft()
        self._passed_over -= message.passed_over
