"""The documented Codex servers are true: valid, on ports that exist, with keys that Codex knows."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from aura_ia_mcp.configs import load
from aura_ia_mcp.configs.settings import Settings

TEXT = (Path(load.__file__).resolve().parent / "codex_mcp_servers.toml").read_text()
HTTP_KEYS = {
    *("url", "bearer_token_env_var", "http_headers", "env_http_headers", "oauth_resource"),
    *("enabled", "required", "startup_timeout_sec", "tool_timeout_sec", "enabled_tools", "disabled_tools"),
}
STDIO_KEYS = (HTTP_KEYS | {"command", "args", "env", "env_vars", "cwd"}) - {
    *("url", "bearer_token_env_var", "http_headers", "env_http_headers", "oauth_resource")
}
SHOWN = tomllib.loads(TEXT)["mcp_servers"]
ALL = tomllib.loads("\n".join(line if line.startswith("# ") else line.removeprefix("#") for line in TEXT.splitlines()))[
    "mcp_servers"
]


def test_the_servers_that_are_shown_exist() -> None:
    ports = {f"aura_{server.name}": server for server in Settings().gateway.servers}
    assert SHOWN.keys() == ports.keys()
    for name, entry in SHOWN.items():
        assert entry["url"] == f"http://localhost:{ports[name].port}/mcp/stream"
        if ports[name].tools:
            assert set(entry["enabled_tools"]) <= set(ports[name].tools)


def test_one_server_is_on() -> None:
    assert [name for name, entry in SHOWN.items() if entry["enabled"]] == ["aura_gateway"]


def test_the_guides_servers_are_all_told_of() -> None:
    guide = {"aura_gateway", "aura_ml", "aura_ollama", "aura_role_engine", "aura_local"}
    assert guide <= ALL.keys()
    assert "codex_agent" in TEXT


@pytest.mark.parametrize("entry", ALL.values(), ids=ALL)
def test_codex_knows_every_key(entry: dict[str, Any]) -> None:
    assert entry.keys() <= (HTTP_KEYS if "url" in entry else STDIO_KEYS)
    assert 0 < entry["tool_timeout_sec"] <= 600
