"""The tools that the official suite calls by name, apart from those in `rounds`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

from aura_ia_mcp.actors.sources import RpcError, ToolCall
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON

from .rounds import text

Tool = Callable[[JSON, ToolCall], Awaitable[JSON]]

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
SILENCE = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA="
_MISSING_CAPABILITY = -32021
_PAUSE_S = 0.05


def _content(*blocks: JSON) -> JSON:
    return {"content": list(blocks), "isError": False}


def _object(**properties: JSON) -> JSON:
    return {"type": "object", "properties": properties, "required": list(properties)}


async def test_simple_text(arguments: JSON, call: ToolCall) -> JSON:
    """One text."""
    return text("This is a simple text response for testing.")


async def test_image_content(arguments: JSON, call: ToolCall) -> JSON:
    """One image."""
    return _content({"type": "image", "data": PIXEL, "mimeType": "image/png"})


async def test_audio_content(arguments: JSON, call: ToolCall) -> JSON:
    """One sound."""
    return _content({"type": "audio", "data": SILENCE, "mimeType": "audio/wav"})


def _embedded(uri: str, mime_type: str, said: str) -> JSON:
    return {"type": "resource", "resource": {"uri": uri, "mimeType": mime_type, "text": said}}


async def test_embedded_resource(arguments: JSON, call: ToolCall) -> JSON:
    """One embedded resource."""
    return _content(_embedded("test://embedded-resource", "text/plain", "This is an embedded resource content."))


async def test_multiple_content_types(arguments: JSON, call: ToolCall) -> JSON:
    """Text, image and resource in one result."""
    return _content(
        {"type": "text", "text": "Multiple content types test:"},
        {"type": "image", "data": PIXEL, "mimeType": "image/png"},
        _embedded("test://mixed-content-resource", "application/json", '{"test": "data", "value": 123}'),
    )


async def test_tool_with_logging(arguments: JSON, call: ToolCall) -> JSON:
    """Three log messages on the way."""
    await call.log("info", "Tool execution started")
    await asyncio.sleep(_PAUSE_S)
    await call.log("info", "Tool processing data")
    await asyncio.sleep(_PAUSE_S)
    await call.log("info", "Tool execution completed")
    return text("Tool with logging executed successfully")


async def test_tool_with_progress(arguments: JSON, call: ToolCall) -> JSON:
    """Three steps of progress on the way; the answer is the progress token."""
    for done in (0, 50, 100):
        await call.progress(done, 100, f"Completed step {done} of 100")
        if done < 100:
            await asyncio.sleep(_PAUSE_S)
    return text(str(call.meta.get("progressToken", "none")))


async def test_error_handling(arguments: JSON, call: ToolCall) -> JSON:
    """Always fails."""
    raise RuntimeError("This tool intentionally returns an error for testing")


async def test_sampling(arguments: JSON, call: ToolCall) -> JSON:
    """Ask the client's model, in the older era's way."""
    message = {"role": "user", "content": {"type": "text", "text": arguments["prompt"]}}
    answer = await call.ask("sampling/createMessage", {"messages": [message], "maxTokens": 100})
    return text(f"LLM response: {answer['content'].get('text', 'No response')}")


async def _elicit(call: ToolCall, message: str, schema: JSON, label: str) -> JSON:
    try:
        answer = await call.ask("elicitation/create", {"message": message, "requestedSchema": schema})
    except AuraError as refused:
        return text(f"Elicitation not supported or error: {refused}")
    return text(f"{label}: action={answer['action']}, content={json.dumps(answer.get('content') or {})}")


async def test_elicitation(arguments: JSON, call: ToolCall) -> JSON:
    """Ask the client's user, in the older era's way."""
    schema = _object(response={"type": "string", "description": "User's response"})
    return await _elicit(call, arguments["message"], schema, "User response")


_DEFAULTS: JSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "description": "User name", "default": "John Doe"},
        "age": {"type": "integer", "description": "User age", "default": 30},
        "score": {"type": "number", "description": "User score", "default": 95.5},
        "status": {
            "type": "string",
            "description": "User status",
            "enum": ["active", "inactive", "pending"],
            "default": "active",
        },
        "verified": {"type": "boolean", "description": "Verification status", "default": True},
    },
    "required": [],
}


async def test_elicitation_sep1034_defaults(arguments: JSON, call: ToolCall) -> JSON:
    """A form with a default for every primitive type (SEP-1034)."""
    return await _elicit(call, "Please provide user information", _DEFAULTS, "Elicitation completed")


def _titled(*pairs: tuple[str, str]) -> list[JSON]:
    return [{"const": const, "title": title} for const, title in pairs]


_ENUMS = _object(
    untitledSingle={"type": "string", "enum": ["option1", "option2", "option3"]},
    titledSingle={
        "type": "string",
        "oneOf": _titled(("value1", "First Option"), ("value2", "Second Option"), ("value3", "Third Option")),
    },
    legacyEnum={
        "type": "string",
        "enum": ["opt1", "opt2", "opt3"],
        "enumNames": ["Option One", "Option Two", "Option Three"],
    },
    untitledMulti={"type": "array", "items": {"type": "string", "enum": ["option1", "option2", "option3"]}},
    titledMulti={
        "type": "array",
        "items": {
            "anyOf": _titled(("value1", "First Choice"), ("value2", "Second Choice"), ("value3", "Third Choice"))
        },
    },
)


async def test_elicitation_sep1330_enums(arguments: JSON, call: ToolCall) -> JSON:
    """A form with every kind of enumeration (SEP-1330)."""
    return await _elicit(call, "Please select options", _ENUMS, "Elicitation completed")


async def test_reconnection(arguments: JSON, call: ToolCall) -> JSON:
    """Close the stream mid-call; the client comes back for the rest (SEP-1699)."""
    await call.log("info", "Before disconnect")
    await call.context.emit({"type": "close_stream"})
    await asyncio.sleep(4 * _PAUSE_S)
    await call.log("info", "After reconnect")
    return text("Reconnection test completed")


async def json_schema_2020_12_tool(arguments: JSON, call: ToolCall) -> JSON:
    """Its input schema uses what JSON Schema 2020-12 added."""
    return text("json_schema_2020_12_tool")


async def test_x_mcp_header(arguments: JSON, call: ToolCall) -> JSON:
    """An argument that the client mirrors into `Mcp-Param-Region` (SEP-2243)."""
    return text(f"region={arguments.get('region', '<none>')}")


async def test_missing_capability(arguments: JSON, call: ToolCall) -> JSON:
    """Refuse a client that didn't declare `sampling`."""
    if not call.can("sampling"):
        data: JSON = {"requiredCapabilities": {"sampling": {}}}
        raise RpcError(_MISSING_CAPABILITY, "This tool requires the client 'sampling' capability", data)
    return text("Client declared sampling capability; proceeding.")


_SCHEMA_2020_12: JSON = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}

TOOLS: tuple[Tool, ...] = (
    test_simple_text,
    test_image_content,
    test_audio_content,
    test_embedded_resource,
    test_multiple_content_types,
    test_tool_with_logging,
    test_tool_with_progress,
    test_error_handling,
    test_sampling,
    test_elicitation,
    test_elicitation_sep1034_defaults,
    test_elicitation_sep1330_enums,
    test_reconnection,
    json_schema_2020_12_tool,
    test_x_mcp_header,
    test_missing_capability,
)
SCHEMAS: dict[str, JSON] = {
    "test_sampling": _object(prompt={"type": "string"}),
    "test_elicitation": _object(message={"type": "string"}),
    "json_schema_2020_12_tool": _SCHEMA_2020_12,
    "test_x_mcp_header": {
        "type": "object",
        "properties": {"region": {"type": "string", "x-mcp-header": "Region"}},
    },
}
