"""The commands that need no running system, as a person types them."""

from __future__ import annotations

import http.server
import json
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
import tomllib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import click
import pytest

from aura_ia_mcp.cli import app, checks, codex_version
from aura_ia_mcp.cli.checks import CHECKS
from aura_ia_mcp.configs.settings import Settings
from aura_ia_mcp.stores.audit import segments
from aura_ia_mcp.stores.database import Database
from aura_ia_mcp.stores.read import records
from aura_ia_mcp.stores.tokens import TokenStore, digest


class Aura:
    """Runs command lines in a folder of its own."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture

    def __call__(self, *arguments: str, code: int = 0) -> str:
        """Its standard output."""
        return self.both(*arguments, code=code)[0]

    def both(self, *arguments: str, code: int = 0) -> tuple[str, str]:
        """Standard output and standard error."""
        self._capture.readouterr()
        status = app.run(arguments)
        said = self._capture.readouterr()
        assert status == code, said
        assert "Traceback" not in said.err
        return said.out, said.err

    def json(self, *arguments: str, code: int = 0) -> Any:
        return json.loads(self(*arguments, "--json", code=code))


@pytest.fixture
def aura(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Aura:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("AURA_CONFIG", "AURA_RATE_LIMIT", "AURA_LOG_LEVEL", "AURA_BACKEND_URL", "AURA_TOKEN", "CODEX_HOME"):
        monkeypatch.delenv(name, raising=False)
    return Aura(capsys)


@contextmanager
def healthy(status: int = 200) -> Iterator[int]:
    """A port on which `/health` answers."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b'{"status": "ok"}')

        def log_message(self, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def on_port(port: int, name: str = "gateway") -> None:
    Path("configs").mkdir(exist_ok=True)
    Path("configs/aura.toml").write_text(f'[gateway]\nservers = [{{name = "{name}", port = {port}}}]\n')


# --- the command line itself -----------------------------------------------------------------------------------------


def test_help_lists_every_command_and_teaches(aura: Aura) -> None:
    said = aura("--help")
    for name in app.COMMANDS:
        assert re.search(rf"^  {name} ", said, re.MULTILINE)
    assert "aura call semantic_rank" in said


def test_without_a_command_help_is_shown(aura: Aura) -> None:
    assert "Commands:" in aura()


@pytest.mark.parametrize("name", app.COMMANDS)
def test_every_command_loads_and_explains_itself(aura: Aura, name: str) -> None:
    said = aura(name, "--help")
    assert f"Usage: aura {name}" in said
    assert name == "version" or "Example" in said


def every_command() -> Iterator[tuple[str, ...]]:
    """The words of each command, and of those below it."""
    for name in app.COMMANDS:
        yield (name,)
        command = app.aura.get_command(click.Context(app.aura), name)
        if isinstance(command, click.Group):
            yield from ((name, below) for below in command.commands)


@pytest.mark.parametrize("words", list(every_command()), ids=" ".join)
def test_examples_stand_on_lines_of_their_own(aura: Aura, words: tuple[str, ...]) -> None:
    said = aura(*words, "--help")
    assert "\\b" not in said
    if words == ("version",):
        return
    lines = said.splitlines()
    begin = next(at for at, line in enumerate(lines) if line.strip().startswith("Example"))
    assert lines[begin].endswith(":")
    assert re.match(r"    ( *aura |AURA_|\S)", lines[begin + 1])


def test_the_version_is_an_option_too(aura: Aura) -> None:
    assert aura("--version") == aura("version")


def test_status_without_a_system_names_the_folder_it_looked_in(aura: Aura, tmp_path: Path) -> None:
    _, err = aura.both("status", code=1)
    assert f"no Aura system answers for the state folder {tmp_path / '.aura'}." in err
    assert "the folder where it was started" in err


@pytest.mark.parametrize("status", [0, 1, 130])
def test_serve_ends_as_the_supervisor_did(aura: Aura, monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    monkeypatch.setattr("aura_ia_mcp.cli.serve.ports", lambda _: ())
    monkeypatch.setattr("aura_ia_mcp.cli.serve.supervise", lambda *_, **__: status)
    aura("serve", code=status)


def test_help_loads_nothing_large() -> None:
    """A fresh interpreter tells, since this one has loaded much already."""
    look = "import sys; from aura_ia_mcp.cli.app import run; run(['--help']); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", look], check=True, capture_output=True, text=True, timeout=60)
    assert "Commands:" in done.stdout
    assert "aura_ia_mcp.cli.app" in done.stderr.split()
    assert not {"ray", "torch", "mcp", "aiohttp"} & set(done.stderr.split())


@pytest.mark.parametrize("line", [["nonsense"], ["token", "create"], ["config", "--nonsense"], ["doctor", "moon"]])
def test_wrong_usage_is_status_2(aura: Aura, line: list[str]) -> None:
    out, err = aura.both(*line, code=2)
    assert out == ""
    assert "Usage: aura" in err


def test_a_fault_of_ours_is_a_sentence(aura: Aura, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("aura_ia_mcp.cli.token.list_tokens", broken)
    _, err = aura.both("token", "list", code=1)
    assert "ZeroDivisionError: oops" in err
    assert "AURA_LOG_LEVEL=DEBUG" in err


def test_unusable_settings_are_status_1_with_every_problem(aura: Aura, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AURA_SAFTY__RATE_LIMIT", "1")
    _, err = aura.both("token", "list", code=1)
    assert "AURA_SAFETY__RATE_LIMIT" in err


# --- config ----------------------------------------------------------------------------------------------------------


def test_config_shows_value_and_source(aura: Aura, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AURA_RATE_LIMIT", "7")
    assert aura.json("config", "safety.rate_limit") == {
        "safety.rate_limit": {"value": 7, "source": "environment AURA_RATE_LIMIT"}
    }
    assert list(aura.json("config", "--changed")) == ["safety.rate_limit"]
    assert "environment AURA_RATE_LIMIT" in aura("config", "safety")


def test_config_template_can_be_used_as_a_file(aura: Aura) -> None:
    Path("mine.toml").write_text(aura("config", "--template"))
    assert aura.json("--config", "mine.toml", "config", "--changed") == {}


def test_config_of_an_unknown_key_names_the_nearest(aura: Aura) -> None:
    _, err = aura.both("config", "safety.rate_limt", code=2)
    assert "safety.rate_limit" in err


# --- token and audit -------------------------------------------------------------------------------------------------


def test_a_token_is_shown_once_and_only_its_digest_is_kept(aura: Aura) -> None:
    token = aura("token", "create", "ci", "--role", "agent").strip()
    with closing(Database(Path(".aura/state.sqlite"))) as database:
        found = TokenStore(database).find(digest(token))
    assert found is not None
    assert found.roles == ("agent",)
    assert token not in aura("token", "list", "--json")
    for file in [*Path(".aura").rglob("*"), *Path("logs").rglob("*")]:
        assert file.is_dir() or token.encode() not in file.read_bytes()


def test_making_and_revoking_leave_records(aura: Aura) -> None:
    aura("token", "create", "ci", "--role", "agent")
    aura("token", "revoke", "ci")
    kinds = [record["kind"] for record in records(Path("logs/audit"), "cli")]
    assert [kind for kind in kinds if kind != "opened"] == ["token_created", "token_revoked"]
    assert aura.json("audit", "verify")["intact"] is True


def test_a_token_that_cannot_be_recorded_is_not_made(aura: Aura) -> None:
    Path("logs").write_text("not a folder")
    aura.both("token", "create", "ci", "--role", "agent", code=1)
    assert aura.json("token", "list") == {"tokens": []}


def test_a_token_ends_even_if_that_cannot_be_recorded(aura: Aura) -> None:
    aura("token", "create", "ci", "--role", "agent")
    shutil.rmtree("logs")
    Path("logs").write_text("not a folder")
    _, err = aura.both("token", "revoke", "ci", code=1)
    assert "'ci' is revoked, but no record tells of it" in err
    assert [token["state"] for token in aura.json("token", "list")["tokens"]] == ["revoked"]


def test_the_list_says_which_tokens_still_work(aura: Aura) -> None:
    aura("token", "create", "a", "--role", "agent", "--ttl", "1s")
    aura("token", "create", "b", "--role", "operator", "--kind", "human", "--ttl", "never")
    aura("token", "create", "c", "--role", "agent")
    aura("token", "revoke", "c")
    states = {token["name"]: token["state"] for token in aura.json("token", "list")["tokens"]}
    assert states["b"] == "valid"
    assert states["c"] == "revoked"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["x", "--role", "king"], 1, "no role 'king'"),
        (["x", "--role", "operator"], 1, "human or service"),
        (["x y", "--role", "agent"], 1, "can't name a token"),
        (["x", "--role", "agent", "--ttl", "3"], 2, "no duration"),
        (["x", "--role", "agent", "--ttl", "0s"], 2, "no duration"),
        (["operator", "--role", "agent"], 1, "choose another name"),
    ],
)
def test_a_token_that_makes_no_sense_is_refused(aura: Aura, arguments: list[str], code: int, said: str) -> None:
    assert said in aura.both("token", "create", *arguments, code=code)[1]


def test_revoking_what_is_not_there_fails(aura: Aura) -> None:
    assert "no valid token" in aura.both("token", "revoke", "nobody", code=1)[1]


def test_a_changed_record_is_found(aura: Aura) -> None:
    aura("token", "create", "ci", "--role", "agent")
    aura("token", "revoke", "ci")
    (file,) = segments(Path("logs/audit/cli"))
    file.write_bytes(file.read_bytes().replace(b'"name":"ci"', b'"name":"co"', 1))
    out, err = aura.both("audit", "verify", "--json", code=1)
    assert json.loads(out)["intact"] is False
    assert f"{file.name}:" in err


# --- codex -----------------------------------------------------------------------------------------------------------


def test_codex_config_shows_first_and_changes_only_when_told(aura: Aura) -> None:
    with healthy() as port:
        on_port(port)
        assert f'+url = "http://localhost:{port}/mcp/stream"' in aura("codex", "config", "--codex-home", "ch")
        assert not Path("ch").exists()
        aura("codex", "config", "--write", "--codex-home", "ch")
        written = Path("ch/config.toml").read_text()
        assert tomllib.loads(written)["mcp_servers"]["aura_gateway"]["url"] == f"http://localhost:{port}/mcp/stream"
        assert "already connects aura_gateway" in aura("codex", "config", "--write", "--codex-home", "ch")
        assert "-[mcp_servers.aura_gateway]" in aura("codex", "config", "--undo", "--codex-home", "ch")
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
        aura("codex", "config", "--write", "--all", "--codex-home", "ch")
    assert tomllib.loads(Path("ch/config.toml").read_text())["mcp_servers"].keys() == {"aura_gateway"}


def test_codex_config_without_a_system_says_how_to_start_one(aura: Aura) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        on_port(silent.getsockname()[1])
        assert "aura serve" in aura.both("codex", "config", code=1)[1]


def test_codex_config_refuses_a_broken_file_with_its_line(aura: Aura, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("ch").mkdir()
    Path("ch/config.toml").write_text("a = 1\n[oops\n")
    monkeypatch.setenv("CODEX_HOME", "ch")
    with healthy() as port:
        on_port(port)
        _, err = aura.both("codex", "config", "--write", code=1)
    assert "ch/config.toml" in err
    assert "line 2" in err
    assert Path("ch/config.toml").read_text() == "a = 1\n[oops\n"


def test_a_gateway_that_wants_tokens_is_named_with_their_variable(aura: Aura) -> None:
    with healthy() as port:
        on_port(port)
        with Path("configs/aura.toml").open("a") as file:
            file.write("anonymous = false\n")
        assert '+bearer_token_env_var = "AURA_TOKEN"' in aura("codex", "config", "--codex-home", "ch")


def test_undo_without_a_backup_fails(aura: Aura) -> None:
    assert "no backup" in aura.both("codex", "config", "--undo", "--codex-home", "ch", code=1)[1]


# --- doctor ----------------------------------------------------------------------------------------------------------


def found(check: str, settings: Settings | None = None) -> dict[str, checks.Finding]:
    return {finding.check: finding for finding in CHECKS[check](settings or Settings())}


def test_a_taken_port_names_who_has_it(aura: Aura) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        on_port(port)
        report = aura.json("doctor", "ports", code=1)
        _, err = aura.both("serve", code=1)
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
