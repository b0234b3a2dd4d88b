"""What the gateway says of itself."""

from __future__ import annotations

from dataclasses import dataclass

from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from .jsonrpc import JSON

INSTRUCTIONS = (
    "Every tool call is authorised, limited and recorded. A refused call comes back as a result with isError whose "
    'text says why and what to do; _meta["aura/error"] has it as data, _meta["aura/audit_id"] names the record.'
)


@dataclass(frozen=True)
class ServerInfo:
    """Name, version and capabilities.

    Args:
        version: the system's version.
    """

    version: str

    @property
    def implementation(self) -> JSON:
        """MCP's Implementation."""
        return {"name": "aura-ia-mcp", "title": "Aura IA MCP", "version": self.version}

    def initialize_result(self, protocol_version: str) -> JSON:
        """The answer to `initialize`."""
        return {
            "protocolVersion": protocol_version,
            "capabilities": {**_CAPABILITIES, "logging": {}},
            "serverInfo": self.implementation,
            "instructions": INSTRUCTIONS,
        }

    def discover_result(self) -> JSON:
        """The answer to `server/discover`."""
        return {
            "supportedVersions": list(MODERN_PROTOCOL_VERSIONS),
            "capabilities": _CAPABILITIES,
            "instructions": INSTRUCTIONS,
        }


_CAPABILITIES: JSON = {
    "tools": {"listChanged": True},
    "resources": {"subscribe": True, "listChanged": True},
    "prompts": {"listChanged": True},
    "completions": {},
}
