"""The command line itself, and its settings, as a person types them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from aura_ia_mcp.cli import app

from .conftest import Aura


def test_help_lists_every_command_and_teaches(aura: Aura) -> None:
    said = aura.out("--help")
    for name in app.COMMANDS:
        assert re.search(rf"^  {name} ", said, re.MULTILINE)
    assert "aura call semantic_rank" in said


def test_without_a_command_help_is_shown(aura: Aura) -> None:
    assert "Commands:" in aura.out()


@pytest.mark.parametrize("name", app.COMMANDS)
def test_every_command_loads_and_explains_itself(aura: Aura, name: str) -> None:
    said = aura.out(name, "--help")
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
    said = aura.out(*words, "--help")
    assert "\\b" not in said
    if words == ("version",):
        return
    lines = said.splitlines()
    begin = next(at for at, line in enumerate(lines) if line.strip().startswith("Example"))
    assert lines[begin].endswith(":")
    assert re.match(r"    ( *aura |AURA_|\S)", lines[begin + 1])


def test_the_version_is_an_option_too(aura: Aura) -> None:
    assert aura.out("--version") == aura.out("version")


def test_status_without_a_system_names_the_folder_it_looked_in(aura: Aura, tmp_path: Path) -> None:
    _, err = aura("status", code=1)
    assert f"no Aura system answers for the state folder {tmp_path / '.aura'}." in err
    assert "the folder where it was started" in err


@pytest.mark.parametrize("status", [0, 1, 130])
def test_serve_ends_as_the_supervisor_did(aura: Aura, monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    monkeypatch.setattr("aura_ia_mcp.cli.serve.ports", lambda _: ())
    monkeypatch.setattr("aura_ia_mcp.cli.serve.supervise", lambda *_, **__: status)
    aura.out("serve", code=status)


def test_help_loads_nothing_large() -> None:
    """A fresh interpreter tells, since this one has loaded much already."""
    look = "import sys; from aura_ia_mcp.cli.app import run; run(['--help']); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", look], check=True, capture_output=True, text=True, timeout=60)
    assert "Commands:" in done.stdout
    assert "aura_ia_mcp.cli.app" in done.stderr.split()
    assert not {"ray", "torch", "mcp", "aiohttp"} & set(done.stderr.split())


@pytest.mark.parametrize("line", [["nonsense"], ["token", "create"], ["config", "--nonsense"], ["doctor", "moon"]])
def test_wrong_usage_is_status_2(aura: Aura, line: list[str]) -> None:
    out, err = aura(*line, code=2)
    assert out == ""
    assert "Usage: aura" in err


@pytest.mark.parametrize(
    "line",
    [
        ["audit", "show", "nope"],
        ["audit", "redact", "safety-0:999999", "--reason", "x"],
        ["explain", ""],
        ["policy", "what-if", "nowhere.yaml"],
        ["policy", "explain", "nosuchtool"],
        ["token", "revoke", "nosuch"],
        ["backup", "nowhere/x"],
        ["status"],
        ["approvals", "show", "zz"],
        ["--config", "nowhere.toml", "token", "list"],
    ],
    ids=" ".join,
)
def test_a_failure_is_one_json_object_too_where_json_was_asked_for(aura: Aura, line: list[str]) -> None:
    out, err = aura(*line, "--json", code=1)
    said = json.loads(out)["error"]
    assert said["message"] in err
    assert said.get("recovery", "") in err
    assert set(said) <= {"message", "recovery", "code"}
    assert aura.out(*line, code=1) == ""


def test_what_printed_its_findings_as_json_adds_no_second_object(aura: Aura, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AURA_SAFTY__RATE_LIMIT", "1")
    assert aura.json("doctor", "python", code=1)["ok"] is False


def test_a_fault_of_ours_is_json_too(aura: Aura, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("aura_ia_mcp.cli.token.list_tokens", broken)
    assert "ZeroDivisionError: oops" in aura.json("token", "list", code=1)["error"]["message"]


def test_a_fault_of_ours_is_a_sentence(aura: Aura, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("aura_ia_mcp.cli.token.list_tokens", broken)
    _, err = aura("token", "list", code=1)
    assert "ZeroDivisionError: oops" in err
    assert "AURA_LOG_LEVEL=DEBUG" in err


def test_unusable_settings_are_status_1_with_every_problem(aura: Aura, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AURA_SAFTY__RATE_LIMIT", "1")
    _, err = aura("token", "list", code=1)
    assert "AURA_SAFETY__RATE_LIMIT" in err


def test_config_shows_value_and_source(aura: Aura, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AURA_RATE_LIMIT", "7")
    assert aura.json("config", "safety.rate_limit") == {
        "safety.rate_limit": {"value": 7, "source": "environment AURA_RATE_LIMIT"}
    }
    assert list(aura.json("config", "--changed")) == ["safety.rate_limit"]
    assert "environment AURA_RATE_LIMIT" in aura.out("config", "safety")


def test_config_template_can_be_used_as_a_file(aura: Aura) -> None:
    Path("mine.toml").write_text(aura.out("config", "--template"))
    assert aura.json("--config", "mine.toml", "config", "--changed") == {}


def test_config_of_an_unknown_key_names_the_nearest(aura: Aura) -> None:
    _, err = aura("config", "safety.rate_limt", code=2)
    assert "safety.rate_limit" in err
