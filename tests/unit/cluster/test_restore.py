"""What goes on after a backup was put back in place."""

from __future__ import annotations

from pathlib import Path

import pytest

from aura_ia_mcp.cluster.backup import backup
from aura_ia_mcp.cluster.faults import OperatorError
from aura_ia_mcp.cluster.restore import restore
from aura_ia_mcp.configs.paths import Paths
from aura_ia_mcp.configs.settings import Settings
from aura_ia_mcp.stores.audit import AuditWriter
from aura_ia_mcp.stores.epoch_writer import EpochWriter
from aura_ia_mcp.stores.sealing import Sealer
from aura_ia_mcp.stores.signing import signing_key
from aura_ia_mcp.stores.verify import verify


def settings_in(folder: Path) -> Settings:
    """Those of a system whose files all lie under a folder."""
    system = {"state_dir": str(folder / ".aura"), "log_dir": str(folder / "logs")}
    return Settings.model_validate({"system": system, "safety": {"rules_folder": str(folder / "configs")}})


def seal(paths: Paths) -> int:
    """Write a record and seal it, as a system does between its start and its end."""
    writer = AuditWriter(paths.audit, "safety-0", b"k" * 32)
    writer.append("call", {})
    writer.close()
    epochs = EpochWriter(
        paths.audit, signing_key(paths.audit_signing_key, paths.audit), remembered=paths.epochs_standing
    )
    sealer = Sealer(paths.audit, epochs)
    sealed = sealer.seal()
    epochs.remember()
    sealer.close()
    return sealed


def test_after_a_restore_in_place_sealing_goes_on_from_what_was_restored(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    paths = Paths.of(settings)
    seal(paths)
    backup(settings, tmp_path / "backup.tar.gz")
    for _ in range(3):
        seal(paths)
    done = restore(settings, tmp_path / "backup.tar.gz", force=True)
    assert any("audit_epochs.json.before" in path for path in done["set_aside"])
    assert seal(paths) > 0
    found = verify(paths.audit)
    assert (found.intact, found.unsealed, found.epochs) == (True, 0, 2)


def test_what_a_restore_says_it_would_replace_is_all_that_force_sets_aside(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    paths = Paths.of(settings)
    seal(paths)
    paths.operator_token.write_text("token")
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "policy.yaml").write_text("version: 1\n")
    backup(settings, tmp_path / "backup.tar.gz")
    (paths.state / "audit_views.json").write_text("{}")
    for view in ("security_audit.jsonl", "security_audit.jsonl.1", "codex_tool_spans.jsonl"):
        (paths.logs / view).touch()
    with pytest.raises(OperatorError) as refused:
        restore(settings, tmp_path / "backup.tar.gz")
    named = str(refused.value).removeprefix("these would be replaced: ").partition("; say --force")[0].split(", ")
    done = restore(settings, tmp_path / "backup.tar.gz", force=True)
    assert sorted(named) == sorted(path.partition(".before-")[0] for path in done["set_aside"])
    assert {"operator.token", "policy.yaml", "audit_epochs.json", "audit_views.json", "state.sqlite", "keys"} <= {
        Path(path).name for path in named
    }
