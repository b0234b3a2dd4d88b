"""Inspecting without keeping anybody waiting: short texts here, long ones in a process of their own."""

from __future__ import annotations

import asyncio
import json
import os
import struct
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any

from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.configs.settings import Safety
from aura_ia_mcp.judgement import inspection
from aura_ia_mcp.judgement.finding import Finding, Report
from aura_ia_mcp.judgement.inspection import Found

from .inspection_worker import READY

MOST_CHARS = 4 << 20
_MOST_WAITING = 8
_TURN_S = 30.0  # a new worker first reads its tables: seconds of CPU, which a busy machine gives it slowly
_RETRY_S = 1.0
_SHORT = 128  # characters: names of members and the like come again with every call
_COSTS = {"command": 2, "sql": 2}  # what is parsed takes so much longer than what is only searched
_LENGTH = struct.Struct(">I")
_WORKER = "aura_ia_mcp.actors.inspection_worker"


class Inspector:
    """Inspects texts; nobody who shares its loop waits longer than short texts take.

    The detectors, tens of MiB, are loaded by `warm` or by the first text.

    Promises: a text that can't be inspected, because a detector or the worker crashed or took too long, is an error
    and never an empty report. The worker is started when the first long text comes, which waits until it is ready,
    begun anew after a crash, and gone when `close` returns; it also dies with this process.

    Args:
        settings: how long a text is inspected here, and how long the worker may take.
    """

    def __init__(self, settings: Safety) -> None:
        self._inline = settings.inspect_inline_bytes
        self._timeout_s = settings.inspect_timeout_s
        self._warm = False
        self._worker = _Worker()
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def warm(self) -> None:
        """Load the detectors' tables in a thread, unless they are there: nobody who shares the loop waits."""
        if not self._warm:
            await asyncio.to_thread(inspection.warm)
            self._warm = True

    async def inspect(self, text: str, kind: str) -> Report:
        """What is in a text of this kind.

        Raises:
            AuraError: as of `inspect_many`.
        """
        [(_, report)] = await self.inspect_many([("", text, kind)])
        return report

    async def inspect_many(self, items: Sequence[Found]) -> list[tuple[str, Report]]:
        """What is in each text, by its place.

        Args:
            items: place, text and kind, as `walk` gives them.

        Raises:
            AuraError: `inspection_failed`; `too_large`, more than 4 MiB in all; `mailbox_full`, eight others wait.
        """
        size = sum(len(text) for _, text, _ in items)
        if size > MOST_CHARS:
            raise AuraError("too_large", f"{size} characters are too many to inspect; {MOST_CHARS} are the most")
        if sum(len(text) * _COSTS.get(kind, 1) for _, text, kind in items) > self._inline:
            return await self._elsewhere(items)
        await self.warm()
        try:
            return [
                (place, _short(text, kind) if len(text) <= _SHORT else inspection.inspect(text, kind))
                for place, text, kind in items
            ]
        except Exception as error:
            raise AuraError("inspection_failed", f"a detector failed: {type(error).__name__}") from error

    async def close(self) -> None:
        """End the worker, and wait until it is gone; idempotent. What it was inspecting fails."""
        await self._worker.end()

    async def _elsewhere(self, items: Sequence[Found]) -> list[tuple[str, Report]]:
        if self._waiting >= _MOST_WAITING:
            raise AuraError("mailbox_full", f"{self._waiting} long texts wait to be inspected", retry_after_s=_RETRY_S)
        self._waiting += 1
        try:
            async with asyncio.timeout(_TURN_S) as limit, self._turn:
                await self._worker.start()
                limit.reschedule(asyncio.get_running_loop().time() + self._timeout_s)
                answers = await self._worker.ask([(text, kind) for _, text, kind in items])
        except TimeoutError:
            took = f"its turn didn't come within {_TURN_S:g} s, or it took more than {self._timeout_s:g} s"
            raise AuraError("inspection_failed", took) from None
        except (OSError, EOFError) as error:
            raise AuraError("inspection_failed", "the inspecting process ended before it had an answer") from error
        finally:
            self._waiting -= 1
        if isinstance(answers, str):
            raise AuraError("inspection_failed", f"a detector failed: {answers}")
        return [
            (place, Report(tuple(map(Finding.from_dict, answer["findings"])), answer["version"]))
            for (place, _, _), answer in zip(items, answers, strict=True)
        ]


@lru_cache(maxsize=4096)
def _short(text: str, kind: str) -> Report:
    return inspection.inspect(text, kind)


class _Worker:
    """The process that inspects long texts; frames of JSON through its standard input and output."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._ready = False

    async def start(self) -> None:
        """Return once it is ready to be asked; one that isn't when this is cancelled goes on getting ready.

        Raises:
            OSError: it couldn't be started.
            EOFError: it ended.
        """
        if self._process is None or self._process.returncode is not None:
            self._ready = False
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",
                "-m",
                _WORKER,
                str(os.getpid()),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=MOST_CHARS,
            )
        if not self._ready:
            await self._until_ready(self._process)

    async def ask(self, texts: list[tuple[str, str]]) -> Any:
        """The reports as data, or the name of what a detector raised. One at a time, of one that was started.

        Raises:
            OSError: it broke.
            EOFError: it ended.
        """
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            body = json.dumps(texts).encode()
            process.stdin.write(_LENGTH.pack(len(body)) + body)
            await process.stdin.drain()
            (length,) = _LENGTH.unpack(await process.stdout.readexactly(_LENGTH.size))
            return json.loads(await process.stdout.readexactly(length))
        except BaseException:  # an answer that nobody reads would be taken for the next one's
            await self.end()
            raise

    async def end(self) -> None:
        """Kill it, and wait until it is gone."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.kill()
        await asyncio.shield(process.wait())

    async def _until_ready(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        try:
            await process.stdout.readexactly(len(READY))
        except EOFError:
            await self.end()
            raise
        self._ready = True
