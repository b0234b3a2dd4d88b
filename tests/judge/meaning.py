"""Requests through the router and tasks through the role engine, with MiniLM as in the running system."""

from __future__ import annotations

from functools import cache
from typing import Any

from aura_ia_mcp.judgement.roles import shipped
from aura_ia_mcp.judgement.roles.suggest import similarity, suggest
from aura_ia_mcp.judgement.routing import route
from aura_ia_mcp.models.minilm import Encoder

from .corpus import lines
from .table import Table

_READS = ("get_", "list_", "check_", "search_", "semantic_", "query_", "explain_", "verify_", "visualize_", "ollama_list")


@cache
def _encoder() -> Encoder:
    return Encoder()
