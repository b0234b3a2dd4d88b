"""One built-in tool without the actors around it, for tools that touch nothing but the disk."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from aura_ia_mcp.actors.boot import Boot
from aura_ia_mcp.actors.builtin import command, logs
from aura_ia_mcp.actors.builtin.tool import Reach
from aura_ia_mcp.actors.sources import ToolCall
from aura_ia_mcp.bus.address import Address
from aura_ia_mcp.bus.envelope import Header
from aura_ia_mcp.bus.messages import JSON
from aura_ia_mcp.configs.paths import Paths
from aura_ia_mcp.configs.settings import Settings


class Alone:
    """Calls the tools for logs and commands, in a folder of its own."""

    def __init__(self, folder: Path, **commands: Any) -> None:
        self.folder = folder
        settings = Settings.model_validate({"commands": {"roots": [folder / "work"]} | commands})
        (folder / "work").mkdir(parents=True, exist_ok=True)
        self.paths = Paths(folder / "work" / ".aura", folder / "logs")
        self.paths.state.mkdir(exist_ok=True)
        boot = Boot(Address("tools"), settings, self.paths, cast("Any", None))
        self._reach = cast("Reach", SimpleNamespace(boot=boot))
        made = [*logs.tools(settings), *command.tools(settings)]
        self.tools = {tool.definition.name: tool for tool in made}

    async def call(self, name: str, arguments: JSON, within_s: float = 60.0, *, sandbox: str = "full") -> JSON:
        run = self.tools[name].run
        assert run is not None
        header = Header(deadline=time.monotonic() + within_s)
        call = ToolCall(cast("Any", SimpleNamespace(header=header)), sandbox=sandbox)
        return await run(arguments, call, self._reach)
