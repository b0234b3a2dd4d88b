"""Runs one foreign process within bounds on time and output, and leaves nothing of it behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_READ_BYTES = 65_536
_PATIENCE = 16
_ENDING_S = 5.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended.

    Args:
        stdout: the first bytes of what it printed.
        stderr: likewise.
        exit_code: its status, negative for a signal; None when it was ended from here.
        timed_out: it was ended since its time was up.
        truncated: it printed more than was kept; of one that went on long enough, it was ended.
        ms: how long it ran.
    """

    stdout: bytes
    stderr: bytes
    exit_code: int | None
    timed_out: bool
    truncated: bool
    ms: float


class _FloodError(Exception):
    """It prints without end."""


class _Output:
    """Keeps the first bytes of a stream."""

    def __init__(self, most_bytes: int) -> None:
        self.kept = bytearray()
        self._most_bytes = most_bytes
        self._seen = 0

    @property
    def truncated(self) -> bool:
        return self._seen > self._most_bytes

    async def read(self, stream: asyncio.StreamReader) -> None:
        """Read to the end.

        Raises:
            _FloodError: there is many times more than is kept.
        """
        while data := await stream.read(_READ_BYTES):
            self._seen += len(data)
            self.kept += data[: self._most_bytes - len(self.kept)]
            if self._seen > _PATIENCE * self._most_bytes:
                raise _FloodError


async def run(argv: Sequence[str], *, cwd: str, env: Mapping[str, str], timeout_s: float, most_bytes: int) -> Ended:
    """Run a program to its end, or to the end of its time or of what it may print; its input is empty.

    It leads a process group of its own, which is killed whole whatever happens: a cancelled caller leaves nothing
    behind either. What leaves that group (setsid) is for a PID namespace to end.

    Args:
        argv: an absolute path and its arguments.
        cwd: where it starts.
        env: its whole environment.
        timeout_s: its time.
        most_bytes: kept of each stream; after many times as much it is ended.

    Raises:
        OSError: it could not be started.
    """
    began = time.monotonic()
    process = await _start(argv, cwd, env)
    assert process.stdout is not None
    assert process.stderr is not None
    out, err = _Output(most_bytes), _Output(most_bytes)
    tasks = [asyncio.create_task(work) for work in (out.read(process.stdout), err.read(process.stderr))]
    code: int | None = None
    timed_out = False
    try:
        async with asyncio.timeout(timeout_s):
            await asyncio.gather(*tasks)
            code = await process.wait()
    except TimeoutError:
        timed_out = True
    except _FloodError:
        pass
    finally:
        await _end(process, tasks)
    ms = round((time.monotonic() - began) * 1000, 1)
    return Ended(bytes(out.kept), bytes(err.kept), code, timed_out, out.truncated or err.truncated, ms)


async def _start(argv: Sequence[str], cwd: str, env: Mapping[str, str]) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            *argv, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe, cwd=cwd, env=env, start_new_session=True
        )
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        starting.add_done_callback(_kill_late)
        raise


def _kill_late(starting: asyncio.Future[asyncio.subprocess.Process]) -> None:
    """It is there, and nobody waits for it any more."""
    if not starting.cancelled() and starting.exception() is None:
        _kill(starting.result())


def _kill(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


async def _end(process: asyncio.subprocess.Process, tasks: Sequence[asyncio.Task[None]]) -> None:
    """Kill the group, whoever of it is left; at most `_ENDING_S`, for the kernel may hold a process for longer."""
    _kill(process)
    for task in tasks:
        task.cancel()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_ENDING_S):
            await process.wait()
            await asyncio.gather(*tasks, return_exceptions=True)
