from __future__ import annotations

import multiprocessing
import re
import stat
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from aura_ia_mcp.stores.database import Database, RecordError
from aura_ia_mcp.stores.keys import KeyFileError, load_or_create
from aura_ia_mcp.stores.tokens import TokenError, TokenStore, digest


@pytest.fixture
def store(tmp_path: Path) -> Iterator[TokenStore]:
    with closing(Database(tmp_path / ".aura" / "state.sqlite")) as database:
        yield TokenStore(database)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_token_is_found_by_its_digest_and_kept_nowhere(store: TokenStore, tmp_path: Path) -> None:
    token, record = store.create("ci", ["agent"], ttl_s=60, tenant="t1")
    assert re.fullmatch(r"aura_[A-Za-z0-9_-]{43}", token)
    assert store.find(digest(token)) == record
    assert (record.principal_id, record.kind, record.tenant, record.roles) == ("token:ci", "agent", "t1", ("agent",))
    for file in (tmp_path / ".aura").iterdir():
        assert token.encode() not in file.read_bytes()
        assert mode(file) == 0o600


def test_an_unknown_expired_or_revoked_token_is_nobodys(store: TokenStore) -> None:
    token, _ = store.create("ci", ["agent"], ttl_s=60)
    assert store.find(digest("aura_x")) is None
    assert store.find(digest(token), now=time.time() + 61) is None
    revoked = store.revoke("ci")
    assert revoked.revoked_at is not None
    assert store.find(digest(token)) is None


def test_a_name_belongs_to_one_valid_token_and_is_free_again_afterwards(store: TokenStore) -> None:
    store.create("ci", ["agent"])
    with pytest.raises(TokenError, match="already"):
        store.create("ci", ["agent"])
    store.revoke("ci")
    store.create("ci", ["guest"])
    assert [(r.name, r.roles, r.revoked_at is None) for r in store.list()] == [
        ("ci", ("agent",), False),
        ("ci", ("guest",), True),
    ]


@pytest.mark.parametrize(
    ("name", "roles", "more"),
    [
        ("", ["agent"], {}),
        ("a b", ["agent"], {}),
        ("operator", ["operator"], {}),
        ("x", [], {}),
        ("x", ["agent"], {"kind": "robot"}),
        ("x", ["agent"], {"ttl_s": 0}),
    ],
)
def test_a_senseless_token_is_refused(store: TokenStore, name: str, roles: list[str], more: dict[str, object]) -> None:
    with pytest.raises(TokenError):
        store.create(name, roles, **more)  # type: ignore[arg-type]
    assert store.list() == []


def test_revoking_nobodys_token_says_so(store: TokenStore) -> None:
    with pytest.raises(TokenError, match="nobody"):
        store.revoke("nobody")


def test_the_operator_token_is_made_once_and_replaced_when_it_is_lost_or_wrong(
    store: TokenStore, tmp_path: Path
) -> None:
    path = tmp_path / ".aura" / "operator.token"
    record = store.ensure_operator(path)
    first = path.read_text().strip()
    assert mode(path) == 0o600
    assert (record.principal_id, record.kind, record.roles) == ("operator", "human", ("operator",))
    store.ensure_operator(path)
    assert path.read_text().strip() == first
    for spoilt in ("", "aura_wrong", None):
        path.unlink() if spoilt is None else path.write_text(spoilt)
        store.ensure_operator(path)
        fresh = path.read_text().strip()
        assert store.find(digest(fresh)) is not None
        assert store.find(digest(first)) is None
        first = fresh


def make_operator(folder: Path) -> None:
    with closing(Database(folder / "state.sqlite")) as database:
        TokenStore(database).ensure_operator(folder / "operator.token")
    load_or_create(folder / "keys" / "audit.key")


def test_concurrent_processes_agree_on_one_operator_and_one_key(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=make_operator, args=(tmp_path,)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    with closing(Database(tmp_path / "state.sqlite")) as database:
        store = TokenStore(database)
        assert store.find(digest((tmp_path / "operator.token").read_text().strip())) is not None
        assert len([record for record in store.list() if record.revoked_at is None]) == 1
    assert [p.name for p in (tmp_path / "keys").iterdir()] == ["audit.key"]


def test_two_processes_see_each_others_work(store: TokenStore, tmp_path: Path) -> None:
    with closing(Database(tmp_path / ".aura" / "state.sqlite")) as database:
        other = TokenStore(database)
        token, _ = other.create("ci", ["agent"])
        assert store.find(digest(token)) is not None
        store.revoke("ci")
        assert other.find(digest(token)) is None


def test_a_closed_database_is_closed_again_without_harm_and_says_that_it_is(tmp_path: Path) -> None:
    database = Database(tmp_path / "state.sqlite")
    database.close()
    database.close()
    with pytest.raises(RecordError, match="is closed"):
        TokenStore(database).list()


def test_a_key_is_made_once_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "k"
    key = load_or_create(path)
    assert len(key) == 32
    assert load_or_create(path) == key
    assert mode(path) == 0o600
    assert mode(path.parent) == 0o700


def test_a_key_that_others_may_read_or_of_another_size_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "k"
    load_or_create(path)
    path.chmod(0o640)
    with pytest.raises(KeyFileError, match="chmod"):
        load_or_create(path)
    path.chmod(0o600)
    path.write_bytes(b"short")
    with pytest.raises(KeyFileError, match="5 bytes"):
        load_or_create(path)
