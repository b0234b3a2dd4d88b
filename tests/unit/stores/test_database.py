"""A database of an earlier version is taken over as it is opened, with all that it holds."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from aura_ia_mcp.configs.settings import Database as DatabaseSettings
from aura_ia_mcp.configs.settings import Settings
from aura_ia_mcp.stores.database import Database, RecordError
from aura_ia_mcp.stores.records import RecordStore
from aura_ia_mcp.stores.tokens import TokenStore, digest

FIRST_RECORDS = """
CREATE TABLE records (
    kind TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, updated_at REAL NOT NULL, PRIMARY KEY (kind, key)
) WITHOUT ROWID;
PRAGMA user_version = 1;
INSERT INTO records VALUES ('switches', 'safe_mode', '{"enabled":true}', 17.5), ('trust', 'local/ä', '{"n":1}', 18.5);
"""
FIRST_TOKENS = """
CREATE TABLE tokens (
    id INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, name TEXT NOT NULL, kind TEXT NOT NULL, tenant TEXT NOT NULL,
    roles TEXT NOT NULL, created_at REAL NOT NULL, expires_at REAL, revoked_at REAL
);
CREATE INDEX tokens_name ON tokens (name);
"""


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """What the first version left."""
    for name, script in (("state.sqlite", FIRST_RECORDS), ("tokens.sqlite", FIRST_TOKENS)):
        with closing(sqlite3.connect(tmp_path / name)) as db:
            db.execute("PRAGMA journal_mode=WAL")
            db.executescript(script)
            if name == "tokens.sqlite":
                rows = [(digest("one"), "ci", None), (digest("two"), "gone", 3.0)]
                db.executemany(
                    "INSERT INTO tokens VALUES (NULL, ?, ?, 'agent', 'local', '[\"agent\"]', 1, NULL, ?)", rows
                )
            db.commit()
    return tmp_path


def test_records_and_tokens_of_the_first_version_are_taken_over(first: Path) -> None:
    with closing(Database(first / "state.sqlite")) as database:
        store = RecordStore(database)
        assert store.all("trust") == {"local/ä": {"n": 1}}
        switch = store.get("switches", "safe_mode")
        assert switch is not None
        assert (switch.value, switch.updated_at, switch.status, switch.expires_at) == (
            {"enabled": True},
            17.5,
            "",
            None,
        )
        assert store.swap("switches", "safe_mode", {"enabled": False}, switch.revision).revision != switch.revision
        tokens = TokenStore(database)
        held = tokens.find(digest("one"))
        assert held is not None
        assert (held.name, held.roles) == ("ci", ("agent",))
        assert tokens.find(digest("two")) is None
        assert [(t.name, t.revoked_at) for t in tokens.list()] == [("ci", None), ("gone", 3.0)]
    assert sorted(p.name for p in first.iterdir()) == ["state.sqlite", "tokens.sqlite.old"]


def test_what_a_crash_left_half_taken_over_is_taken_over_without_undoing_what_happened_since(first: Path) -> None:
    kept = (first / "tokens.sqlite").read_bytes()
    with closing(Database(first / "state.sqlite")) as database:
        TokenStore(database).revoke("ci")
    (first / "tokens.sqlite").write_bytes(kept)  # as if the file had not been renamed yet
    with closing(Database(first / "state.sqlite")) as database:
        assert TokenStore(database).find(digest("one")) is None
        assert len(TokenStore(database).list()) == 2
    assert not (first / "tokens.sqlite").exists()


def test_many_that_open_it_at_once_take_it_over_once(first: Path) -> None:
    def count(_: int) -> int:
        with closing(Database(first / "state.sqlite")) as database:
            return len(TokenStore(database).list())

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(count, range(4))) == [2] * 4
    with closing(sqlite3.connect(first / "tokens.sqlite.old")) as old:
        assert old.execute("SELECT count(*) FROM tokens").fetchone() == (2,)


def test_an_upgrade_that_fails_changes_nothing(first: Path) -> None:
    (first / "tokens.sqlite").write_bytes(b"spoilt" * 1000)
    before = (first / "state.sqlite").read_bytes()
    with pytest.raises(RecordError, match="not a database"):
        Database(first / "state.sqlite")
    assert (first / "state.sqlite").read_bytes() == before


def test_the_first_version_refuses_what_this_one_wrote(first: Path) -> None:
    Database(first / "state.sqlite").close()
    with closing(sqlite3.connect(first / "state.sqlite")) as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] > 1


def test_the_file_is_its_owners_alone_and_survives_power_loss(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "state.sqlite")) as database:
        with database.writing() as connection:
            pragmas = [connection.exec_driver_sql(f"PRAGMA {p}").scalar() for p in ("journal_mode", "synchronous")]
        assert pragmas == ["wal", 2]
        assert {stat.S_IMODE(p.stat().st_mode) for p in tmp_path.iterdir()} == {0o600}


def test_a_writer_waits_for_another_process_but_not_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aura_ia_mcp.stores.engine.TIMEOUT_S", 0.1)
    with (
        closing(Database(tmp_path / "state.sqlite")) as database,
        closing(sqlite3.connect(tmp_path / "state.sqlite")) as other,
    ):
        RecordStore(database).put("trust", "k", {})
        other.execute("BEGIN IMMEDIATE")
        assert RecordStore(database).all("trust") == {"k": {}}, "readers don't wait"
        with pytest.raises(RecordError, match="locked"):
            RecordStore(database).put("trust", "k", {})
        other.rollback()
        RecordStore(database).put("trust", "k", {"n": 1})


def test_the_address_of_the_database_is_never_shown() -> None:
    settings = Settings(database=DatabaseSettings.model_validate({"url": "postgresql://me:hush@host/db"}))
    assert "hush" not in f"{settings} {settings!r} {settings.model_dump()}"
    told = Settings.model_validate(settings.model_dump(mode="json"))
    assert told == settings, "the system's own processes are told it"


def test_who_does_not_use_the_database_does_not_pay_for_it() -> None:
    modules = ", ".join(
        f"aura_ia_mcp.{name}" for name in ("cli.serve", "cli.tools", "cluster.supervisor", "actors.tools")
    )
    code = f"import sys, {modules}; print(*{{'sqlalchemy', 'alembic', 'pg8000'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == ""


def test_opening_what_is_up_to_date_loads_no_alembic(tmp_path: Path) -> None:
    Database(tmp_path / "state.sqlite").close()
    code = (
        "import sys; from pathlib import Path; from aura_ia_mcp.stores.database import Database; "
        "Database(Path(sys.argv[1])).close(); print('alembic' in sys.modules, 'pg8000' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "state.sqlite")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_a_second_opening_in_one_process_leaves_what_another_process_writes_to_be_seen(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    first = Database(path)
    RecordStore(first).put("k", "a", {"n": 1})
    second = Database(path)
    writes = (
        "import sys; from pathlib import Path\n"
        "from aura_ia_mcp.stores.database import Database; from aura_ia_mcp.stores.records import RecordStore\n"
        "database = Database(Path(sys.argv[1]))\n"
        "RecordStore(database).put('k', sys.argv[2], {'n': 2}); database.close()\n"
    )
    seen = []
    for key in ("b", "c"):  # had the first lost its locks, it would stay with what it saw after the first of them
        subprocess.run([sys.executable, "-c", writes, str(path), key], check=True, timeout=60)
        seen.append("".join(sorted(RecordStore(first).all("k"))))
    assert seen == ["ab", "abc"]
    second.close()
    first.close()
