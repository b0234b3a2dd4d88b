"""What a child process inherits."""

from __future__ import annotations

import pytest

from aura_ia_mcp.cluster.child import environment


def test_children_inherit_the_environment_but_no_settings_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AURA_DATABASE__URL", "AURA_TOKEN", "PYTHONDONTWRITEBYTECODE", "RAY_SERVER", "PGSSLROOTCERT"):
        monkeypatch.setenv(name, "postgresql://aura:hunter2@db.example.org/aura")
    inherited = environment()
    assert {"RAY_SERVER", "PGSSLROOTCERT", "PATH"} <= inherited.keys()
    assert not {"AURA_DATABASE__URL", "AURA_TOKEN", "PYTHONDONTWRITEBYTECODE"} & inherited.keys()
