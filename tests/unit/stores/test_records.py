"""Small durable records."""

from __future__ import annotations

import stat
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aura_ia_mcp.stores import records
from aura_ia_mcp.stores.database import Database
from aura_ia_mcp.stores.records import MOST_BYTES, RecordError, RecordStore

KEYS = st.sampled_from(["a", "b", "ä/ü", ""])
KINDS = st.sampled_from(["trust", "switches"])
VALUES = st.none() | st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=3)


@settings(max_examples=15)  # each step is synced to the disk
@given(st.lists(st.tuples(KINDS, KEYS, VALUES), max_size=12))
def test_what_was_put_last_is_there_also_after_the_file_was_opened_anew(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str, dict[str, object] | None]]
) -> None:
    path = tmp_path_factory.mktemp("records") / "records.db"
    database = Database(path)
    store = RecordStore(database)
    kept: dict[str, dict[str, object]] = {"trust": {}, "switches": {}}
    for kind, key, value in steps:
        store.put(kind, key, value)
        if value is None:
            kept[kind].pop(key, None)
        else:
            kept[kind][key] = value
        found = store.get(kind, key)
        assert (found and found.value) == value
    database.close()
    with closing(Database(path)) as database:
        assert {kind: RecordStore(database).all(kind) for kind in kept} == kept


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    database = Database(tmp_path / "new" / "records.db")
    RecordStore(database).put("trust", "k", {})
    for path in (tmp_path / "new").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    database.close()


def test_a_record_that_is_too_large_or_one_too_many_is_refused_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "MOST_RECORDS", 2)
    database = Database(tmp_path / "records.db")
    store = RecordStore(database)
    store.put("trust", "a", {"n": 1})
    store.put("trust", "b", {})
    with pytest.raises(RecordError, match="2 records of trust"):
        store.put("trust", "c", {})
    with pytest.raises(RecordError, match=str(MOST_BYTES)):
        store.put("trust", "a", {"text": "ä" * (MOST_BYTES // 2)})
    assert store.all("trust") == {"a": {"n": 1}, "b": {}}
    store.put("trust", "a", {"n": 2})
    store.put("other", "c", {})
    store.put("trust", "b", None)
    store.put("trust", "c", {})
    assert store.all("trust") == {"a": {"n": 2}, "c": {}}
    database.close()


def test_a_file_that_cannot_be_used_says_what_to_look_at(tmp_path: Path) -> None:
    (tmp_path / "records.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(RecordError, match=r"not a database; look at the disk.*aura restore FILE --force"):
        Database(tmp_path / "records.db")
    (tmp_path / "file").touch()
    with pytest.raises(RecordError, match="look at its mode"):
        Database(tmp_path / "file" / "records.db")
