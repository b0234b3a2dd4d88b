"""Aura IA MCP: a governed control plane for AI tools."""

__version__ = "0.1.0"
