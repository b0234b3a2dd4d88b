"""What goes on after a backup was put back in place."""

from __future__ import annotations

from pathlib import Path

from aura_ia_mcp.cluster.backup import backup
from aura_ia_mcp.cluster.restore import restore
from aura_ia_mcp.configs.paths import Paths
from aura_ia_mcp.configs.settings import Settings
from aura_ia_mcp.stores.audit import AuditWriter
from aura_ia_mcp.stores.epoch_writer import EpochWriter
from aura_ia_mcp.stores.sealing import Sealer
from aura_ia_mcp.stores.signing import signing_key
from aura_ia_mcp.stores.verify import verify


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
    system = {"state_dir": str(tmp_path / ".aura"), "log_dir": str(tmp_path / "logs")}
    settings = Settings.model_validate({"system": system, "safety": {"rules_folder": str(tmp_path / "configs")}})
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
