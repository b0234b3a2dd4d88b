"""Runs one foreign process within bounds on time and output, and leaves nothing of it behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
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


async def run(
    argv: Sequence[str],
    *,
    cwd: str,
    env: Mapping[str, str],
    timeout_s: float,
    most_bytes: int,
    pass_fds: Sequence[int] = (),
    inner: Callable[[], int | None] = lambda: None,
) -> Ended:
    """Run a program to its end, or to the end of its time or of what it may print; its input is empty.

    It leads a process group of its own, which is killed whole whatever happens: a cancelled caller leaves nothing
    behind either. What leaves that group (setsid) is for a PID namespace to end.

    Args:
        argv: an absolute path and its arguments.
        cwd: where it starts.
        env: its whole environment.
        timeout_s: its time.
        most_bytes: kept of each stream; after many times as much it is ended.
        pass_fds: files that it inherits.
        inner: asked after the group was killed: a process that left it and must be killed, too.

    Raises:
        OSError: it could not be started.
    """
    began = time.monotonic()
    process = await _start(argv, cwd, env, pass_fds, inner)
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
        await _end(process, tasks, inner)
    ms = round((time.monotonic() - began) * 1000, 1)
    return Ended(bytes(out.kept), bytes(err.kept), code, timed_out, out.truncated or err.truncated, ms)


async def _start(
    argv: Sequence[str], cwd: str, env: Mapping[str, str], pass_fds: Sequence[int], inner: Callable[[], int | None]
) -> asyncio.subprocess.Process:
    pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            *argv,
            stdin=nothing,
            stdout=pipe,
            stderr=pipe,
            cwd=cwd,
            env=env,
            pass_fds=tuple(pass_fds),
            start_new_session=True,
        )
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        while not starting.done():  # it takes moments; who cancels twice waits for them, too
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait({starting})
        if starting.exception() is None:
            await _end(starting.result(), (), inner)
        raise


def _kill(process: asyncio.subprocess.Process, inner: Callable[[], int | None]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    if process.returncode is None and (pid := inner()) is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


async def _end(
    process: asyncio.subprocess.Process, tasks: Sequence[asyncio.Task[None]], inner: Callable[[], int | None]
) -> None:
    """Kill the group, whoever of it is left; at most `_ENDING_S`, for the kernel may hold a process for longer."""
    _kill(process, inner)
    for task in tasks:
        task.cancel()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_ENDING_S):
            await asyncio.gather(*tasks, return_exceptions=True)
            # asyncio counts a process as ended when its pipes are, too; one that isn't read never is.
            await asyncio.gather(_drain(process.stdout), _drain(process.stderr), process.wait())
    # The public API leaves pipes open that a stranger holds.
    process._transport.close()  # type: ignore[attr-defined]


async def _drain(stream: asyncio.StreamReader | None) -> None:
    while stream is not None and await stream.read(_READ_BYTES):
        pass
