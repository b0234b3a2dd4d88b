"""What children are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from aura_ia_mcp.bus.edges import KEYED
from aura_ia_mcp.bus.keys import EdgeKeys
from aura_ia_mcp.cluster import policy
from aura_ia_mcp.cluster.assignment import Assignment, assign
from aura_ia_mcp.cluster.spec import (
    Certificate,
    DirectoryPlace,
    GatewaySpec,
    GraphSpec,
    Roots,
    absolute,
    bus_sockets,
    ray_folder,
)
from aura_ia_mcp.cluster.tree import plan
from aura_ia_mcp.configs.paths import Paths
from aura_ia_mcp.configs.settings import Settings
from aura_ia_mcp.gateway import graph as gateway

ROOTS = Roots(b"b" * 32, b"d" * 32, b"a" * 32, Certificate("c", "o", "k"))


def test_a_graph_reads_what_its_supervisor_wrote() -> None:
    spec = GraphSpec(absolute(Settings()), ROOTS, "here", ("a.b:C",), 12.5, {"safety.rate_limit": "file /x"})
    assert GraphSpec.from_json(spec.to_json()) == spec


def test_a_gateway_reads_what_its_supervisor_wrote() -> None:
    keys = EdgeKeys.of("gateway", ROOTS.bus, KEYED)
    spec = GatewaySpec(
        absolute(Settings()),
        keys,
        "here",
        DirectoryPlace("here", "unix:/x"),
        "1.2.3",
        b"g" * 32,
        b"r" * 32,
        Certificate("c", "o", "k"),
    )
    assert GatewaySpec.from_json(spec.to_json()) == spec


def test_a_gateway_is_told_no_key_but_those_of_its_own_edges() -> None:
    keys = EdgeKeys.of("gateway", ROOTS.bus, KEYED)
    told = GatewaySpec(Settings(), keys, "here", DirectoryPlace("here", "unix:/x"), "1", b"g" * 32, b"r" * 32).to_json()
    for secret in (ROOTS.bus, ROOTS.decision, ROOTS.audit_key):
        assert secret.hex() not in told
    assert all("gateway" in edge for edge in keys.by_edge)


def test_only_who_opens_the_database_is_told_its_url() -> None:
    url = "postgresql://aura:s3cret@db/aura"
    settings = Settings.model_validate({"database": {"url": url}})
    base = Assignment("", (), settings, "", DirectoryPlace("here", "unix:/x"), ("n", "here"), ROOTS.audit_key)
    told = {seat.name: assign(seat, base, ROOTS, (), None).settings.database.url for seat in plan({}, {})}
    knowing = [name for name, each in told.items() if each is not None and each.get_secret_value() == url]
    assert knowing == ["L0 Records 0"]
    assert None not in told.values()
    keys = EdgeKeys.of("gateway", ROOTS.bus, KEYED)
    gateway = GatewaySpec(settings, keys, "here", DirectoryPlace("here", "unix:/x"), "1", b"g" * 32, b"r" * 32)
    assert "s3cret" not in gateway.to_json()


def test_a_spec_fits_on_one_line_and_hides_its_secrets_from_logs() -> None:
    spec = GraphSpec(Settings(), ROOTS, "here")
    assert "\n" not in spec.to_json()
    assert ROOTS.bus.hex() not in repr(spec)
    assert "bbbb" not in repr(spec)


def test_paths_mean_the_same_in_a_child_with_another_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    settings = absolute(Settings.model_validate({"ml": {"encoder_path": "mini", "encoder_sha256": "0" * 64}}))
    assert settings.system.state_dir == tmp_path / ".aura"
    assert settings.system.log_dir == tmp_path / "logs"
    assert settings.ml.encoder_path == tmp_path / "mini"
    assert settings.safety.rules_folder == tmp_path / "configs"


def test_sockets_move_to_a_short_folder_when_the_state_folder_is_too_long_for_them() -> None:
    short, long = Paths(Path("/s/.aura"), Path("/s/logs")), Paths(Path("/" + "x" * 100), Path("/logs"))
    assert bus_sockets(short) == Path("/s/.aura/run/bus")
    assert ray_folder(short) == Path("/s/.aura/ray")
    for folder in (long.run, bus_sockets(long), ray_folder(long)):
        assert len(str(folder)) < 80
        assert long.short in (folder, *folder.parents)


def test_explanations_call_whoever_has_no_token_as_the_gateway_does() -> None:
    assert gateway.GUEST.id == policy.GUEST
