"""What is running here, as far as one can tell from outside."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from aura_ia_mcp.cluster.folders import read_running
from aura_ia_mcp.configs.paths import Paths
from aura_ia_mcp.configs.settings import Settings

PROBE_S = 2.0
_OK = 200


@dataclass(frozen=True, slots=True)
class Port:
    """One virtual server that answers.

    Attributes:
        name: `gateway`, `ml`, ….
        url: its MCP endpoint.
        ready: whether calls can be served now.
        health: what `/health` said.
    """

    name: str
    url: str
    ready: bool
    health: dict[str, Any]


def answering(settings: Settings) -> list[Port]:
    """The virtual servers of these settings that answer now, in their order."""
    described = description(settings).get("urls", {})
    found = []
    for server in settings.gateway.servers:
        url = described.get(server.name) if isinstance(described, dict) else None
        url = for_people(url or f"http://localhost:{server.port}/mcp/stream")
        host = settings.gateway.host if settings.gateway.host not in ("0.0.0.0", "::") else "127.0.0.1"  # noqa: S104
        port = urlsplit(url).port or 0
        if port and (answer := _health(host, port)) is not None:
            found.append(Port(server.name, url, *answer))
    return found


def for_people(url: str) -> str:
    """A loopback URL as people and the guide write it."""
    return url.replace("://127.0.0.1:", "://localhost:")


def description(settings: Settings) -> dict[str, Any]:
    """What the running system wrote about itself; empty if there is nothing."""
    return read_running(Paths.of(settings))


def _health(host: str, port: int) -> tuple[bool, dict[str, Any]] | None:
    connection = http.client.HTTPConnection(host, port, timeout=PROBE_S)
    try:
        connection.request("GET", "/health", headers={"Accept": "application/json"})
        response = connection.getresponse()
        body = json.loads(response.read(1_000_000))
    except (OSError, ValueError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return (response.status == _OK, body) if isinstance(body, dict) else None
