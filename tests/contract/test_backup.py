"""A backup of either database restores into either."""

from __future__ import annotations

import gzip
import json
import stat
import subprocess
import sys
import tarfile
from collections.abc import Callable
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from aura_ia_mcp.cluster import folders, restore
from aura_ia_mcp.cluster.backup import backup
from aura_ia_mcp.cluster.faults import OperatorError
from aura_ia_mcp.cluster.tokens import create_token, list_tokens
from aura_ia_mcp.configs.paths import Paths
from aura_ia_mcp.configs.settings import Settings
from aura_ia_mcp.stores import dump, migrations
from aura_ia_mcp.stores.archive import ArchiveError, reading, writing
from aura_ia_mcp.stores.database import Database
from aura_ia_mcp.stores.records import Record, RecordStore
from aura_ia_mcp.stores.tokens import TokenStore
from aura_ia_mcp.stores.verify import verify
from tests.support.databases import Where

Make = Callable[[], Settings]


def at(folder: Path, url: str | None = None) -> Settings:
    system = {"state_dir": str(folder / ".aura"), "log_dir": str(folder / "logs")}
    data: dict[str, Any] = {"system": system, "safety": {"rules_folder": str(folder / "configs")}}
    return Settings.model_validate(data | ({"database": {"url": url}} if url else {}))


def opened(settings: Settings) -> Any:
    return closing(Database.of(settings, Paths.of(settings)))


@pytest.fixture
def full(tmp_path: Path, place: Where) -> tuple[Settings, dict[str, Record], Path]:
    """A system with something of everything, and its backup."""
    settings = at(tmp_path / "old", place if isinstance(place, str) else None)
    create_token(settings, "ci", ["agent"], ttl_s=None, kind="agent", tenant="local")
    (tmp_path / "old" / "configs").mkdir()
    (tmp_path / "old" / "configs" / "policy.yaml").write_text("# mine\n")
    with opened(settings) as database:
        store = RecordStore(database)
        TokenStore(database).ensure_operator(Paths.of(settings).operator_token)
        store.put("approval", "k000", {"ü": "\ud800"}, status="open", binding="b", expires_at=0.1)
        with database.writing() as connection:
            rows = [{"kind": "approval", "key": f"k{n:03}", "value": "{}", "updated_at": n / 3} for n in range(1, 600)]
            dump.load(connection, "records", [json.dumps(row).encode() for row in rows])
        kept = {record.key: record for record in store.find("approval", limit=1000)}
    backup(settings, tmp_path / "backup.tar.gz")
    return settings, kept, tmp_path / "backup.tar.gz"


@pytest.mark.parametrize("into", ["sqlite", "postgresql"])
def test_a_restored_system_has_all_that_was_there(
    full: tuple[Settings, dict[str, Record], Path], into: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    old, kept, file = full
    url = request.getfixturevalue("postgresql").new_database() if into == "postgresql" else None
    new = at(tmp_path / "new", url)
    done = restore.restore(new, file)
    assert done["rows"] == {"records": 600, "tokens": 2}
    assert done["set_aside"] == []
    with opened(new) as database:
        store = RecordStore(database)
        assert {record.key: record for record in store.find("approval", limit=1000)} == kept
        store.swap("approval", "k000", {}, kept["k000"].revision)
        operator = TokenStore(database).ensure_operator(Paths.of(new).operator_token)
    assert operator.created_at == list_tokens(old)[1]["created_at"]
    assert [token["name"] for token in list_tokens(new)] == ["ci", "operator"]
    create_token(new, "more", ["agent"], ttl_s=None, kind="agent", tenant="local")
    was, now = Paths.of(old), Paths.of(new)
    for before, after in ((was.operator_token, now.operator_token), (was.audit_key, now.audit_key)):
        assert after.read_bytes() == before.read_bytes()
        assert stat.S_IMODE(after.stat().st_mode) == 0o600
    assert (tmp_path / "new" / "configs" / "policy.yaml").read_text() == "# mine\n"
    assert verify(now.audit).intact
    assert sorted(p.name for p in (tmp_path / "new" / ".aura").glob(".*")) == []


def test_a_restore_over_something_needs_force_and_sets_it_aside(
    full: tuple[Settings, dict[str, Record], Path],
) -> None:
    old, kept, file = full
    with opened(old) as database:
        RecordStore(database).put("approval", "later", {})
    policy = Path(old.safety.rules_folder) / "policy.yaml"
    policy.write_text("# changed\n")
    with pytest.raises(
        OperatorError, match=r"operator\.token.*keys.*policy\.yaml \(which differs\).*logs/audit.*--force"
    ):
        restore.restore(old, file)
    done = restore.restore(old, file, force=True)
    with opened(old) as database:
        assert set(RecordStore(database).all("approval")) == set(kept)
    aside = [Path(path) for path in done["set_aside"]]
    assert {path.name.split(".before")[0] for path in aside} >= {"keys", "audit", "operator.token", "policy.yaml"}
    assert all(path.exists() for path in aside)
    assert policy.read_text() == "# mine\n"
    if old.database.url is None:
        (former,) = (path for path in aside if path.name.startswith("state.sqlite"))
        with closing(Database(former)) as database:
            assert "later" in RecordStore(database).all("approval")


def test_a_restore_that_fails_changes_nothing_or_is_told_by_the_next_start(
    full: tuple[Settings, dict[str, Record], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    old, _, file = full
    paths = Paths.of(old)

    def fail(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("aura_ia_mcp.stores.dump.load", fail)
        with pytest.raises(OperatorError, match="No space left"):
            restore.restore(old, file, force=True)
    folders.check_restored(paths)
    with opened(old) as database:
        assert RecordStore(database).count("approval") == 600
    assert paths.operator_token.exists()
    assert not list(paths.state.glob("*.before-*"))
    with monkeypatch.context() as patch:
        patch.setattr("os.sync", iter_calls(None, OSError(5, "Input/output error")))
        with pytest.raises(OperatorError, match="Input/output"):
            restore.restore(old, file, force=True)
    with pytest.raises(OperatorError, match="interrupted"):
        folders.check_restored(paths)
    restore.restore(old, file, force=True)
    folders.check_restored(paths)


def iter_calls(*results: BaseException | None) -> Callable[[], None]:
    left = iter(results)

    def call() -> None:
        if (result := next(left, None)) is not None:
            raise result

    return call


# --- what a backup is; the same for either database -------------------------------------------------------------------


@pytest.fixture
def small(tmp_path: Path) -> tuple[Settings, Path]:
    settings = at(tmp_path / "old")
    create_token(settings, "ci", ["agent"], ttl_s=None, kind="agent", tenant="local")
    backup(settings, tmp_path / "b")
    return settings, tmp_path / "b"


def test_a_backup_is_its_owners_alone_and_never_overwrites_unasked(small: tuple[Settings, Path]) -> None:
    settings, file = small
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_bytes()
    with pytest.raises(OperatorError, match="there already"):
        backup(settings, file)
    assert file.read_bytes() == before
    backup(settings, file, replace=True)
    assert file.read_bytes() != before, "it holds the record of the first one"
    assert [path.name for path in file.parent.iterdir() if "partial" in path.name] == []


def test_half_a_line_that_is_being_written_stays_out(small: tuple[Settings, Path]) -> None:
    settings, file = small
    (segment,) = (Paths.of(settings).audit / "cli").glob("*.jsonl")
    whole = segment.read_bytes()
    segment.write_bytes(whole + b'{"torn')
    backup(settings, file, replace=True)
    with reading(file) as archive:
        content = {name: content.read() for name, content in archive.members()}
    assert content["audit/cli/00000001.jsonl"] == whole


def test_no_restore_while_a_system_runs(small: tuple[Settings, Path], tmp_path: Path) -> None:
    new = at(tmp_path / "new")
    folders.make(Paths.of(new))
    with FileLock(Paths.of(new).lock), pytest.raises(OperatorError, match="stop it first"):
        restore.restore(new, small[1])
    assert not Paths.of(new).database.exists()


def test_a_damaged_cut_off_or_foreign_file_is_refused_before_anything_is_changed(
    small: tuple[Settings, Path], tmp_path: Path
) -> None:
    data = small[1].read_bytes()
    plain = gzip.decompress(data)
    at_digest = plain.index(b'"digest":"') + 12
    flipped = gzip.compress(plain[:at_digest] + bytes([plain[at_digest] ^ 1]) + plain[at_digest + 1 :])
    new = at(tmp_path / "new")
    for content, said in (
        (flipped, "records|tokens"),
        (data[: len(data) // 2], "isn't a whole backup"),
        (data[:-5], "isn't a whole backup"),
        (data[:-6] + bytes([data[-6] ^ 1]) + data[-5:], "isn't a whole backup"),
        (b"hello", "isn't a whole backup"),
        (b"", "isn't a whole backup"),
    ):
        file = tmp_path / "spoilt"
        file.write_bytes(content)
        with pytest.raises(OperatorError, match=said):
            restore.restore(new, file)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "state/../../evil", "state/.hidden", "state/a\nb"])
def test_a_member_that_points_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    with writing(tmp_path / "b") as archive:
        archive.add(name, BytesIO(b"x"), 1)
        archive.finish({"schema": migrations.HEAD})
    with pytest.raises(ArchiveError, match="has no place"), reading(tmp_path / "b"):
        pass
    link = tarfile.TarInfo("state/link")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    with tarfile.open(tmp_path / "l", "w:gz") as tar:
        tar.addfile(link)
    with pytest.raises(ArchiveError, match="has no place"), reading(tmp_path / "l"):
        pass


def test_a_backup_of_a_newer_program_is_refused(tmp_path: Path) -> None:
    with writing(tmp_path / "b") as archive:
        archive.finish({"schema": "9999"})
    with pytest.raises(OperatorError, match="schema is 9999"):
        restore.restore(at(tmp_path / "new"), tmp_path / "b")
    with writing(tmp_path / "c") as archive:
        archive.finish({"format": 99})
    with pytest.raises(OperatorError, match="has format 99"):
        restore.restore(at(tmp_path / "new"), tmp_path / "c")


def test_the_commands_say_what_they_did(small: tuple[Settings, Path], tmp_path: Path) -> None:
    def aura(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "aura_ia_mcp.main", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    done = aura("restore", "b")
    assert (done.returncode, done.stdout.split()[0]) == (0, "Restored"), done.stderr
    again = aura("restore", "b")
    assert (again.returncode, "--force" in again.stderr) == (1, True)
    assert aura("restore", "nothing").returncode == 2
    assert '"sha256"' in aura("backup", "c", "--json").stdout
