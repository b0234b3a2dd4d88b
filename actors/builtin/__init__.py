"""The tools that come with the system: one module per category, each a list of `Tool`s."""

from __future__ import annotations

from collections.abc import Sequence

from aura_ia_mcp.bus.bus import Bus
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON

from ..boot import Boot
from ..catalogue import Catalogue
from ..inspector import Inspector
from ..rules import RulesFollower
from ..safemode import SafeMode
from ..sources import Listener, Offer, Source, ToolCall, ToolDefinition, result
from . import (
    approvals,
    audit,
    command,
    documentation,
    explaining,
    inference,
    inspection,
    logs,
    policy,
    reasoning,
    roles,
    status,
    switches,
)
from .library import MIME, SCHEME, pages
from .tool import Reach

MODULES = (
    status,
    documentation,
    inference,
    policy,
    inspection,
    switches,
    roles,
    reasoning,
    logs,
    command,
    approvals,
    audit,
    explaining,
)


class Builtin(Source):
    """The source of the built-in tools and of the shipped documentation.

    Args:
        boot: of the actor that owns it.
        catalogue: everything that is there, for the tools that tell of it.
        bus: of that actor.
    """

    name = "builtin"

    def __init__(self, boot: Boot, catalogue: Catalogue, bus: Bus) -> None:
        patience_s = boot.settings.bus.patience_s
        self._reach = Reach(
            boot,
            catalogue,
            Inspector(boot.settings.safety),
            RulesFollower(bus, patience_s),
            SafeMode(bus, patience_s),
        )
        made = [tool for module in MODULES for tool in module.tools(boot.settings)]
        self._tools = {tool.definition.name: tool for tool in made}

    async def start(self, listener: Listener) -> None:
        """Follow the rules and the switch."""
        await super().start(listener)
        self._reach.rules.start()
        self._reach.safe_mode.start()

    async def stop(self) -> None:
        """End that, and the inspector's process."""
        await self._reach.rules.stop()
        await self._reach.safe_mode.stop()
        await self._reach.inspector.close()

    def tools(self) -> Sequence[ToolDefinition]:
        """All built-in tools."""
        return [tool.definition for tool in self._tools.values()]

    async def call(self, name: str, arguments: JSON, call: ToolCall) -> JSON:
        """Run one."""
        run = self._tools[name].run
        if run is None:
            raise AuraError("unavailable", f"{name} is run by the actor that its audience names, not by Tools")
        return result(await run(arguments, call, self._reach))

    def resources(self) -> Sequence[Offer]:
        """The documentation."""
        return [
            Offer({"uri": page.uri, "name": page.topic, "title": page.title, "mimeType": MIME})
            for page in pages().values()
        ]

    async def read(self, uri: str, call: ToolCall) -> JSON | None:
        """A page of the documentation."""
        del call
        page = pages().get(uri.removeprefix(SCHEME)) if uri.startswith(SCHEME) else None
        if page is None:
            return None
        return {"contents": [{"uri": uri, "mimeType": MIME, "text": page.text}]}
