"""Where tools come from: the protocol of a tool source, and what a running call sees.

A source hands out definitions and runs what it defined. Sources are asked in the order in which `Tools` got them, all
within its event loop: a source never blocks it. Results are MCP JSON (`CallToolResult`, `ReadResourceResult`,
`GetPromptResult`, or an `InputRequiredResult` that asks the client for more), so a source can say whatever MCP can.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from aura_ia_mcp.bus.bus import Context
from aura_ia_mcp.bus.envelope import Header, Principal
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON

from .definition import ToolDefinition

__all__ = ["Listener", "Offer", "RpcError", "Source", "ToolCall", "ToolDefinition", "ToolSource", "result"]


class RpcError(Exception):
    """The answer is a JSON-RPC error, not a tool result (for instance -32021, a capability that the client lacks).

    Args:
        code: JSON-RPC or MCP error code.
        message: what happened, for a person.
        data: the error's `data` member.
    """

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.data = data

    def reply(self) -> JSON:
        """The bus reply that stands for this error: `{"rpc_error": {code, message, data?}}`."""
        error: JSON = {"code": self.code, "message": str(self)}
        if self.data is not None:
            error["data"] = self.data
        return {"rpc_error": error}


@dataclass(frozen=True)
class Offer:
    """A resource, a resource template or a prompt: its MCP JSON, and the capability that reading it needs."""

    entry: JSON
    capability: str = "status"


class Listener(Protocol):
    """What a source tells of itself; any of its methods may be called from the event loop at any time."""

    def changed(self, what: str) -> None:
        """The list of `what` (tools, resources, resource_templates or prompts) is another now."""

    def updated(self, uri: str) -> None:
        """A resource has new content."""


@dataclass(frozen=True)
class ToolCall:
    """What a source sees of the call that it runs.

    Args:
        context: the message being answered; `context.bus` asks other actors.
        server: the virtual server through which the client came.
        client: MCP client capabilities, as JSON.
        era: the client's protocol revision, or "".
        meta: the client's `_meta`.
        inputs: the client's answers to an `InputRequiredResult` (`inputResponses`), or None.
        state: the `requestState` that came back with them, or None; the client may have altered it.
        sandbox: the ceiling of what the call may start: none (nothing at all), read_only, workspace or full (no
            ceiling). A source that starts processes keeps to it.
    """

    context: Context
    server: str = "gateway"
    client: JSON = field(default_factory=dict)
    era: str = ""
    meta: JSON = field(default_factory=dict)
    inputs: JSON | None = None
    state: str | None = None
    sandbox: str = "full"

    @property
    def header(self) -> Header:
        """For requests that this call causes."""
        return self.context.header

    @property
    def principal(self) -> Principal:
        """Who calls."""
        return self.context.header.principal or Principal("system", kind="service")

    def can(self, capability: str) -> bool:
        """Whether the client declared a capability, such as `sampling`, `elicitation` or `roots`."""
        return capability in self.client

    async def progress(self, progress: float, total: float | None = None, message: str | None = None) -> None:
        """Tell how far it is; dropped at the gateway when the client asked for no progress."""
        await self.context.emit({"type": "progress", "progress": progress, "total": total, "message": message})

    async def log(self, level: str, data: Any, logger: str | None = None) -> None:
        """Send a log message to the client (MCP's levels: debug, info, notice, warning, error, ...)."""
        await self.context.emit({"type": "log", "level": level, "logger": logger, "data": data})

    async def notify(self, method: str, params: JSON) -> None:
        """Send any other notification along this request."""
        await self.context.emit({"type": "notification", "method": method, "params": params})

    async def ask(self, method: str, params: JSON) -> JSON:
        """Ask the client (elicitation/create, sampling/createMessage, roots/list); its result as JSON.

        Raises:
            AuraError: the client refused, can't, or is gone.
        """
        return await self.context.ask({"method": method, "params": params})


class ToolSource(Protocol):
    """A source of tools, resources and prompts. Derive from `Source` to write only what yours has."""

    @property
    def name(self) -> str:
        """Short and unique; records and absences name it."""

    async def start(self, listener: Listener) -> None:
        """Begin; must return soon."""

    async def stop(self) -> None:
        """Close what was opened."""

    def absent(self) -> str | None:
        """Why the source can't be used now, with the remedy; None when it can."""

    def tools(self) -> Sequence[ToolDefinition]:
        """What there is now; after a change the listener is told."""

    async def call(self, name: str, arguments: JSON, call: ToolCall) -> JSON:
        """Run a tool; MCP's CallToolResult (or InputRequiredResult).

        Arguments have passed the input schema. The task is cancelled at the deadline or when the caller is gone.

        Raises:
            AuraError: a failure with a code of the table.
            RpcError: the answer is a JSON-RPC error.
            Exception: anything else becomes `tool_failed` with its message.
        """

    def resources(self) -> Sequence[Offer]:
        """MCP Resource entries."""

    def resource_templates(self) -> Sequence[Offer]:
        """MCP ResourceTemplate entries."""

    async def read(self, uri: str, call: ToolCall) -> JSON | None:
        """MCP's ReadResourceResult, or None when the URI isn't this source's."""

    def prompts(self) -> Sequence[Offer]:
        """MCP Prompt entries."""

    async def get_prompt(self, name: str, arguments: JSON, call: ToolCall) -> JSON:
        """MCP's GetPromptResult (or InputRequiredResult) of one of `prompts`."""

    async def complete(self, ref: JSON, argument: JSON, context: JSON, call: ToolCall) -> JSON | None:
        """MCP's CompleteResult, or None when the reference isn't this source's."""


class Source:
    """A source that has nothing: the base to derive from."""

    name = "empty"

    async def start(self, listener: Listener) -> None:
        """Begin; keeps the listener as `self.listener`."""
        self.listener = listener

    async def stop(self) -> None:
        """Close what was opened."""

    def absent(self) -> str | None:
        """Never absent."""
        return None

    def tools(self) -> Sequence[ToolDefinition]:
        """No tools."""
        return ()

    async def call(self, name: str, arguments: JSON, call: ToolCall) -> JSON:
        """Nothing to run."""
        del arguments, call
        raise AuraError("unknown_tool", f"the source {self.name} has no tool {name!r}")

    def resources(self) -> Sequence[Offer]:
        """No resources."""
        return ()

    def resource_templates(self) -> Sequence[Offer]:
        """No templates."""
        return ()

    async def read(self, uri: str, call: ToolCall) -> JSON | None:  # noqa: ARG002 - the protocol's parameters
        """Nothing to read."""
        return None

    def prompts(self) -> Sequence[Offer]:
        """No prompts."""
        return ()

    async def get_prompt(self, name: str, arguments: JSON, call: ToolCall) -> JSON:
        """No prompts."""
        del arguments, call
        raise AuraError("unknown_prompt", f"the source {self.name} has no prompt {name!r}")

    async def complete(
        self,
        ref: JSON,  # noqa: ARG002
        argument: JSON,  # noqa: ARG002
        context: JSON,  # noqa: ARG002
        call: ToolCall,  # noqa: ARG002
    ) -> JSON | None:
        """Nothing to complete."""
        return None


def result(structured: JSON, text: str | None = None) -> JSON:
    """A CallToolResult: the tool's own result, and the same as text for clients that read only that."""
    shown = text if text is not None else json.dumps(structured, ensure_ascii=False)
    return {"content": [{"type": "text", "text": shown}], "structuredContent": structured, "isError": False}
