"""All writers' records together: their order, what a query takes, and reading on where one stopped."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aura_ia_mcp.stores import timeline
from aura_ia_mcp.stores.audit import AuditWriter
from aura_ia_mcp.stores.form import hash_of, tombstone
from aura_ia_mcp.stores.summary import summary
from aura_ia_mcp.stores.timeline import Entry, Places, Query

CALL = {
    "what": "tools/call",
    "name": "echo",
    "principal": {"id": "token:ci", "kind": "agent", "tenant": "local", "roles": []},
    "verdict": "allow",
    "rule": "capability.allow",
    "outcome": "ok",
}


def put(folder: Path, writer: str, *records: dict[str, Any], segment: int = 3) -> None:
    """Records as a writer has them, some to a file; `ts` among their members."""
    (folder / writer).mkdir(parents=True, exist_ok=True)
    for seq, record in enumerate(records, 1):
        kind = record.get("kind", "call")
        head = {"v": 1, "seq": seq, "ts": float(record["ts"]), "writer": writer, "prev": "0" * 64, "kind": kind}
        line = json.dumps(head | record, separators=(",", ":")).encode() + b"\n"
        with (folder / writer / f"{(seq - 1) // segment * segment + 1:08d}.jsonl").open("ab") as file:
            file.write(line)


def ids(entries: Iterator[Entry]) -> list[str]:
    return [entry.id for entry in entries]


TIMES = st.lists(st.integers(0, 50), max_size=9)


@given(st.lists(TIMES, min_size=1, max_size=3))
def test_each_writers_records_keep_their_order_whatever_the_clocks_did(clocks: list[list[int]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, times in enumerate(clocks):
            put(folder, f"w-{number}", *({"ts": at} for at in times))
        everything = sorted(f"w-{n}:{seq}" for n, times in enumerate(clocks) for seq in range(1, len(times) + 1))
        for found, step in (
            (ids(timeline.oldest_first(folder)), 1),
            (ids(timeline.newest_first(folder)), -1),
            (ids(timeline.newer(folder, {})), 1),
        ):
            assert sorted(found) == everything
            for number, times in enumerate(clocks):
                own = [one for one in found if one.startswith(f"w-{number}:")]
                assert own == [f"w-{number}:{seq}" for seq in range(1, len(times) + 1)][::step]


def test_writers_are_merged_by_time(tmp_path: Path) -> None:
    put(tmp_path, "a", {"ts": 1}, {"ts": 4})
    put(tmp_path, "b", {"ts": 2}, {"ts": 3})
    assert ids(timeline.oldest_first(tmp_path)) == ["a:1", "b:1", "b:2", "a:2"]
    assert ids(timeline.newest_first(tmp_path)) == ["a:2", "b:2", "b:1", "a:1"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (Query(), [1, 2, 3, 4]),
        (Query(kinds=["note"]), [3]),
        (Query(kinds=["note", "call"]), [1, 2, 3]),
        (Query(principals=["local/token:ci"]), [1, 3]),
        (Query(principals=["token:ci"]), [1, 3]),
        (Query(principals=["ci"]), [1, 3]),
        (Query(principals=["other"]), []),
        (Query(tools=["echo"]), [1]),
        (Query(tools=["embed*"]), [2]),
        (Query(verdicts=["deny", "approve"]), [2]),
        (Query(outcomes=["refused"]), [2, 4]),
        (Query(outcomes=["forbidden"]), [2]),
        (Query(rules=["no_*"]), [2]),
        (Query(rules=["no_embeddings"]), [2]),
        (Query(since=20), [2, 3, 4]),
        (Query(until=20), [1, 2]),
        (Query(since=20, until=30), [2, 3]),
        (Query(text="MOPPED"), [3]),
        (Query(text="küche"), [3]),
        (Query(text='"quoted"'), []),
        (Query(text="say \"hi\""), [3]),
        (Query(text="mopped", kinds=["call"]), []),
        (Query(writers=["x"]), []),
    ],
)  # fmt: skip
def test_a_query_takes_what_fulfils_all_of_it(tmp_path: Path, query: Query, found: list[int]) -> None:
    refused = {
        "name": "embed_text",
        "principal": {"id": "guest", "tenant": "local"},
        "verdict": "deny",
        "rule": "no_embeddings",
        "outcome": "refused",
        "error": {"code": "forbidden"},
    }
    note = {"kind": "note", "action": 'Mopped the KÜCHE, say "hi"', "details": {}, "principal": CALL["principal"]}
    door = {"kind": "foreign_request", "peer": "127.0.0.1", "header": "Host", "value": "evil"}
    put(tmp_path, "w", {"ts": 10} | CALL, {"ts": 20} | CALL | refused, {"ts": 30} | note, {"ts": 40} | door)
    assert [entry.record["seq"] for entry in timeline.oldest_first(tmp_path, query)] == found
    assert [entry.record["seq"] for entry in timeline.newest_first(tmp_path, query)] == found[::-1]


def test_what_is_no_record_is_passed_over(tmp_path: Path) -> None:
    put(tmp_path, "w", {"ts": 1})
    with (tmp_path / "w" / "00000001.jsonl").open("ab") as file:
        file.write(b'\x00\x00\n[1]\n{"ts":1,\n{"v":1,"seq":2,"ts":"x","writer":"w","kind":"a"}\n{"torn')
    assert ids(timeline.oldest_first(tmp_path)) == ids(timeline.newest_first(tmp_path)) == ["w:1"]


def test_what_redaction_left_of_a_record_is_seen_as_that(tmp_path: Path) -> None:
    writer = AuditWriter(tmp_path, "w", b"k")
    writer.append("note", {"action": "a secret slipped in", "details": {}})
    writer.close()
    (file,) = (tmp_path / "w").glob("*.jsonl")
    first, second = file.read_bytes().splitlines()
    file.write_bytes(first + b"\n" + tombstone(second, hash_of(second)) + b"\n")
    entry = timeline.find(tmp_path, "w:2")
    assert entry is not None
    assert entry.record["kind"] == "tombstone"
    assert ids(timeline.oldest_first(tmp_path, Query(kinds=["tombstone"]))) == ["w:2"]


def test_reading_on_misses_nothing_and_gives_nothing_twice(tmp_path: Path) -> None:
    writers = [AuditWriter(tmp_path, name, b"k", segment_bytes=65_536) for name in ("a", "b")]
    places: Places = timeline.ends(tmp_path)
    seen = ids(timeline.newest_first(tmp_path, places=places))
    for turn in range(40):
        for writer in writers:
            for _ in range(turn):
                writer.append("note", {"filler": "x" * 200})
        seen += ids(timeline.newer(tmp_path, places))
    late = AuditWriter(tmp_path, "late", b"k")
    seen += ids(timeline.newer(tmp_path, places))
    assert len(list((tmp_path / "a").glob("*.jsonl"))) > 1
    assert sorted(seen) == sorted(ids(timeline.oldest_first(tmp_path)))
    assert ids(timeline.newer(tmp_path, places)) == []
    for writer in (*writers, late):
        writer.close()


def test_what_came_after_the_places_is_not_among_what_was_before(tmp_path: Path) -> None:
    writer = AuditWriter(tmp_path, "w", b"k")
    places = timeline.ends(tmp_path)
    writer.append("note", {})
    AuditWriter(tmp_path, "new", b"k").close()
    assert ids(timeline.newest_first(tmp_path, places=places)) == ["w:1"]
    writer.close()


def test_records_in_hand_are_put_in_order_and_what_is_none_is_left_out() -> None:
    def record(writer: str, seq: int, ts: float) -> dict[str, Any]:
        return {"writer": writer, "seq": seq, "ts": ts, "kind": "call"}

    gone = {"writer": "a", "seq": 9, "ts": 1.0, "redacted": "0" * 64}
    given = [record("a", 1, 5.0), record("a", 2, 1.0), {"junk": 1}, gone, record("b", 1, 4.0), record("b", 2, 6.0)]
    found = [f"{one['writer']}:{one['seq']}" for one in timeline.by_time(given)]
    assert found == ["b:1", "a:1", "a:2", "b:2"]


@pytest.mark.parametrize("wrong", ["w", "w:", "w:9", "w:x", "w:²", "x:1", "../w:1", ""])
def test_an_id_that_is_none_finds_nothing(tmp_path: Path, wrong: str) -> None:
    put(tmp_path, "w", *({"ts": n} for n in range(7)))
    assert timeline.find(tmp_path, wrong) is None
    for seq in range(1, 8):
        found = timeline.find(tmp_path, f"w:{seq}")
        assert found is not None
        assert found.record["ts"] == seq - 1


def test_the_bytes_of_a_line_are_those_of_the_file(tmp_path: Path) -> None:
    put(tmp_path, "w", {"ts": 1.5} | CALL)
    (entry,) = timeline.oldest_first(tmp_path)
    assert entry.line + b"\n" == (tmp_path / "w" / "00000001.jsonl").read_bytes()
    assert timeline.size(tmp_path) == len(entry.line) + 1


@pytest.mark.parametrize(
    ("record", "told"),
    [
        (CALL | {"kind": "call"}, ("local/token:ci", "echo", "allow", "ok", "capability.allow", "echo")),
        (
            CALL | {"kind": "call", "what": "resources/read", "name": "aura://docs/audit"},
            ("local/token:ci", "resources/read aura://docs/audit", "allow", "ok", "capability.allow", ""),
        ),
        (
            {
                "kind": "approval_decided",
                "tool": "echo",
                "mode": "approve",
                "decision": "deny",
                "by": "local/operator",
                "principal": CALL["principal"],
            },
            ("local/operator", "echo", "approve", "deny", "", "echo"),
        ),
        (
            {"kind": "approval_used", "tool": "", "approval": "a1", "mode": "approve", "principal": CALL["principal"]},
            ("local/token:ci", "approval a1", "approve", "used", "", ""),
        ),
        ({"kind": "token_created", "token": {"name": "ci"}}, ("", "token_created: ci", "", "", "", "")),
        (
            {"kind": "spoofed_source", "claimed": "safety/0", "message": "m"},
            ("safety/0", "spoofed_source: m", "", "refused", "", ""),
        ),
        ({"kind": "brand_new", "a": 1, "ts": 1.0}, ("", 'brand_new {"a": 1}', "", "", "", "")),
    ],
)
def test_a_record_is_told_in_short(record: dict[str, Any], told: tuple[str, ...]) -> None:
    found = summary(record)
    assert (found.who, found.what, found.verdict, found.outcome, found.rule, found.tool) == told
