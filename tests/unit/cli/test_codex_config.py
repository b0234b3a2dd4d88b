"""Codex's configuration: our servers go in and out, everything else stays."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from aura_ia_mcp.cli.codex_config import HIDDEN_TOOLS, MergeError, Server, merge, snippet, unified_diff, unmerge
from aura_ia_mcp.cli.codex_file import ConfigFile

SERVER = Server("aura_gateway", "http://localhost:9200/mcp/stream", disabled_tools=HIDDEN_TOOLS)
ML = Server("aura_ml", "http://localhost:9201/mcp/stream", 20, 60)
FORMS = {
    "empty": "",
    "comment without a last line end": "# mine",
    "others": (
        '# mine\nmodel = "m" # why\n\n[mcp_servers.other]\ncommand="true"\n\n[projects."/a b"]\ntrust_level="trusted"\n'
    ),
    "inline": 'mcp_servers = { other = { url = "http://a" } } # here\nmodel = "m"\n',
    "dotted": 'mcp_servers.other.url = "http://a"\nmodel = "m"\n',
    "windows line ends": 'model = "m"\r\n[mcp_servers.other]\r\nurl = "u"\r\n',
    "stdio of the same name": (
        '[mcp_servers.aura_gateway]\ncommand="x"\nargs=["a"]\n[mcp_servers.aura_gateway.env]\nA="b"\n[z]\nq=1\n'
    ),
    "out of order": '[mcp_servers.a]\nurl="1"\n[x]\ny=1\n[mcp_servers.aura_gateway]\nurl="old"\n[w]\nq=1\n',
    "old url inline": '[mcp_servers]\naura_gateway = {url="old"}\nb = {url="1"}\n',
}


@pytest.mark.parametrize("before", FORMS.values(), ids=FORMS)
def test_merging_changes_nothing_else_and_is_idempotent(before: str) -> None:
    after = merge(before, [SERVER])
    then, now = tomllib.loads(before), tomllib.loads(after)
    entry = now["mcp_servers"].pop("aura_gateway")
    then.setdefault("mcp_servers", {}).pop("aura_gateway", None)
    assert now == then
    assert entry == SERVER.keys()
    assert merge(after, [SERVER]) == after


@pytest.mark.parametrize("before", [FORMS["others"], FORMS["windows line ends"], FORMS["dotted"]])
def test_a_new_server_is_added_without_moving_a_byte(before: str) -> None:
    assert merge(before, [SERVER]).startswith(before)


@pytest.mark.parametrize("before", FORMS.values(), ids=FORMS)
def test_taking_out_keeps_what_was_edited_since(before: str) -> None:
    edited = merge(before, [SERVER, ML]) + "\n[projects.new]\nx = 1\n"
    restored = tomllib.loads(unmerge(edited, before))
    assert restored.pop("projects")["new"] == {"x": 1}
    then = tomllib.loads(before)
    then.pop("projects", None)
    restored.setdefault("mcp_servers", {})
    assert restored == {"mcp_servers": {}, **then}


def test_values_that_the_user_chose_stand() -> None:
    before = '[mcp_servers.aura_gateway]\nurl = "old"\ntool_timeout_sec = 7 # mine\nenabled = false\n'
    entry = tomllib.loads(merge(before, [SERVER]))["mcp_servers"]["aura_gateway"]
    assert entry["tool_timeout_sec"] == 7
    assert entry["enabled"] is False
    assert entry["url"] == SERVER.url
    assert "# mine" in merge(before, [SERVER])


def test_several_servers_go_in_at_once() -> None:
    assert tomllib.loads(merge("", [SERVER, ML]))["mcp_servers"].keys() == {"aura_gateway", "aura_ml"}


def test_a_broken_file_is_refused_with_its_line() -> None:
    with pytest.raises(MergeError, match="line 2"):
        merge('model = "m"\n[oops\n', [SERVER])


@pytest.mark.parametrize("before", ["mcp_servers = 5\n", "[mcp_servers]\nother = 5\n", "[[mcp_servers]]\nx=1\n"])
def test_a_configuration_of_another_form_is_refused(before: str) -> None:
    with pytest.raises(MergeError, match="mcp_servers"):
        merge(before, [SERVER])


def test_a_token_is_named_by_its_variable_never_by_value() -> None:
    entry = Server("aura_gateway", "u", bearer_token_env_var="AURA_TOKEN").keys()
    assert entry["bearer_token_env_var"] == "AURA_TOKEN"
    assert "bearer_token" not in entry


def test_the_snippet_is_toml_and_the_diff_shows_it() -> None:
    assert tomllib.loads(snippet([SERVER]))["mcp_servers"]["aura_gateway"] == SERVER.keys()
    assert "+[mcp_servers.aura_gateway]" in unified_diff("", snippet([SERVER]), "config.toml")


SCALARS = (
    st.integers(-9, 9) | st.booleans() | st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), max_size=8)
)
NAMES = st.text("abcxyz_-", min_size=1, max_size=6)
DOCUMENTS = st.dictionaries(
    NAMES, SCALARS | st.dictionaries(NAMES, SCALARS | st.lists(st.integers(0, 9), max_size=3), max_size=3), max_size=5
)


@given(DOCUMENTS, st.dictionaries(NAMES, st.fixed_dictionaries({"url": st.text("ab:/", max_size=5)}), max_size=3))
def test_any_configuration_survives_a_merge(rest: dict[str, Any], others: dict[str, Any]) -> None:
    text = tomlkit.dumps({**rest, "mcp_servers": others} if others else rest)
    then = tomllib.loads(text)
    now = tomllib.loads(merge(text, [SERVER]))
    assert now["mcp_servers"].pop(SERVER.name) == SERVER.keys()
    assert now == {**then, "mcp_servers": then.get("mcp_servers", {})}


def test_writing_keeps_links_modes_and_a_backup(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles" / "codex.toml"
    real.parent.mkdir()
    real.write_text('model = "m"\n')
    real.chmod(0o640)
    link = tmp_path / "config.toml"
    link.symlink_to(real)
    file = ConfigFile(link)
    before = file.read()
    backup = file.write(before, merge(before, [SERVER]))
    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert backup.read_text() == before
    assert backup.parent == real.parent
    assert sorted(path.name for path in real.parent.iterdir()) == sorted([real.name, backup.name])


def test_undo_restores_every_byte_and_goes_further_back_each_time(tmp_path: Path) -> None:
    file = ConfigFile(tmp_path / "config.toml")
    file.path.write_bytes(b'model = "m"\r\n')
    states = [file.read()]
    for server in (SERVER, ML):
        file.write(states[-1], merge(states[-1], [server]))
        states.append(file.read())
    for state in reversed(states[:-1]):
        backup = file.backup()
        assert backup is not None
        file.undo(backup)
        assert file.read() == state
    assert file.backup() is None


def test_undo_removes_a_file_that_was_made(tmp_path: Path) -> None:
    file = ConfigFile(tmp_path / "codex" / "config.toml")
    backup = file.write("", merge("", [SERVER]))
    assert file.path.stat().st_mode & 0o777 == 0o600
    file.undo(backup)
    assert not file.path.exists()


def test_undo_after_an_edit_takes_out_our_servers_only(tmp_path: Path) -> None:
    file = ConfigFile(tmp_path / "config.toml")
    backup = file.write("", merge("", [SERVER]))
    file.path.write_text(file.read() + '\n[projects."/x"]\ntrust_level = "trusted"\n')
    file.undo(backup)
    assert tomllib.loads(file.read()) == {"projects": {"/x": {"trust_level": "trusted"}}}


def test_a_file_changed_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    file = ConfigFile(tmp_path / "config.toml")
    file.path.write_text("a = 1\n")
    before = file.read()
    file.path.write_text("a = 2\n")
    with pytest.raises(MergeError, match="meanwhile"):
        file.write(before, merge(before, [SERVER]))
    assert file.read() == "a = 2\n"


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    file = ConfigFile(tmp_path / "config.toml")
    file.path.write_bytes(b"\xff\xfe")
    with pytest.raises(MergeError, match="UTF-8"):
        file.read()
