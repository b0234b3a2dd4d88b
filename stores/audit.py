"""The audit record: append-only JSON lines, each chained to the exact bytes of the one before.

`logs/audit/<writer>/<first seq:08d>.jsonl`. One process owns a writer's folder at a time (a lock sees to it), and one
`write` makes one record, so that a reader sees whole lines. See docs/audit.md for the form.
"""

from __future__ import annotations

import errno
import hashlib
import hmac
import json
import os
import re
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

from .form import GENESIS, VERSION, hash_of
from .segments import RESERVED, SegmentError, cut, flush, last_line, lock, make_private
from .segments import segments as segments  # noqa: PLC0414 - found here by whoever reads records

LEAST_FREE_BYTES = 4_194_304
_CHECK_S = 1.0
_WRITER = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


class AuditError(Exception):
    """The record could not be written, or its folder can't be used; the message says why and what to do."""


class Written(NamedTuple):
    """A record that is in the file.

    Args:
        id: `writer:seq`.
        hash: SHA-256 of its line, in hexadecimal.
    """

    id: str
    hash: str

    @property
    def receipt(self) -> str:
        """`writer:seq:hash`: whoever keeps it can show that this record was here, and was no other."""
        return f"{self.id}:{self.hash}"


class AuditWriter:
    """Writes one chain of records.

    Promises: a record is in the file, whole, when `append` returns (on the disk too with `fsync`). When a write fails
    no part of a line stays, the next record continues the chain, and the first one that succeeds says how many failed.
    A last line torn by a power loss is moved aside at the next start, and a record says so. Whoever made it closes it.

    Args:
        folder: `logs/audit`.
        writer: name of the chain, as in `safety-0`.
        key: keys the digests of arguments.
        fsync: also survive power loss; costs a disk write per record.
        segment_bytes: size at which the next file begins.
        wait_s: how long to wait for another process that owns the chain.

    Raises:
        AuditError: another process owns the chain, or the folder can't be written.
    """

    def __init__(
        self,
        folder: Path,
        writer: str,
        key: bytes,
        fsync: bool = False,
        segment_bytes: int = 67_108_864,
        *,
        wait_s: float = 0.0,
    ) -> None:
        if not _WRITER.fullmatch(writer) or writer in RESERVED:
            raise AuditError(f"{writer!r} can't name a writer; use lower-case letters, digits, '-' and '_'")
        self.writer = writer
        self._folder = folder / writer
        self._key = key
        self._fsync = fsync
        self._segment_bytes = segment_bytes
        self._mutex = threading.Lock()
        self._fd = self._lock_fd = -1
        self._seq, self._prev, self._size = 0, GENESIS, 0
        self._path = self._folder
        self._lost, self._why = 0, ""
        self._checked_at = 0.0
        try:
            make_private(self._folder)
            self._take_lock(wait_s)
            torn = self._continue_chain()
        except OSError as error:
            self.close()
            raise AuditError(f"{self._folder} can't be written: {error}; make room or fix its mode") from error
        except SegmentError as error:
            self.close()
            raise AuditError(str(error)) from error
        except AuditError:
            self.close()
            raise
        if torn is not None:
            self.append("repaired", torn)
        self.append("opened", {"pid": os.getpid(), "continues": self._seq})

    @property
    def seq(self) -> int:
        """Number of the newest record."""
        return self._seq

    def digest(self, text: str) -> str:
        """HMAC-SHA256 (hexadecimal) under the audit key: tells whether two texts are equal, and not what they are."""
        return hmac.digest(self._key, text.encode("utf-8", "surrogatepass"), "sha256").hex()

    def append(self, kind: str, fields: dict[str, Any]) -> Written:
        """Write a record.

        Args:
            kind: a plain word.
            fields: JSON; not v, seq, ts, writer, prev or kind.

        Returns:
            Its id and its hash.

        Raises:
            AuditError: it isn't written, or (with `fsync`) it isn't sure that it is on the disk.
        """
        body = _encode(fields)
        with self._mutex:
            if self._lost:
                self._recover()
            if self._size >= self._segment_bytes:
                self._next_segment()
            return self._write(kind, body)

    def ready(self) -> None:
        """Check that a record could be written now; looks at the disk at most once a second.

        Raises:
            AuditError: it could not.
        """
        now = time.monotonic()
        if not self._lost and now - self._checked_at < _CHECK_S:
            return
        with self._mutex:
            if self._lost:
                self._recover()
            self._checked_at = now
            try:
                there = os.stat(self._path)  # noqa: PTH116 - on the way of calls
                mine = os.fstat(self._fd)
                disk = os.fstatvfs(self._fd)
            except OSError as error:
                self._checked_at = 0.0
                raise AuditError(f"{self._path} is gone: {error}; restart, and look who removed it") from error
            if (there.st_ino, there.st_dev) != (mine.st_ino, mine.st_dev) or mine.st_size != self._size:
                self._checked_at = 0.0
                raise AuditError(f"{self._path} was changed by somebody else; restart, and look who did")
            free = disk.f_bavail * disk.f_frsize
            if free < LEAST_FREE_BYTES:
                self._checked_at = 0.0
                raise AuditError(f"only {free} bytes are free for {self._folder}; free disk space")

    def close(self) -> None:
        """Let go of the chain; idempotent."""
        for fd in (self._fd, self._lock_fd):
            if fd >= 0:
                os.close(fd)
        self._fd = self._lock_fd = -1

    # --- within the mutex ---------------------------------------------------------------------------------------------

    def _write(self, kind: str, body: str) -> Written:
        seq = self._seq + 1
        rest = body[1:] if body != "{}" else "}"
        comma = "," if body != "{}" else ""
        line = (
            f'{{"v":{VERSION},"seq":{seq},"ts":{time.time():.6f},"writer":"{self.writer}",'
            f'"prev":"{self._prev}","kind":"{kind}"{comma}{rest}'
        ).encode("ascii")
        try:
            written = os.write(self._fd, line + b"\n")
            if written != len(line) + 1:
                raise OSError(errno.ENOSPC, f"only {written} of {len(line) + 1} bytes were written")  # noqa: TRY301
        except OSError as error:
            raise self._failed(error) from error
        self._seq = seq
        self._prev = hashlib.sha256(line).hexdigest()
        self._size += written
        if self._fsync:
            try:
                os.fsync(self._fd)
            except OSError as error:  # the line stays: an epoch may have sealed it already
                raise self._failed(error) from error
        return Written(f"{self.writer}:{seq}", self._prev)

    def _failed(self, error: OSError) -> AuditError:
        self._lost += 1
        self._why = str(error)
        return AuditError(f"{self._path} can't be written: {error}; free disk space")

    def _recover(self) -> None:
        """Cut off what a failed write left, then say what was lost; raises AuditError while that fails."""
        lost, why = self._lost, self._why
        try:
            if self._fd < 0:
                raise OSError(errno.EBADF, "the writer is closed")  # noqa: TRY301
            if os.fstat(self._fd).st_size > self._size:
                os.ftruncate(self._fd, self._size)
        except OSError as error:
            self._lost += 1
            raise AuditError(f"{self._path} can't be repaired: {error}; free disk space") from error
        self._lost = 0
        try:
            self._write("recovered", _encode({"lost": lost, "why": why}))
        except AuditError:
            self._lost = lost + 1
            raise

    def _next_segment(self) -> None:
        path = self._folder / f"{self._seq + 1:08d}.jsonl"
        try:
            fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            if self._fsync:
                flush(self._folder)
        except OSError as error:
            raise AuditError(f"{path} can't be made: {error}; free disk space") from error
        if self._fd >= 0:
            os.close(self._fd)
        self._fd, self._path, self._size = fd, path, 0

    # --- at the start -------------------------------------------------------------------------------------------------

    def _take_lock(self, wait_s: float) -> None:
        fd = lock(self._folder / ".lock", wait_s)
        if fd is None:
            raise AuditError(f"another process writes {self._folder}; one system runs per state folder, stop the other")
        self._lock_fd = fd

    def _continue_chain(self) -> dict[str, Any] | None:
        """Find the newest record and open its file; what a power loss tore off, for a record of it."""
        torn: dict[str, Any] | None = None
        found = segments(self._folder)
        for path in reversed(found):
            line, good, size = last_line(path)
            if size > good:
                torn = cut(path, good)
            if line is not None:
                self._seq = json.loads(line)["seq"]
                self._prev = hash_of(line)
                break
        if not found:
            self._next_segment()
            return None
        self._path = found[-1]
        self._fd = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        self._size = os.fstat(self._fd).st_size
        return torn
