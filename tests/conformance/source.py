"""The tools, resources and prompts that the official conformance suite asks for by name.

They are a test's own tool source, handed to the system by the test through `serve(settings, sources=...)`; no setting
can bring them into a shipped catalogue. The suite's scenarios say in words what each of them has to do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from aura_ia_mcp.actors.sources import Offer, Source, ToolCall, ToolDefinition
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON

from . import rounds
from .tools import PIXEL, SCHEMAS, TOOLS, Tool

NAME = "tests.conformance.source:ConformanceSource"
_TEMPLATE = re.compile(r"test://template/([^/]+)/data")
_EMPTY: JSON = {"type": "object", "properties": {}}


def _definition(name: str, description: str, *, changes: bool = False) -> ToolDefinition:
    return ToolDefinition(
        name=name,
        title=name.replace("_", " ").capitalize(),
        description=description,
        input_schema=SCHEMAS.get(name, _EMPTY),
        category="conformance",
        read_only=not changes,
        idempotent=not changes,
    )


class ConformanceSource(Source):
    """Everything that the suite's server scenarios call."""

    name = "conformance"

    def __init__(self) -> None:
        self._tools: dict[str, Tool] = {tool.__name__: tool for tool in TOOLS} | rounds.TOOLS
        self._tools["test_trigger_tool_change"] = self._change_tools
        self._tools["test_trigger_prompt_change"] = self._change_prompts
        self._dynamic_tool = False
        self._dynamic_prompt = False

    def tools(self) -> Sequence[ToolDefinition]:
        """All fixtures, and one that `test_trigger_tool_change` puts in and out."""
        found = [
            _definition(name, (tool.__doc__ or name).strip(), changes=name.startswith("test_trigger_"))
            for name, tool in self._tools.items()
        ]
        if self._dynamic_tool:
            found.append(_definition("test_dynamic_tool", "Comes and goes."))
        return found

    async def call(self, name: str, arguments: JSON, call: ToolCall) -> JSON:
        """Run a fixture."""
        tool = self._tools.get(name)
        return rounds.text("dynamic") if tool is None else await tool(arguments, call)

    async def _change_tools(self, arguments: JSON, call: ToolCall) -> JSON:
        """Put a tool into the list, or take it out again."""
        self._dynamic_tool = not self._dynamic_tool
        self.listener.changed("tools")
        return rounds.text("tool list changed")

    async def _change_prompts(self, arguments: JSON, call: ToolCall) -> JSON:
        """Put a prompt into the list, or take it out again."""
        self._dynamic_prompt = not self._dynamic_prompt
        self.listener.changed("prompts")
        return rounds.text("prompt list changed")

    def resources(self) -> Sequence[Offer]:
        """A text, a picture and one to watch."""
        return [
            Offer({"uri": f"test://{name}", "name": name, "description": description, "mimeType": mime_type})
            for name, description, mime_type in (
                ("static-text", "A static text resource", "text/plain"),
                ("static-binary", "A static picture", "image/png"),
                ("watched-resource", "A resource that can be subscribed to", "text/plain"),
            )
        ]

    def resource_templates(self) -> Sequence[Offer]:
        """One with a parameter."""
        entry = {"uriTemplate": "test://template/{id}/data", "name": "template", "mimeType": "application/json"}
        return [Offer(entry)]

    async def read(self, uri: str, call: ToolCall) -> JSON | None:
        """The fixture's content; None for anything else."""
        if uri == "test://static-binary":
            return {"contents": [{"uri": uri, "mimeType": "image/png", "blob": PIXEL}]}
        texts = {
            "test://static-text": "This is the content of the static text resource.",
            "test://watched-resource": "Watched resource content",
        }
        if uri in texts:
            return {"contents": [{"uri": uri, "mimeType": "text/plain", "text": texts[uri]}]}
        if found := _TEMPLATE.fullmatch(uri):
            data = {"id": found[1], "templateTest": True, "data": f"Data for ID: {found[1]}"}
            return {"contents": [{"uri": uri, "mimeType": "application/json", "text": json.dumps(data)}]}
        return None

    def prompts(self) -> Sequence[Offer]:
        """All prompt fixtures, and one that `test_trigger_prompt_change` puts in and out."""
        wanted: dict[str, tuple[str, ...]] = {
            "test_simple_prompt": (),
            "test_prompt_with_arguments": ("arg1", "arg2"),
            "test_prompt_with_embedded_resource": ("resourceUri",),
            "test_prompt_with_image": (),
            "test_input_required_result_prompt": (),
        }
        if self._dynamic_prompt:
            wanted["test_dynamic_prompt"] = ()
        return [
            Offer(
                {
                    "name": name,
                    "description": name.replace("_", " ").capitalize(),
                    "arguments": [{"name": argument, "required": True} for argument in arguments],
                }
            )
            for name, arguments in wanted.items()
        ]

    async def get_prompt(self, name: str, arguments: JSON, call: ToolCall) -> JSON:
        """Fill a fixture."""
        if name == "test_input_required_result_prompt":
            return await rounds.prompt(arguments, call)
        try:
            blocks = _prompt(name, arguments)
        except KeyError as missing:
            raise AuraError("invalid_arguments", f"prompt {name} needs the argument {missing}") from missing
        return {"messages": [{"role": "user", "content": block} for block in blocks]}

    async def complete(self, ref: JSON, argument: JSON, context: JSON, call: ToolCall) -> JSON | None:
        """Suggest nothing."""
        return {"completion": {"values": [], "total": 0, "hasMore": False}}


def _prompt(name: str, arguments: JSON) -> list[JSON]:
    if name == "test_prompt_with_arguments":
        said = f"Prompt with arguments: arg1='{arguments['arg1']}', arg2='{arguments['arg2']}'"
        return [{"type": "text", "text": said}]
    if name == "test_prompt_with_embedded_resource":
        resource = {
            "uri": arguments["resourceUri"],
            "mimeType": "text/plain",
            "text": "Embedded resource content for testing.",
        }
        ask = {"type": "text", "text": "Please process the embedded resource above."}
        return [{"type": "resource", "resource": resource}, ask]
    if name == "test_prompt_with_image":
        image = {"type": "image", "data": PIXEL, "mimeType": "image/png"}
        return [image, {"type": "text", "text": "Please analyze the image above."}]
    return [{"type": "text", "text": "This is a simple prompt for testing."}]
