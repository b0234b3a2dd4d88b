"""An actor as the audience of calls: tools that name it are run here, each call on a decision token of its own."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping

from aura_ia_mcp.bus.bus import Context
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON, CallTool
from aura_ia_mcp.bus.tokens import Claims, Verifier

from .boot import Boot
from .decision import OfTexts, check
from .layers import passed

ToolRun = Callable[[CallTool, Context, Claims], Awaitable[JSON]]
"""Runs a tool: the call, and what its decision token says."""


class Audience:
    """Runs the tools of one actor.

    Promises: nothing runs without a decision token for just this call and this actor; `aura/layers` of the reply begins
    with this actor and the time that it took, whatever lies below.

    Args:
        boot: the actor's; its role is the audience, and `audience_key` must be among it.
        tools: by name what runs each and gives its CallToolResult, with the layers that it passed in `_meta`, if any.

    Raises:
        ValueError: there is no key.
    """

    def __init__(self, boot: Boot, tools: Mapping[str, ToolRun]) -> None:
        if boot.audience_key is None:
            raise ValueError(f"{boot.address} needs the key that checks decision tokens")
        self._address = boot.address
        self._verifier = Verifier(boot.address.role, boot.audience_key)
        self._tools = tools

    def check(self, message: CallTool | OfTexts, context: Context) -> Claims:
        """What the token of a message says; one whose token doesn't cover just this is refused.

        Raises:
            AuraError: `invalid_token`.
        """
        return check(self._verifier, message, context, self._address.role)

    async def run(self, message: CallTool, context: Context) -> JSON:
        """Check the token, run the tool, tell the layer.

        Raises:
            AuraError: `invalid_token`; `unknown_tool`; what the tool raises.
        """
        began = time.perf_counter()
        claims = self.check(message, context)
        run = self._tools.get(message.tool)
        if run is None:
            raise AuraError("unknown_tool", f"{self._address} has no tool {message.tool!r}")
        return passed(await run(message, context, claims), self._address, began)
