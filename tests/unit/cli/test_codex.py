"""`aura codex`, as a person types it."""

from __future__ import annotations

import socket
import tomllib
from pathlib import Path

import pytest

from .conftest import Aura, healthy, on_port


def test_codex_config_shows_first_and_changes_only_when_told(aura: Aura) -> None:
    with healthy() as port:
        on_port(port)
        assert f'+url = "http://localhost:{port}/mcp/stream"' in aura.out("codex", "config", "--codex-home", "ch")
        assert not Path("ch").exists()
        aura.out("codex", "config", "--write", "--codex-home", "ch")
        written = Path("ch/config.toml").read_text()
        assert tomllib.loads(written)["mcp_servers"]["aura_gateway"]["url"] == f"http://localhost:{port}/mcp/stream"
        assert "already connects aura_gateway" in aura.out("codex", "config", "--write", "--codex-home", "ch")
        assert "-[mcp_servers.aura_gateway]" in aura.out("codex", "config", "--undo", "--codex-home", "ch")
    assert not Path("ch/config.toml").exists()


def test_codex_config_tells_programs_what_it_did(aura: Aura) -> None:
    with healthy() as port:
        on_port(port)
        shown = aura.json("codex", "config", "--codex-home", "ch")
        assert shown["entries"]["aura_gateway"]["url"] == f"http://localhost:{port}/mcp/stream"
        assert "+[mcp_servers.aura_gateway]" in shown["diff"]
        assert (shown["written"], shown["backup"]) == (False, None)
        assert not Path("ch").exists()
        written = aura.json("codex", "config", "--write", "--codex-home", "ch")
        assert written["written"] is True
        assert Path(written["backup"]).exists()
        again = aura.json("codex", "config", "--write", "--codex-home", "ch")
        assert (again["diff"], again["written"], again["backup"]) == ("", False, None)
        undone = aura.json("codex", "config", "--undo", "--codex-home", "ch")
    assert undone["written"] is True
    assert "-[mcp_servers.aura_gateway]" in undone["diff"]


def test_codex_config_writes_only_servers_that_answer(aura: Aura) -> None:
    with healthy() as port, socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        Path("configs").mkdir()
        servers = [f'{{name = "gateway", port = {port}}}', f'{{name = "ml", port = {silent.getsockname()[1]}}}']
        Path("configs/aura.toml").write_text(f"[gateway]\nservers = [{', '.join(servers)}]\n")
        aura.out("codex", "config", "--write", "--all", "--codex-home", "ch")
    assert tomllib.loads(Path("ch/config.toml").read_text())["mcp_servers"].keys() == {"aura_gateway"}


def test_codex_config_without_a_system_says_how_to_start_one(aura: Aura) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        on_port(silent.getsockname()[1])
        assert "aura serve" in aura("codex", "config", code=1)[1]


def test_codex_config_refuses_a_broken_file_with_its_line(aura: Aura, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("ch").mkdir()
    Path("ch/config.toml").write_text("a = 1\n[oops\n")
    monkeypatch.setenv("CODEX_HOME", "ch")
    with healthy() as port:
        on_port(port)
        _, err = aura("codex", "config", "--write", code=1)
    assert "ch/config.toml" in err
    assert "line 2" in err
    assert Path("ch/config.toml").read_text() == "a = 1\n[oops\n"


def test_a_gateway_that_wants_tokens_is_named_with_their_variable(aura: Aura) -> None:
    with healthy() as port:
        on_port(port)
        with Path("configs/aura.toml").open("a") as file:
            file.write("anonymous = false\n")
        assert '+bearer_token_env_var = "AURA_TOKEN"' in aura.out("codex", "config", "--codex-home", "ch")


def test_undo_without_a_backup_fails(aura: Aura) -> None:
    assert "no backup" in aura("codex", "config", "--undo", "--codex-home", "ch", code=1)[1]
