"""Settings come from one file and the environment, say where from, and refuse what isn't known."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aura_ia_mcp.configs.document import template, toml
from aura_ia_mcp.configs.load import DEFAULT, OTHER_NAMES, SHIPPED, Loaded, SettingsError, keys, load, masked
from aura_ia_mcp.configs.settings import Settings


def read(folder: Path, text: str = "", **environ: str) -> Loaded:
    file = folder / "aura.toml"
    file.write_text(text)
    return load(file, environ=environ, folder=folder)


def refusal(folder: Path, text: str = "", **environ: str) -> str:
    with pytest.raises(SettingsError) as caught:
        read(folder, text, **environ)
    return str(caught.value)


def test_without_anything_all_is_default(tmp_path: Path) -> None:
    loaded = load(environ={}, folder=tmp_path)
    assert loaded.settings == Settings()
    assert loaded.file == SHIPPED
    assert set(loaded.sources) == set(keys())
    assert set(loaded.sources.values()) == {DEFAULT}


def test_the_shipped_file_is_what_the_settings_say() -> None:
    assert SHIPPED.read_text() == template()


def test_the_shipped_file_uncommented_gives_the_defaults() -> None:
    lines = [
        line if line.startswith("# ") and line[2] != " " else line.removeprefix("#") for line in template().split("\n")
    ]
    data = tomllib.loads("\n".join(lines))
    assert Settings.model_validate(data) == Settings()
    unset = {key for key in keys() if key.split(".")[1] not in data[key.split(".")[0]]}
    assert unset == {
        "cluster.num_cpus",
        "database.url",
        "ml.encoder_path",
        "ml.encoder_sha256",
        "safety.policy_file",
        "safety.roles_file",
    }


def test_every_key_of_the_shipped_file_has_its_meaning() -> None:
    assert "None" not in template()


def test_a_file_sets_values_and_is_named_as_their_source(tmp_path: Path) -> None:
    loaded = read(tmp_path, '[safety]\nrate_limit = 7\n[system]\nstate_dir = "x"\ndrain_s = 1\n')
    assert loaded.settings.safety.rate_limit == 7
    assert loaded.settings.system.state_dir == Path("x")
    assert loaded.settings.system.drain_s == 1.0
    assert loaded.sources["safety.rate_limit"] == f"file {tmp_path / 'aura.toml'}"
    assert loaded.sources["safety.token_ttl_s"] == DEFAULT


def test_the_environment_beats_the_file(tmp_path: Path) -> None:
    loaded = read(tmp_path, "[safety]\nrate_limit = 7\n", AURA_SAFETY__RATE_LIMIT="9")
    assert loaded.settings.safety.rate_limit == 9
    assert loaded.sources["safety.rate_limit"] == "environment AURA_SAFETY__RATE_LIMIT"


def test_the_guides_names_work(tmp_path: Path) -> None:
    loaded = read(tmp_path, AURA_RATE_LIMIT="5", AURA_LOG_LEVEL="DEBUG", AURA_BACKEND_URL="http://localhost:9201")
    assert loaded.settings.safety.rate_limit == 5
    assert loaded.settings.system.log_level == "DEBUG"
    assert loaded.backend_url == "http://localhost:9201"
    assert loaded.sources["system.log_level"] == "environment AURA_LOG_LEVEL"


def test_the_long_name_beats_the_guides_name(tmp_path: Path) -> None:
    assert read(tmp_path, AURA_RATE_LIMIT="5", AURA_SAFETY__RATE_LIMIT="6").settings.safety.rate_limit == 6


@pytest.mark.parametrize(
    ("name", "text", "key", "value"),
    [
        ("AURA_GATEWAY__ANONYMOUS", "false", "anonymous", False),
        ("AURA_GATEWAY__ALLOWED_HOSTS", "a.example,b.example", "allowed_hosts", ("a.example", "b.example")),
        ("AURA_GATEWAY__ALLOWED_HOSTS", '["a.example"]', "allowed_hosts", ("a.example",)),
        ("AURA_GATEWAY__KEEPALIVE_S", "3", "keepalive_s", 3.0),
        ("AURA_GATEWAY__MAX_BODY_BYTES", "2_048", "max_body_bytes", 2048),
    ],
)
def test_a_variable_is_read_by_the_type_of_its_key(
    tmp_path: Path, name: str, text: str, key: str, value: object
) -> None:
    assert getattr(read(tmp_path, **{name: text}).settings.gateway, key) == value


def test_an_unknown_key_names_file_key_and_the_nearest(tmp_path: Path) -> None:
    said = refusal(tmp_path, "[safety]\nrate_limt = 7\n")
    assert str(tmp_path / "aura.toml") in said
    assert "`safety.rate_limt`" in said
    assert "`safety.rate_limit`" in said


def test_a_key_in_the_wrong_section_names_the_right_one(tmp_path: Path) -> None:
    assert "Did you mean `safety.rate_limit`?" in refusal(tmp_path, "[ml]\nrate_limit = 7\n")


def test_an_unknown_section_names_the_nearest(tmp_path: Path) -> None:
    assert "unknown section `gatway`. Did you mean `gateway`?" in refusal(tmp_path, "[gatway]\nx = 1\n")


def test_an_unknown_key_of_a_virtual_server_names_the_nearest(tmp_path: Path) -> None:
    said = refusal(tmp_path, '[gateway]\nservers = [{name = "a", prot = 1}]\n')
    assert "prot" in said
    assert "Did you mean `port`?" in said


def test_an_unknown_variable_names_the_nearest(tmp_path: Path) -> None:
    said = refusal(tmp_path, AURA_SAFTY__RATE_LIMIT="1")
    assert "AURA_SAFTY__RATE_LIMIT" in said
    assert "AURA_SAFETY__RATE_LIMIT" in said


@pytest.mark.parametrize(
    ("given_name", "meant"),
    [
        ("AURA_RATELIMIT", "AURA_RATE_LIMIT"),
        ("AURA_SAFETY_RATE_LIMIT", "AURA_SAFETY__RATE_LIMIT"),
        ("AURA_STATE_DIR", "AURA_SYSTEM__STATE_DIR"),
        ("AURA__ML__LOAD", "AURA_ML__LOAD"),
        ("AURA_GATEWAY_PORT", "AURA_GATEWAY__"),
        ("AURA_BACKEND", "AURA_BACKEND_URL"),
        ("AURA_safety__rate_limit", "AURA_SAFETY__RATE_LIMIT"),
    ],
)
def test_a_misspelt_variable_is_refused_with_the_nearest(tmp_path: Path, given_name: str, meant: str) -> None:
    said = refusal(tmp_path, **{given_name: "1"})
    assert f"unknown variable {given_name}." in said
    assert f"Did you mean {meant}" in said


def test_an_unknown_variable_of_a_section_is_refused_with_the_keys_of_that_section(tmp_path: Path) -> None:
    said = refusal(tmp_path, AURA_GATEWAY__PROT="1")
    assert "The keys of `gateway` are: host, anonymous, servers" in said


def test_a_variable_like_no_other_is_refused_with_how_to_set_keys(tmp_path: Path) -> None:
    said = refusal(tmp_path, AURA_ZZZ="1")
    assert "unknown variable AURA_ZZZ" in said
    assert "aura config --template" in said


@pytest.mark.parametrize("name", OTHER_NAMES)
def test_a_variable_that_sets_no_key_is_let_be(tmp_path: Path, name: str) -> None:
    assert set(load(SHIPPED, environ={name: str(SHIPPED)}, folder=tmp_path).sources.values()) == {DEFAULT}


@pytest.mark.parametrize("key", keys())
def test_every_key_has_its_variable(tmp_path: Path, key: str) -> None:
    """Whether or not the value suits it: the variable's name is known."""
    said = refusal(tmp_path, "[nowhere]\n", **{"AURA_" + key.replace(".", "__").upper(): "1"})
    assert "nowhere" in said
    assert "unknown variable" not in said


def test_an_empty_short_variable_sets_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, AURA_RATE_LIMIT="").settings == Settings()


def test_a_wrong_type_names_the_variable(tmp_path: Path) -> None:
    said = refusal(tmp_path, AURA_RATE_LIMIT="many")
    assert "AURA_RATE_LIMIT" in said
    assert "`safety.rate_limit`" in said


@pytest.mark.parametrize(
    ("name", "value"), [("AURA_GATEWAY__SERVERS", "gateway:9300"), ("AURA_CLUSTER__REPLICAS", "ml=2")]
)
def test_a_list_or_table_that_is_not_toml_is_refused_with_the_form(tmp_path: Path, name: str, value: str) -> None:
    said = refusal(tmp_path, **{name: value})
    assert name in said
    assert "Write it as in TOML, such as '" in said


@pytest.mark.parametrize(
    "text",
    [
        '[safety]\nrate_limit = "7"\n',
        "[safety]\nrate_limit = 0\n",
        "[safety]\nrate_limit = 1.5\n",
        "[safety]\ntoken_ttl_s = inf\n",
        "[gateway]\nanonymous = 1\n",
        '[bus]\ntransport = "pigeon"\n',
        "[gateway]\nservers = 5\n",
        "[system]\nstate_dir = 2020-01-01\nlog_dir = 4\n",
    ],
)
def test_a_wrong_type_or_range_names_the_file(tmp_path: Path, text: str) -> None:
    assert str(tmp_path / "aura.toml") in refusal(tmp_path, text)


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, "[safety]\na = 1\nb = 2\n[nowhere]\n")
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize("text", ["[safety\n", "safety = 1\n", "x = 1\n", "\x00"])
def test_a_broken_file_is_refused_with_its_name(tmp_path: Path, text: str) -> None:
    assert str(tmp_path / "aura.toml") in refusal(tmp_path, text)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.toml"):
        load(tmp_path / "none.toml", environ={}, folder=tmp_path)


def test_the_file_is_found_by_option_then_variable_then_folder(tmp_path: Path) -> None:
    (tmp_path / "configs").mkdir()
    for name, limit in (("configs/aura.toml", 1), ("named.toml", 2), ("option.toml", 3)):
        (tmp_path / name).write_text(f"[safety]\nrate_limit = {limit}\n")
    environ = {"AURA_CONFIG": "named.toml"}
    assert load(environ={}, folder=tmp_path).settings.safety.rate_limit == 1
    assert load(environ=environ, folder=tmp_path).settings.safety.rate_limit == 2
    assert load(Path("option.toml"), environ=environ, folder=tmp_path).settings.safety.rate_limit == 3


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "example.org"])
def test_beyond_loopback_needs_authentication(tmp_path: Path, host: str) -> None:
    assert "beyond loopback" in refusal(tmp_path, f'[gateway]\nhost = "{host}"\n')
    assert read(tmp_path, f'[gateway]\nhost = "{host}"\nanonymous = false\n').settings.gateway.host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_loopback_needs_none(tmp_path: Path, host: str) -> None:
    assert read(tmp_path, f'[gateway]\nhost = "{host}"\n').settings.gateway.host == host


def test_credentials_inside_urls_are_masked() -> None:
    assert masked("postgresql://me:secret@host/db") == "postgresql://********@host/db"


@given(st.recursive(st.integers() | st.booleans() | st.text(), st.lists, max_leaves=5))
def test_what_is_written_as_toml_is_read_back(value: object) -> None:
    assert tomllib.loads(f"value = {toml(value)}")["value"] == value


def test_a_log_level_may_be_written_small(tmp_path: Path) -> None:
    assert read(tmp_path, AURA_LOG_LEVEL="debug").settings.system.log_level == "DEBUG"
