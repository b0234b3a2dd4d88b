"""A child process that is kept: started with its spec, listened to, started again when it dies, and stopped."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from aura_ia_mcp.bus.messages import JSON

from .bounded_log import BoundedLog
from .exits import Exit, meaning
from .restarts import GiveUp, RestartPolicy, decide

_LINE_BYTES = 1_048_576


class GaveUpError(Exception):
    """A child can't be kept alive; the message says why."""


class Child:
    """One kept process: `python -m module`, with `spec` as the first line of its standard input.

    Args:
        name: for people, as in `gateway`.
        module: what it runs.
        spec: a line of JSON; holds secrets.
        folder: its working directory.
        log: takes its standard error.
        on_line: given each line of JSON it prints.
        on_died: awaited before a restart is decided; cleans up after it.
        on_notice: told of deaths and restarts in a sentence.
        policy: when to give up.
    """

    def __init__(
        self,
        name: str,
        module: str,
        spec: str,
        folder: Path,
        log: BoundedLog,
        *,
        on_line: Callable[[JSON], None],
        on_died: Callable[[], Awaitable[None]],
        on_notice: Callable[[str], None],
        policy: RestartPolicy | None = None,
    ) -> None:
        self.name = name
        self.ready = asyncio.Event()
        self._module = module
        self._spec = spec
        self._folder = folder
        self._log = log
        self._on_line = on_line
        self._on_died = on_died
        self._on_notice = on_notice
        self._policy = policy or RestartPolicy()
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False
        self._was_ready = False
        self._fault = ""

    @property
    def pid(self) -> int | None:
        """Of the process that runs now."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def keep(self) -> None:
        """Run it until it is stopped.

        Raises:
            GaveUpError: it could not start at all, or died too often.
        """
        deaths: list[float] = []
        while not self._stopping:
            status = await self._run_once()
            self.ready.clear()
            if self._stopping:
                return
            await self._on_died()
            reason = self._fault or meaning(status)
            if status == Exit.START_FAILED and not self._was_ready:
                raise GaveUpError(f"the {self.name} could not start: {reason}")
            deaths.append(time.monotonic())
            decision = decide(self._policy, deaths)
            if isinstance(decision, GiveUp):
                raise GaveUpError(f"the {self.name} can't be kept alive: {decision.reason}; lastly: {reason}")
            log = f"; its log is {self._log.path}" if self._log.path.exists() else ""
            self._on_notice(f"the {self.name} died ({reason}); starting it again{log}")
            await asyncio.sleep(decision.after_s)

    async def stop(self, grace_s: float) -> None:
        """Ask it to end, and end it after `grace_s`."""
        self._stopping = True
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(grace_s):
                await process.wait()
        except TimeoutError:
            self._on_notice(f"the {self.name} did not end within {grace_s:g} s; ending it now")
            self.kill()
            await process.wait()

    def kill(self) -> None:
        """End it at once; `keep` returns soon after."""
        self._stopping = True
        self.end()

    def end(self) -> None:
        """End this life of it at once; `keep` starts the next one."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def _run_once(self) -> int:
        self._fault = ""
        self._process = process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            self._module,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=self._folder,
            env=environment(),
            process_group=0,  # the terminal's Ctrl-C is for the supervisor alone
            limit=_LINE_BYTES,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        if self._stopping:
            self.kill()
        with contextlib.suppress(ConnectionError):
            process.stdin.write(self._spec.encode() + b"\n")
            await process.stdin.drain()
        readers = [
            asyncio.create_task(self._read_lines(process.stdout)),
            asyncio.create_task(_copy(process.stderr, self._log)),
        ]
        status = await process.wait()
        # Grandchildren may hold the pipes open for longer: don't wait for them.
        await asyncio.wait(readers, timeout=0.5)
        for reader in readers:
            reader.cancel()
        process.stdin.close()
        return status

    async def _read_lines(self, stream: asyncio.StreamReader) -> None:
        async for line in _lines(stream):
            try:
                said = json.loads(line)
            except ValueError:
                self._log.write(line)
                continue
            if said.get("stage") == "fault":
                self._fault = str(said.get("text", ""))
            self._on_line(said)
            if said.get("ready"):
                self._was_ready = True
                self.ready.set()


def environment() -> dict[str, str]:
    """The environment of children: ours, without our settings and without what keeps byte code from being compiled.

    Settings come with a child's spec. Some are secrets (a database's address, a caller's token), which everything that
    a child starts would else inherit.
    """
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("AURA_") and name != "PYTHONDONTWRITEBYTECODE"  # Ray's workers would all compile anew
    }


async def _copy(stream: asyncio.StreamReader, log: BoundedLog) -> None:
    async for line in _lines(stream):
        log.write(line)


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while True:
        try:
            line = await stream.readline()
        except ValueError:  # a line beyond the limit; the rest of it follows as lines of its own
            continue
        if not line:
            return
        yield line
