"""Seals the record into signed epochs while the system runs, and removes what retention gives up."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable

from aura_ia_mcp.bus.messages import JSON
from aura_ia_mcp.stores.audit import AuditError
from aura_ia_mcp.stores.epoch_writer import EpochError, EpochWriter
from aura_ia_mcp.stores.keys import KeyFileError
from aura_ia_mcp.stores.retention import prune
from aura_ia_mcp.stores.sealing import Sealer
from aura_ia_mcp.stores.signing import signing_key

from .boot import Boot

log = logging.getLogger(__name__)

PERIOD_S = 0.5
RETENTION_S = 3600.0
_STOP_S = 3.0


class Sealing:
    """Makes an epoch every `audit.epoch_s`, sooner when `audit.epoch_records` have come, and one at the end.

    Never raises: what keeps it from sealing is logged once and told in `figures`, and tried again. Nothing is lost by
    that, for the next epoch seals what waits. Whether calls run while the disk is full is the writers' matter.

    Args:
        boot: settings, paths, and the writer that tells of repairs.
        count: how many records were seen so far, by whoever follows them.
    """

    def __init__(self, boot: Boot, count: Callable[[], int]) -> None:
        self._boot = boot
        self._settings = boot.settings.audit
        self._count = count
        self._epochs: EpochWriter | None = None
        self._sealer: Sealer | None = None
        self._task: asyncio.Task[None] | None = None
        self._ended = asyncio.Event()
        self._fault = ""
        self._sealed_at = 0.0
        self._sealed = 0
        self._pruned_at = float("-inf")

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._loop(), name="seal the audit records")

    async def stop(self) -> None:
        """Seal what is there, for 3 s at most; what is left then is sealed at the next start. Idempotent."""
        if self._task is None:
            return
        self._ended.set()
        await self._task
        self._task = None

    def figures(self) -> JSON:
        """{sealed_records, sealed_at, sealing_fault}: since this start; the last is "" while all goes well."""
        return {"sealed_records": self._sealed, "sealed_at": self._sealed_at, "sealing_fault": self._fault}

    async def _loop(self) -> None:
        due, seen = time.monotonic(), 0
        while not self._ended.is_set():
            if time.monotonic() >= due or self._count() - seen >= self._settings.epoch_records:
                seen = self._count()
                await asyncio.to_thread(self._seal, float("inf"))
                due = time.monotonic() + self._settings.epoch_s
            if time.monotonic() - self._pruned_at >= RETENTION_S:
                self._pruned_at = time.monotonic()
                await asyncio.to_thread(self._prune)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), min(PERIOD_S, self._settings.epoch_s))
        await asyncio.to_thread(self._seal, time.monotonic() + _STOP_S)

    # --- in a thread, one at a time -----------------------------------------------------------------------------------

    def _seal(self, until: float) -> None:
        """Make epochs until nothing waits, or the time is up or the system stops."""
        try:
            sealer = self._open()
            while (count := sealer.seal()) > 0:
                self._sealed += count
                self._sealed_at = time.time()
                if count < self._settings.epoch_records or time.monotonic() >= until:
                    break
                if until == float("inf") and self._ended.is_set():
                    break
            self._tell_repairs()
            self._say("; ".join(sealer.faults.values()))
            if self._ended.is_set() and self._epochs is not None:
                self._epochs.remember()
        except (EpochError, KeyFileError, OSError) as error:
            self._say(str(error))

    def _open(self) -> Sealer:
        if self._sealer is None:
            paths = self._boot.paths
            key = signing_key(paths.audit_signing_key, paths.audit)
            self._epochs = EpochWriter(paths.audit, key, self._settings.segment_bytes, paths.epochs_standing)
            self._sealer = Sealer(paths.audit, self._epochs, self._settings.epoch_records)
        return self._sealer

    def _prune(self) -> None:
        days, most_bytes = self._settings.retention_days, self._settings.retention_bytes
        if self._epochs is None:
            return
        try:
            gone = prune(self._boot.paths.audit, self._epochs, days=days, most_bytes=most_bytes, now=time.time())
        except (EpochError, OSError) as error:
            self._say(str(error))
        else:
            if gone["files"]:
                log.info("retention removed %s files of the record, %s bytes", gone["files"], gone["bytes"])
                self._record("pruned", gone)

    def _tell_repairs(self) -> None:
        assert self._epochs is not None
        while self._epochs.repairs:
            self._record("repaired", self._epochs.repairs[0])
            log.warning("a torn entry of the epochs was moved aside: %s", self._epochs.repairs.pop(0))

    def _say(self, fault: str) -> None:
        if fault and fault != self._fault:
            log.error("records are not sealed: %s", fault)
            self._record("sealing_failed", {"why": fault})
        self._fault = fault

    def _record(self, kind: str, fields: JSON) -> None:
        with contextlib.suppress(AuditError):  # it is in the log at least
            self._boot.audit.append(kind, fields)
