"""What happens at the gateway's door, written into a chain of audit records of its own."""

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


class SecurityRecord:
    """Records failed authentications and foreign requests; never raises, never waits.

    Strangers cause them, so of each kind 60 are written at once and 60 a minute after that. The others are counted,
    and told as `untold` by the next record of their kind, the last by `close`. A record that can't be written counts
    as untold too: whoever is refused is refused all the same.

    Args:
        settings: how audit records are written.
        paths: where.
        key: of the writer's digests.
        clock: seconds.
    """

    def __init__(
        self, settings: Settings, paths: Paths, key: bytes, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings.audit
        self._folder = paths.audit
        self._key = key
        self._clock = clock
        self._buckets = Buckets(A_MINUTE)
        self._untold: Counter[str] = Counter()
        self._writer: AuditWriter | None = None
        with contextlib.suppress(AuditError):  # told when there is something to write
            self._open()

    def note(self, event: str, details: dict[str, Any]) -> None:
        """Something happened; see `gateway.authentication.OnSecurityEvent`. Secrets in it are marked first."""
        if self._buckets.take(event, self._clock()).allowed:
            clean = {name: _clean(value) for name, value in details.items()}
            log.warning("%s: %s", event, clean)
            self._write(event, clean, itself=1)
        else:
            self._untold[event] += 1

    def close(self) -> None:
        """Tell what is untold, and let go of the chain."""
        for event in [event for event, count in self._untold.items() if count]:
            self._write(event, {}, itself=0)
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _write(self, event: str, details: dict[str, Any], itself: int) -> None:
        untold = self._untold.pop(event, 0)
        try:
            self._open().append(event, details | ({"untold": untold} if untold else {}))
        except AuditError as error:
            self._untold[event] = untold + itself
            log.error("not recorded: %s: %s", event, error)  # noqa: TRY400 - the cause is in it

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
