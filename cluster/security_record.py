"""Who was refused, at the gateway's door and on the bus, written into chains of audit records."""

from __future__ import annotations

import contextlib
import logging
import re
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from aura_ia_mcp.configs.paths import Paths
from aura_ia_mcp.configs.settings import Settings
from aura_ia_mcp.judgement.bucket import Buckets
from aura_ia_mcp.judgement.inspection.redaction import redact
from aura_ia_mcp.stores.audit import AuditError, AuditWriter

log = logging.getLogger(__name__)

WRITER = "gateway"
_USER = re.compile(r"[^\s/@]*@")
A_MINUTE = 60


class Refusals:
    """Records who was refused, and for what; never raises, never waits.

    Strangers cause them, so of each kind 60 are written at once and 60 a minute after that. The others are counted,
    and told as `untold` by the next record of their kind, the last by `close`. A record that can't be written counts
    as untold too: whoever is refused is refused all the same.

    Args:
        writer: gives the chain of audit records.
        clock: seconds.
    """

    def __init__(self, writer: Callable[[], AuditWriter], clock: Callable[[], float] = time.monotonic) -> None:
        self._chain = writer
        self._clock = clock
        self._buckets = Buckets(A_MINUTE)
        self._untold: Counter[str] = Counter()

    def note(self, event: str, details: dict[str, Any]) -> None:
        """Somebody was refused; secrets in the details are marked first."""
        if self._buckets.take(event, self._clock()).allowed:
            clean = {name: _clean(value) for name, value in details.items()}
            log.warning("%s: %s", event, clean)
            self._write(event, clean, itself=1)
        else:
            self._untold[event] += 1

    def close(self) -> None:
        """Tell what is untold."""
        for event in [event for event, count in self._untold.items() if count]:
            self._write(event, {}, itself=0)

    def _write(self, event: str, details: dict[str, Any], itself: int) -> None:
        untold = self._untold.pop(event, 0)
        try:
            self._chain().append(event, details | ({"untold": untold} if untold else {}))
        except AuditError as error:
            self._untold[event] = untold + itself
            log.error("not recorded: %s: %s", event, error)  # noqa: TRY400 - the cause is in it


class SecurityRecord(Refusals):
    """The gateway's: failed authentications, foreign requests and refused peers, in a chain of its own.

    Args:
        settings: how audit records are written.
        paths: where.
        key: of the writer's digests.
        clock: seconds.
    """

    def __init__(
        self, settings: Settings, paths: Paths, key: bytes, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(self._open, clock)
        self._settings = settings.audit
        self._folder = paths.audit
        self._key = key
        self._writer: AuditWriter | None = None
        with contextlib.suppress(AuditError):  # told when there is something to write
            self._open()

    def close(self) -> None:
        """Tell what is untold, and let go of the chain."""
        super().close()
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _open(self) -> AuditWriter:
        if self._writer is None:
            self._writer = AuditWriter(
                self._folder, WRITER, self._key, self._settings.fsync, self._settings.segment_bytes
            )
        return self._writer


def _clean(value: Any) -> Any:
    """Without secrets; of a Host or Origin (`user:password@host`) also without who comes before the host."""
    clean, _ = redact(value)
    return _USER.sub("[redacted:user]@", clean) if isinstance(clean, str) else clean
