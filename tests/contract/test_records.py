"""What holds of records and tokens, in SQLite and in PostgreSQL."""

from __future__ import annotations

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aura_ia_mcp.stores import migrations
from aura_ia_mcp.stores.database import Database, RecordError
from aura_ia_mcp.stores.records import RETENTION_S, Record, RecordStore, StaleRecordError
from aura_ia_mcp.stores.tables import METADATA
from aura_ia_mcp.stores.tokens import TokenError, TokenStore, digest
from tests.support.databases import Where
from tests.support.postgresql import PASSWORD, PostgreSQL

SOON = 60.0
_names = itertools.count()


@pytest.fixture
def store(database: Database) -> RecordStore:
    return RecordStore(database)


def ids(found: list[Record]) -> list[str]:
    return [record.key for record in found]


def test_what_is_put_is_read_with_all_that_belongs_to_it(store: RecordStore) -> None:
    assert store.get("approval", "a") is None
    began = time.time()
    store.put("approval", "a", {"n": 1.5, "ü": [None, "\0", "\ud800"]}, status="pending", binding="b", expires_at=9.25)
    found = store.get("approval", "a")
    assert found is not None
    assert (found.kind, found.key, found.value) == ("approval", "a", {"n": 1.5, "ü": [None, "\0", "\ud800"]})
    assert (found.status, found.binding, found.expires_at) == ("pending", "b", 9.25)
    assert began <= found.updated_at <= time.time()
    store.put("approval", "a", {})
    changed = store.get("approval", "a")
    assert changed is not None
    assert (changed.value, changed.status, changed.binding, changed.expires_at) == ({}, "", "", None)
    assert changed.revision == found.revision + 1 > 1
    store.put("approval", "a", None)
    store.put("approval", "a", None)
    assert store.get("approval", "a") is None


def test_what_was_kept_is_there_when_the_database_is_opened_anew(place: Where) -> None:
    with closing(Database(place)) as first:
        RecordStore(first).put("trust", "k", {"score": 3})
        token, _ = TokenStore(first).create("ci", ["agent"])
    with closing(Database(place)) as second:
        assert RecordStore(second).all("trust") == {"k": {"score": 3}}
        assert TokenStore(second).find(digest(token)) is not None


def test_records_are_found_by_status_and_binding_newest_first_page_by_page(store: RecordStore) -> None:
    for n in range(10):
        store.put("approval", f"k{n}", {}, status="open" if n % 2 else "done", binding="even" if n % 4 == 0 else "")
    store.put("other", "k0", {}, status="open")
    assert ids(store.find("approval", status="open")) == ["k9", "k7", "k5", "k3", "k1"]
    assert ids(store.find("approval", binding="even")) == ["k8", "k4", "k0"]
    assert ids(store.find("approval", status="open", binding="even")) == []
    store.put("approval", "k1", {}, status="open")
    page = store.find("approval", status="open", limit=2)
    assert ids(page) == ["k1", "k9"]
    assert ids(store.find("approval", status="open", limit=2, before=page[-1])) == ["k7", "k5"]
    assert (store.count("approval"), store.count("approval", "open"), store.count("approval", None, "even")) == (
        10,
        5,
        3,
    )
    assert ids(store.find("nothing")) == []


def test_records_of_one_moment_are_paged_without_a_gap(store: RecordStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 5.0)
    for n in range(7):
        store.put("approval", f"k{n}", {})
    seen: list[str] = []
    last = None
    while page := store.find("approval", limit=3, before=last):
        seen += ids(page)
        last = page[-1]
    assert seen == [f"k{n}" for n in reversed(range(7))]


def test_a_swap_wins_only_on_what_was_read(store: RecordStore) -> None:
    first = store.swap("approval", "a", {"n": 1}, 0, status="pending")
    with pytest.raises(StaleRecordError, match="there already"):
        store.swap("approval", "a", {"n": 9}, 0)
    second = store.swap("approval", "a", {"n": 2}, first.revision, status="approved", binding="b", expires_at=1.0)
    assert store.get("approval", "a") == second
    with pytest.raises(StaleRecordError, match="read it again"):
        store.swap("approval", "a", {"n": 3}, first.revision)
    store.put("approval", "a", {"n": 4})
    with pytest.raises(StaleRecordError):
        store.swap("approval", "a", {"n": 5}, second.revision)
    assert store.all("approval") == {"a": {"n": 4}}


def test_a_record_that_was_forgotten_and_made_anew_is_another_one(store: RecordStore) -> None:
    first = store.swap("approval", "a", {}, 0)
    store.put("approval", "a", None)
    with pytest.raises(StaleRecordError):
        store.swap("approval", "a", {"late": True}, first.revision)
    assert store.swap("approval", "a", {}, 0).revision != first.revision
    with pytest.raises(StaleRecordError):
        store.swap("approval", "a", {"late": True}, first.revision)


@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(2, 6), st.integers(1, 4), st.booleans())
def test_of_concurrent_swaps_exactly_one_wins_each_time(
    store: RecordStore, threads: int, rounds: int, fresh: bool
) -> None:
    key = f"k{next(_names)}"
    revision = 0 if fresh else store.swap("approval", key, {}, 0).revision
    for _ in range(rounds):
        line = threading.Barrier(threads)

        def attempt(n: int, line: threading.Barrier = line, revision: int = revision) -> Record | None:
            line.wait(SOON)
            try:
                return store.swap("approval", key, {"by": n}, revision)
            except StaleRecordError:
                return None

        with ThreadPoolExecutor(threads) as pool:
            won = [record for record in pool.map(attempt, range(threads)) if record is not None]
        (winner,) = won
        assert store.get("approval", key) == winner
        revision = winner.revision


def test_swaps_of_two_processes_worth_of_connections_lose_no_count(place: Where) -> None:
    def count_up(_: int) -> None:
        with closing(Database(place)) as database:
            store, left = RecordStore(database), 5
            while left:
                found = store.get("counter", "c")
                try:
                    store.swap(
                        "counter", "c", {"n": found.value["n"] + 1 if found else 1}, found.revision if found else 0
                    )
                except StaleRecordError:
                    continue
                left -= 1

    with closing(Database(place)) as database, ThreadPoolExecutor(4) as pool:
        list(pool.map(count_up, range(4)))
        assert RecordStore(database).all("counter") == {"c": {"n": 20}}


def test_only_what_expired_long_enough_ago_is_purged_and_only_of_kinds_that_say_so(store: RecordStore) -> None:
    now = 1_000_000_000.0
    for kind, kept_s in RETENTION_S.items():
        store.put(kind, "old", {}, expires_at=now - kept_s - 1)
        store.put(kind, "young", {}, expires_at=now - kept_s + 1)
        store.put(kind, "forever", {})
    store.put("trust", "old", {}, expires_at=1.0)
    assert store.purge(now) == len(RETENTION_S)
    for kind in RETENTION_S:
        assert set(store.all(kind)) == {"young", "forever"}
    assert set(store.all("trust")) == {"old"}
    assert store.purge(now) == 0


@pytest.mark.parametrize("name", ["", "\0", "\ud800", "x" * 1025])
def test_names_that_a_database_cannot_hold_are_refused_the_same_everywhere(store: RecordStore, name: str) -> None:
    for names in (("trust", name, "", ""), (name, "k", "", ""), ("trust", "k", name, ""), ("trust", "k", "", name)):
        kind, key, status, binding = names
        if name:
            with pytest.raises(RecordError, match=r"kept|name a record"):
                store.put(kind, key, {}, status=status, binding=binding)
        else:
            store.put(kind, key, {}, status=status, binding=binding)
            assert store.get(kind, key) is not None


def test_a_name_belongs_to_one_valid_token_whoever_asks_at_once(database: Database) -> None:
    tokens = TokenStore(database)

    def create(_: int) -> bool:
        try:
            tokens.create("ci", ["agent"])
        except TokenError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(create, range(4))) == [False, False, False, True]
    assert [(t.name, t.roles) for t in tokens.list()] == [("ci", ("agent",))]
    assert tokens.revoke("ci").revoked_at is not None
    with pytest.raises(TokenError, match="no valid token"):
        tokens.revoke("ci")


def test_the_operator_is_one_whoever_asks_at_once(database: Database, tmp_path: Path) -> None:
    tokens, path = TokenStore(database), tmp_path / "operator.token"
    with ThreadPoolExecutor(4) as pool:
        made = set(pool.map(lambda _: tokens.ensure_operator(path).created_at, range(4)))
    assert len(made) == 1
    assert tokens.find(digest(path.read_text().strip())) is not None


# --- the schema ------------------------------------------------------------------------------------------------------


def test_the_migrations_make_just_the_tables_that_the_code_knows(database: Database) -> None:
    with database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []


def test_the_program_knows_every_script() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    scripts = ScriptDirectory.from_config(config)
    assert [script.revision for script in scripts.walk_revisions()] == list(reversed(migrations.VERSIONS))
    assert scripts.get_heads() == [migrations.HEAD]


def test_many_may_open_a_new_database_at_once(place: Where) -> None:
    def use(n: int) -> None:
        with closing(Database(place)) as database:
            RecordStore(database).put("trust", str(n), {})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(use, range(4)))
    with closing(Database(place)) as database:
        assert RecordStore(database).count("trust") == 4


def test_a_newer_schema_is_refused_with_what_to_do(database: Database, place: Where) -> None:
    with database.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(RecordError, match=r"version 9999; this program knows .*update the program"):
        Database(place)


# --- faults ----------------------------------------------------------------------------------------------------------


def test_a_transaction_that_fails_leaves_nothing(database: Database) -> None:
    def fail() -> None:
        with database.writing() as connection:
            connection.exec_driver_sql("INSERT INTO records (kind, key, value, updated_at) VALUES ('a', 'b', '{}', 1)")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert RecordStore(database).get("a", "b") is None


def test_a_lost_connection_is_replaced_by_the_next_use(postgresql: PostgreSQL) -> None:
    with closing(Database(postgresql.new_database())) as database:
        store = RecordStore(database)
        store.put("trust", "k", {"n": 1})
        postgresql.restart()
        assert store.all("trust") == {"k": {"n": 1}}
        store.put("trust", "k", {"n": 2})
        postgresql.stop()
        try:
            with pytest.raises(RecordError, match=r"see that it runs") as gone:
                store.all("trust")
        finally:
            postgresql.start()
        assert store.all("trust") == {"k": {"n": 2}}
    assert PASSWORD not in str(gone.value)
    assert "p%40ss" not in str(gone.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("p%40ss%2Fword%3A1", "secret-1"), "password authentication failed"),
        (("/test_", "/secret-2"), "does not exist"),
        (("@127.0.0.1:", "@127.0.0.1:1/x?a="), "may be followed by"),
        (("@127.0.0.1:", "@127.0.0.1:1/x?sslmode=none&sslrootcert="), "sslmode is"),
        (("@127.0.0.1:", "@127.0.0.1:1/"), "Connection refused"),
    ],
)
def test_an_address_that_is_wrong_says_so_without_the_password(
    postgresql: PostgreSQL, change: tuple[str, str], said: str
) -> None:
    with pytest.raises(RecordError, match=said) as refused:
        Database(postgresql.new_database().replace(*change))
    for secret in ("p%40ss", PASSWORD, "secret-1"):
        assert secret not in str(refused.value)


@pytest.mark.parametrize("text", ["mysql://me:secret@host/db", "postgresql//me:secret@host/db", "secret", "://secret"])
def test_an_address_of_something_else_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(RecordError, match="postgresql://") as refused:
        Database(text)
    assert "secret" not in str(refused.value)


def test_trimming_leaves_the_newest_by_number_and_by_length_and_other_statuses_alone(store: RecordStore) -> None:
    store.put("other", "o", {})
    store.put("kept", "open", {}, status="running")
    for n in range(6):
        store.put("kept", f"k{n}", {"x": "y" * 100}, status="ended")
    assert store.trim("kept", 4, status="ended") == 2
    assert ids(store.find("kept", status="ended")) == ["k5", "k4", "k3", "k2"]
    assert store.trim("kept", 4, 250, status="ended") == 2
    assert ids(store.find("kept", status="ended")) == ["k5", "k4"]
    assert store.trim("kept", 4, 250, status="ended") == 0
    assert (store.count("kept", status="running"), store.count("other")) == (1, 1)
