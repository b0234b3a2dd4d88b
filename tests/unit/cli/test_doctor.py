"""`aura doctor`, and what each check finds."""

from __future__ import annotations

import re
import socket
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from aura_ia_mcp.cli import checks, codex_version
from aura_ia_mcp.cli.checks import CHECKS
from aura_ia_mcp.configs.settings import Settings

from .conftest import Aura, healthy, on_port


def found(check: str, settings: Settings | None = None) -> dict[str, checks.Finding]:
    return {finding.check: finding for finding in CHECKS[check](settings or Settings())}


def test_a_taken_port_names_who_has_it(aura: Aura) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        on_port(port)
        report = aura.json("doctor", "ports", code=1)
        _, err = aura("serve", code=1)
    finding = next(each for each in report["findings"] if each["check"] == f"port {port} (gateway)")
    assert finding["state"] == "failure"
    assert re.search(r"taken by .* \(pid \d+", finding["detail"])
    assert finding["remedy"]
    assert f"port {port} (gateway) is taken by" in err


def test_doctor_reports_settings_that_cannot_be_used_and_goes_on(aura: Aura, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AURA_SAFTY__RATE_LIMIT", "1")
    report = aura.json("doctor", "python", code=1)
    assert [each["check"] for each in report["findings"]][:2] == ["settings", "python"]


def test_a_check_that_breaks_does_not_hide_the_others(aura: Aura, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Settings) -> list[checks.Finding]:
        raise OSError("no")

    monkeypatch.setitem(CHECKS, "space", broken)
    states = {each["check"]: each["state"] for each in aura.json("doctor", "space", "python")["findings"]}
    assert states["space"] == "warning"
    assert "python" in states


def test_a_corrupt_database_is_told_with_its_remedy_and_nothing_is_changed(tmp_path: Path) -> None:
    settings = Settings.model_validate({"system": {"state_dir": str(tmp_path), "log_dir": str(tmp_path / "logs")}})
    assert "isn't there yet" in found("database", settings)["database"].detail
    file = tmp_path / "state.sqlite"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(
            "PRAGMA journal_mode=WAL; CREATE TABLE t (x); INSERT INTO t VALUES (hex(randomblob(20000)))"
        )
    assert found("database", settings)["database"] == checks.ok("database", f"{file} can be read")
    whole = file.read_bytes()
    for damaged in (b"no database" * 999, whole[:100] + b"\x00" * 996 + whole[1096:], whole[:8192]):
        file.write_bytes(damaged)
        told = found("database", settings)["database"]
        assert (told.state, "aura restore FILE --force" in told.remedy) == ("failure", True)
        assert file.read_bytes() == damaged


def test_another_python_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 13, 1, "final", 0))
    assert found("python")["python"].state == "failure"


def test_missing_and_other_packages_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    real: Callable[[str], str | None] = checks._version
    monkeypatch.setattr(checks, "_version", lambda name: {"ray": "1.0"}.get(name, real(name)))
    assert "ray is 1.0, not" in found("packages")["packages"].detail
    monkeypatch.setattr(checks, "_version", real)
    assert "to come" in found("packages")["packages (for later)"].detail
    monkeypatch.setattr(checks, "_version", lambda name: None if name == "ray" else real(name))
    finding = found("packages")["packages"]
    assert finding.state == "failure"
    assert "ray is missing" in finding.detail


def test_other_weights_are_a_failure(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"other")
    settings = Settings.model_validate({"ml": {"encoder_path": tmp_path, "encoder_sha256": "0" * 64}})
    finding = found("model", settings)["model"]
    assert finding.state == "failure"
    assert "SHA-256" in finding.detail


def test_an_open_state_folder_and_stale_sockets_are_told(aura: Aura, tmp_path: Path) -> None:
    run = tmp_path / ".aura" / "run"
    run.mkdir(parents=True)
    (tmp_path / ".aura").chmod(0o755)
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(run / "x.sock"))
    findings = found("state")
    assert findings["state"].state == "warning"
    assert "chmod go-rwx" in findings["state"].remedy
    assert "x.sock" in findings["sockets"].detail


def test_too_little_room_is_told() -> None:
    assert checks._amount("disk", 10, 100, 1000, "r").state == "failure"
    assert checks._amount("disk", 500, 100, 1000, "r").state == "warning"
    assert checks._amount("disk", 5000, 100, 1000, "r").state == "ok"


@pytest.mark.parametrize(
    ("version", "state", "word"),
    [
        ((0, 65, 9), "failure", "too old"),
        ((0, 66, 0), "ok", "0.66.0"),
        ((0, 153, 4), "ok", "0.153.4"),
        ((0, 169, 0), "ok", "no `codex mcp-server` any more"),
        ((0, 170, 0), "warning", "newer"),
        (None, "warning", "doesn't tell"),
    ],
)
def test_codex_is_judged_by_its_version(version: tuple[int, int, int] | None, state: str, word: str) -> None:
    finding = codex_version.judge(version, "/usr/bin/codex")
    assert finding.state == state
    assert word in finding.detail


def test_the_version_is_read_from_the_program(tmp_path: Path) -> None:
    program = tmp_path / "codex"
    program.write_text("#!/bin/sh\necho codex-cli 0.169.0\n")
    program.chmod(0o755)
    assert codex_version.version_of(str(program)) == (0, 169, 0)
    assert codex_version.version_of(str(tmp_path / "none")) is None


def test_codex_without_our_server_is_told(aura: Aura) -> None:
    home = Path("home/.codex")
    home.mkdir(parents=True)
    (home / "config.toml").write_text('[mcp_servers.other]\nurl = "u"\n')
    assert found("codex")["codex (connected)"].state == "warning"
    (home / "config.toml").write_text('[mcp_servers.aura_gateway]\nurl = "http://localhost:9200/mcp/stream"\n')
    assert found("codex")["codex (connected)"].state == "ok"
    (home / "config.toml").write_text("[oops\n")
    assert found("codex")["codex (connected)"].state == "failure"
    Path("home/.config/codex").mkdir(parents=True)
    Path("home/.config/codex/mcp_servers.toml").touch()
    assert "no version of Codex reads it" in found("codex")["codex (old file)"].detail


@pytest.mark.parametrize(("status", "state"), [(200, "ok"), (503, "failure")])
def test_the_running_systems_own_word_counts(aura: Aura, status: int, state: str) -> None:
    with healthy(status) as port:
        settings = Settings.model_validate({"gateway": {"servers": ({"name": "gateway", "port": port},)}})
        assert found("system", settings)["system (gateway)"].state == state
