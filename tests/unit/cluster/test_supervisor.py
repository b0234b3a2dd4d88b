"""What a supervisor is told, without starting anything."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from aura_ia_mcp.cluster import leases, supervisor
from aura_ia_mcp.cluster.telling import Progress
from aura_ia_mcp.configs.load import load
from aura_ia_mcp.configs.settings import Settings


def test_a_detached_supervisor_serves_what_its_client_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = load(folder=tmp_path, environ={"AURA_RATE_LIMIT": "9", "AURA_SYSTEM__STATE_DIR": str(tmp_path / "s")})
    served: dict[str, Any] = {}

    def serve(settings: Any, **more: Any) -> int:
        served.update(more, settings=settings)
        return 0

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(supervisor, "serve", serve)
    told = leases._told(loaded.settings, ("a.b:C",), loaded.sources).decode()
    monkeypatch.setattr("sys.stdin", io.StringIO(told))
    assert supervisor.main() == 0
    assert served["settings"].safety.rate_limit == 9
    assert served["sources"] == ("a.b:C",)
    assert served["origins"]["safety.rate_limit"] == "environment AURA_RATE_LIMIT"
    assert served["origins"]["system.log_dir"] == "default"
    assert served["until_idle"] is True


@pytest.mark.parametrize("name", ["policy.yaml", "roles.yaml"])
def test_a_system_does_not_start_on_a_bad_rule_file_and_says_where_it_is_wrong(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(f"version: {1 if name == 'policy.yaml' else 2}\ndenails: []\n")
    settings = Settings.model_validate(
        {"safety": {"rules_folder": tmp_path}, "system": {"state_dir": tmp_path / "s", "log_dir": tmp_path / "l"}}
    )
    told: list[Progress] = []
    assert supervisor.serve(settings, on_progress=told.append) == 1
    assert [each.stage for each in told] == ["fault"]
    assert f"{tmp_path / name}:2:1: " in told[0].text
    assert not (tmp_path / "s").exists()


def test_a_system_does_not_start_on_a_corrupt_database_and_says_what_to_do(tmp_path: Path) -> None:
    settings = Settings.model_validate({"system": {"state_dir": tmp_path / "s", "log_dir": tmp_path / "l"}})
    database = tmp_path / "s" / "state.sqlite"
    database.parent.mkdir()
    database.write_bytes(b"no database" * 999)
    told: list[Progress] = []
    assert supervisor.serve(settings, on_progress=told.append) == 1
    assert [each.stage for each in told] == ["fault"]
    assert str(database) in told[0].text
    assert "aura restore FILE --force" in told[0].text
    assert database.read_bytes() == b"no database" * 999
