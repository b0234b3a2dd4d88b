"""A client of `codex app-server`: JSON lines over stdio, JSON-RPC without the `jsonrpc` member."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

JSON = dict[str, Any]
_ANSWER_S = 60.0
_EXIT_S = 10.0
_LINE_BYTES = 16 * 1024 * 1024


class AppServerError(Exception):
    """Codex answered with an error: `error` is its member of the answer."""

    def __init__(self, error: JSON) -> None:
        super().__init__(str(error.get("message", error)))
        self.error = error


class AppServer:
    """One `codex app-server` process; `async with` starts it, shakes hands, and ends it.

    Args:
        codex: the native Codex binary.
        home: its CODEX_HOME, with the configuration.
        env: its environment; None is this process's.

    Notifications are kept, the newest 1000, in `notifications`. A request from Codex (an approval, an elicitation) is
    refused with an RPC error. Each wait ends after a minute.
    """

    def __init__(self, codex: Path, home: Path, env: Mapping[str, str] | None = None) -> None:
        self._command = [str(codex), "app-server"]
        self._home = home
        self._env = {**(os.environ if env is None else env), "CODEX_HOME": str(home)}
        self._waiting: dict[int, asyncio.Future[JSON]] = {}
        self._next = 0
        self.notifications: deque[JSON] = deque(maxlen=1000)

    async def __aenter__(self) -> Self:
        """Start Codex and initialize."""
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            cwd=self._home,
            env=self._env,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=_LINE_BYTES,
        )
        self._reader = asyncio.create_task(self._read())
        await self.request("initialize", {"clientInfo": {"name": "aura-tests", "version": "1"}})
        self._write({"method": "initialized"})
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close its stdin, which ends it; kill it when it doesn't end."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(_EXIT_S):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        self._reader.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reader

    async def request(self, method: str, params: JSON, timeout_s: float = _ANSWER_S) -> JSON:
        """Ask Codex, and wait for its result.

        Raises:
            AppServerError: it answered with an error.
            TimeoutError: it didn't answer in time.
        """
        self._next += 1
        answer = self._waiting[self._next] = asyncio.get_running_loop().create_future()
        self._write({"id": self._next, "method": method, "params": params})
        async with asyncio.timeout(timeout_s):
            said = await answer
        if "error" in said:
            raise AppServerError(said["error"])
        result: JSON = said["result"]
        return result

    async def thread(self, cwd: Path, **more: Any) -> str:
        """Start an ephemeral, read-only thread that asks nobody; its id."""
        params = {"cwd": str(cwd), "approvalPolicy": "never", "sandbox": "read-only", "ephemeral": True, **more}
        started = await self.request("thread/start", params)
        found: str = started["thread"]["id"]
        return found

    async def servers(self) -> dict[str, JSON]:
        """The MCP servers that Codex is configured with, by name: their tools, resources and state."""
        found = await self.request("mcpServerStatus/list", {})
        return {server["name"]: server for server in found["data"]}

    async def call(self, thread: str, server: str, tool: str, arguments: JSON, timeout_s: float = _ANSWER_S) -> JSON:
        """Call a tool through Codex's own MCP client; MCP's CallToolResult as Codex read it."""
        params = {"threadId": thread, "server": server, "tool": tool, "arguments": arguments}
        return await self.request("mcpServer/tool/call", params, timeout_s)

    def _write(self, message: JSON) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message).encode() + b"\n")

    async def _read(self) -> None:
        assert self._process.stdout is not None
        try:
            async for line in self._process.stdout:
                self._take(json.loads(line))
        finally:
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_result({"error": {"message": "codex app-server ended"}})

    def _take(self, message: JSON) -> None:
        if "method" in message:
            self.notifications.append(message)
            if "id" in message:
                refusal = {"code": -32601, "message": "this client decides nothing"}
                self._write({"id": message["id"], "error": refusal})
            return
        answer = self._waiting.pop(message["id"], None)
        if answer is not None and not answer.done():
            answer.set_result(message)
