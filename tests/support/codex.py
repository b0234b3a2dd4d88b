"""A Codex of a pinned version with a CODEX_HOME of its own, cut off from everything but this machine."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .app_server import AppServer

JSON = dict[str, Any]
SERVER = "aura_gateway"
TOKEN_VARIABLE = "AURA_TOKEN"
_RUN_S = 60.0
_NOBODY = "http://127.0.0.1:9"  # the discard port: nobody answers there


@dataclass(frozen=True)
class Run:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def events(self) -> list[JSON]:
        """The JSON lines of `codex exec --json`."""
        return [json.loads(line) for line in self.out.splitlines() if line.startswith("{")]

    def listed(self) -> list[JSON]:
        """What a command with `--json` printed, where that is one list."""
        assert self.code == 0, self.out + self.err
        found: list[JSON] = json.loads(self.out)
        return found

    def items(self, kind: str) -> list[JSON]:
        """The completed items of a kind: `mcp_tool_call`, `agent_message`."""
        done = [event["item"] for event in self.events if event["type"] == "item.completed"]
        return [item for item in done if item["type"] == kind]


class Codex:
    """Codex as a user has it.

    Args:
        binary: the native binary.
        home: an empty folder that becomes CODEX_HOME.
        token: the bearer token it sends to Aura; None connects as a guest.
    """

    def __init__(self, binary: Path, home: Path, token: str | None = None) -> None:
        self.binary = binary
        self.home = home
        self._token = token

    @property
    def env(self) -> dict[str, str]:
        """No account, no way out: proxies that don't exist stand before every other machine."""
        env = {k: v for k, v in os.environ.items() if not k.startswith(("OPENAI", "CODEX", "AURA_"))}
        env |= {"CODEX_HOME": str(self.home), "HTTP_PROXY": _NOBODY, "HTTPS_PROXY": _NOBODY}
        env |= {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
        return env | ({TOKEN_VARIABLE: self._token} if self._token else {})

    def configure(
        self, url: str, *, name: str = SERVER, model: str = "", features: str = "plugins = false", **server: Any
    ) -> None:
        """Write config.toml: Aura at `url`, the lines of a model, and further members of the server's table."""
        members: dict[str, Any] = {"url": url, **server}
        if self._token:
            members["bearer_token_env_var"] = TOKEN_VARIABLE
        lines = [f"{member} = {json.dumps(value)}" for member, value in members.items()]
        table = f"[mcp_servers.{name}]\n" + "\n".join(lines)
        text = f"{model}\n[features]\n{features}\n\n{table}\n"
        (self.home / "config.toml").write_text(text)

    async def run(self, *arguments: str, env: Mapping[str, str] | None = None) -> Run:
        """Run a command of Codex to its end, at most a minute."""
        process = await asyncio.create_subprocess_exec(
            str(self.binary),
            *arguments,
            cwd=self.home,
            env={**self.env, **(env or {})},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(_RUN_S):
                out, err = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise
        return Run(process.returncode or 0, out.decode(errors="replace"), err.decode(errors="replace"))

    async def turn(self, prompt: str, *options: str) -> Run:
        """A whole `codex exec`, reading alone, asking nobody."""
        return await self.run("exec", "--skip-git-repo-check", "--json", "-s", "read-only", *options, prompt)

    def app_server(self) -> AppServer:
        """A `codex app-server` of this home; start it with `async with`."""
        return AppServer(self.binary, self.home, self.env)
