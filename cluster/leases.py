"""Leases: a client that holds one keeps an on-demand system alive, and hears when it is ready.

A lease is an open connection to the unix socket `paths.leases`. The supervisor writes JSON lines to it: progress
({"stage", "fraction", "text"}), then {"stage": "ready", "system": {...}} or {"stage": "fault", "text"}. The kernel
closes a dead client's connection, so no lease outlives its holder.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from filelock import FileLock, Timeout

from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON
from aura_ia_mcp.configs.paths import Paths
from aura_ia_mcp.configs.settings import Settings

from .child import environment
from .folders import where_to_look
from .spec import absolute

_MOST = 1024
_UP_S = 15.0
_RETRY_S = 0.1
_LINE_ROOM_BYTES = 262_144

OnLine = Callable[[JSON], None]


class Lease:
    """One client's hold on a running system; an asynchronous context manager.

    Attributes:
        system: what the system says of itself: pid, urls, started_at, ….
    """

    def __init__(self, system: JSON, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.system = system
        self._reader = reader
        self._writer = writer

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go; idempotent."""
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def lost(self) -> None:
        """Wait until the system ends."""
        with contextlib.suppress(OSError):
            while await self._reader.readline():
                pass


async def hold(paths: Paths, *, timeout_s: float = 90.0, on_line: OnLine | None = None) -> Lease:
    """A lease on the system that runs here, once it is ready.

    Raises:
        AuraError: `unavailable`: none runs, it failed to start, or wasn't ready in time.
    """
    try:
        reader, writer = await asyncio.open_unix_connection(str(paths.leases))
    except OSError as error:
        raise AuraError("unavailable", "no system runs here", recovery="Start one with `aura serve`.") from error
    try:
        async with asyncio.timeout(timeout_s):
            return Lease(await _until_ready(reader, paths, on_line), reader, writer)
    except TimeoutError as error:
        writer.close()
        raise AuraError(
            "unavailable",
            f"the system wasn't ready within {timeout_s:g} s",
            recovery=where_to_look(paths),
        ) from error
    except BaseException:
        writer.close()
        raise


async def _until_ready(reader: asyncio.StreamReader, paths: Paths, on_line: OnLine | None) -> JSON:
    while line := await reader.readline():
        said: JSON = json.loads(line)
        if said["stage"] == "ready":
            system: JSON = said["system"]
            return system
        if said["stage"] == "fault":
            raise AuraError("unavailable", str(said["text"]), recovery=where_to_look(paths))
        if on_line is not None:
            on_line(said)
    raise EndedError


class EndedError(AuraError):
    """The system ended while its client waited; it may be tried again."""

    def __init__(self) -> None:
        super().__init__("unavailable", "the system ended while it was waited for", recovery="Try again.")


async def ensure_running(
    settings: Settings,
    paths: Paths,
    *,
    sources: Sequence[str] = (),
    origins: Mapping[str, str] | None = None,
    on_line: OnLine | None = None,
) -> Lease:
    """A lease on the system that runs here; starts one that ends with its last lease when there is none.

    Safe for any number of processes at once: one of them starts it, the others wait for that.

    Args:
        settings: of the system that is started.
        paths: its files.
        sources: further tool sources, each `module:callable`.
        origins: for each key of the settings where its value comes from.
        on_line: hears the lines that the supervisor writes to its leases.

    Raises:
        AuraError: `unavailable`, with the reason for which it could not be started.
    """
    end = time.monotonic() + settings.cluster.start_timeout_s
    while True:
        left = max(1.0, end - time.monotonic())
        try:
            if not await _answers(paths):
                await asyncio.to_thread(_start_once, paths, _told(settings, sources, origins), left)
            return await hold(paths, timeout_s=left, on_line=on_line)
        except EndedError:
            if time.monotonic() > end:
                raise
            await asyncio.sleep(_RETRY_S)


async def _answers(paths: Paths) -> bool:
    try:
        _, writer = await asyncio.open_unix_connection(str(paths.leases))
    except OSError:
        return False
    writer.close()
    return True


def _answers_now(paths: Paths) -> bool:
    return asyncio.run(_answers(paths))


def _told(settings: Settings, sources: Sequence[str], origins: Mapping[str, str] | None) -> bytes:
    """What a detached supervisor reads from its standard input; see `supervisor.main`."""
    data = {
        "settings": absolute(settings).model_dump(mode="json"),
        "sources": list(sources),
        "origins": dict(origins or {}),
    }
    return json.dumps(data).encode() + b"\n"


def _start_once(paths: Paths, told: bytes, timeout_s: float) -> None:
    paths.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with FileLock(paths.state / "start.lock", timeout=timeout_s, mode=0o600):
            if _answers_now(paths):
                return
            process = _spawn(told)
            end = time.monotonic() + min(timeout_s, _UP_S)
            while time.monotonic() < end:
                if _answers_now(paths):
                    return
                if process.poll() is not None:
                    raise AuraError(
                        "unavailable",
                        f"the system ended at once with status {process.returncode}",
                        recovery=f"{where_to_look(paths)} `aura serve` in a terminal says it, too.",
                    )
                time.sleep(_RETRY_S)
            raise AuraError("unavailable", "the system's supervisor didn't come up", recovery="Run `aura doctor`.")
    except Timeout as error:
        raise AuraError("unavailable", "another process takes too long to start the system") from error


def _spawn(told: bytes) -> subprocess.Popen[bytes]:
    """A supervisor in a session of its own, so that nothing that ends its first client ends it."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "aura_ia_mcp.cluster.supervisor"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env=environment(),
    )
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(told)
        process.stdin.close()
    return process


class Leases:
    """The supervisor's side.

    Args:
        path: the socket; replaced if an earlier life left one.
        on_change: called whenever a lease came or went.
    """

    def __init__(self, path: Path, on_change: Callable[[], None]) -> None:
        self._path = path
        self._on_change = on_change
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._last: JSON | None = None
        self.served = 0

    @property
    def count(self) -> int:
        """Leases held now."""
        return len(self._open)

    async def start(self) -> None:
        """Listen."""
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, str(self._path))
        self._path.chmod(0o600)

    def say(self, line: JSON) -> None:
        """Tell every holder, and those to come."""
        self._last = line
        for writer in self._open:
            self._write(writer, line)

    async def stop(self) -> None:
        """Take no more, and close what is open: to its holder, that is the system's end."""
        if self._server is not None:
            self._server.close()
        self._path.unlink(missing_ok=True)
        for writer in list(self._open):
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._open) >= _MOST:
            self._write(writer, {"stage": "fault", "text": f"{_MOST} clients hold this system already"})
            writer.close()
            return
        self._open.add(writer)
        self.served += 1
        self._on_change()
        try:
            if self._last is not None:
                self._write(writer, self._last)
            while await reader.read(1024):  # a holder says nothing; its end ends the lease
                pass
        except OSError:
            pass
        finally:
            self._open.discard(writer)
            writer.close()
            self._on_change()

    def _write(self, writer: asyncio.StreamWriter, line: JSON) -> None:
        if not writer.is_closing() and writer.transport.get_write_buffer_size() < _LINE_ROOM_BYTES:
            writer.write(json.dumps(line).encode() + b"\n")
