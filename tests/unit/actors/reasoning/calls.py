"""Calls of Reasoning's tools as tests make them: who calls, of which tools, and the result in its promised form."""

from __future__ import annotations

import jsonschema_rs

from aura_ia_mcp.actors.builtin.reasoning import tools
from aura_ia_mcp.bus.envelope import Principal
from aura_ia_mcp.bus.messages import JSON
from aura_ia_mcp.configs.settings import Settings

from ..inside import Inside, fact

AGENT = Principal("a1", roles=("agent",))
FACTS = [
    fact("ask"),
    fact("check_health"),
    fact("get_system_status"),
    fact("get_cluster_status"),
    fact("get_model_status"),
    fact("get_activity_stats"),
    fact("get_recent_logs", "read_logs"),
    fact("delete_documents", "upsert_memory", read_only=False, destructive=True, risk="high"),
    fact("execute_command", "operate", read_only=False, destructive=True, open_world=True, risk="critical"),
]
SCHEMAS = {tool.definition.name: tool.definition for tool in tools(Settings())}


async def ask(inside: Inside, request: str = "please", principal: Principal = AGENT, **arguments: object) -> JSON:
    return found("ask", await inside.call("ask", {"request": request} | arguments, FACTS, principal))


def found(tool: str, answer: JSON) -> JSON:
    """A result that is of the form that the tool promises."""
    structured: JSON = answer["structuredContent"]
    schema = SCHEMAS[tool].output_schema
    assert schema is not None
    jsonschema_rs.validate(schema, structured)
    return structured


def ran(inside: Inside) -> list[str]:
    return [message.tool for message in inside.ingress.asked]
