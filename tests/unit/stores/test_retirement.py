"""Retention and redaction: what goes, and that the rest still verifies."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aura_ia_mcp.stores import read, timeline
from aura_ia_mcp.stores.receipts import Receipt
from aura_ia_mcp.stores.redaction import RedactionError, redact
from aura_ia_mcp.stores.retention import DAY_S, prune
from aura_ia_mcp.stores.segments import segments

from .sealed import Log


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    log = Log(tmp_path / "audit", most=12)
    yield log
    log.close()


def pruned(log: Log, *, days: float = 0.0, most_bytes: int = 0, later_days: float = 3.0) -> dict[str, Any]:
    now = time.time() + later_days * DAY_S
    return prune(log.folder, log.epochs, days=days, most_bytes=most_bytes, now=now)


def names(log: Log, writer: str = "w-0") -> list[str]:
    return [path.name for path in segments(log.folder / writer)]


# --- retention -------------------------------------------------------------------------------------------------------


def test_old_files_go_but_for_the_newest_and_the_rest_verifies(log: Log) -> None:
    receipt = log.write("w-0", 2).receipt
    log.write("w-0", 40)
    log.write("w-1", 2)
    log.seal()
    before = names(log)
    assert pruned(log, days=2)["files"] == len(before) - 1
    assert names(log) == before[-1:]
    found = log.check(receipt=Receipt.parse(receipt))
    assert found.intact, found.faults
    assert found.receipt is not None
    assert found.receipt["state"] == "unconfirmed"
    assert found.chains[0].pruned == int(Path(before[-1]).stem) - 1
    log.restart()
    log.write("w-0", 30)
    log.seal()
    assert pruned(log, days=2)["files"] > 0
    assert log.check().intact
    assert log.check(since=0.0).intact


def test_what_is_young_or_not_sealed_stays(log: Log) -> None:
    log.write("w-0", 40)
    log.seal()
    assert pruned(log, days=2, later_days=1.5)["files"] == 0
    assert pruned(log, days=0.1, most_bytes=1, later_days=0.9)["files"] == 0, "activity is counted from a day"
    assert pruned(log)["files"] == 0, "nothing is asked for"
    other = Log(log.folder.with_name("other"))
    other.write("w-0", 40)
    assert pruned(other, days=1)["files"] == 0
    other.close()


def test_beyond_a_size_the_oldest_files_go(log: Log) -> None:
    for _ in range(10):
        log.write("w-0", 5)
        log.write("w-1", 5)
    log.seal()
    sizes = {path: path.stat().st_size for path in log.folder.glob("w-*/*.jsonl")}
    gone = pruned(log, most_bytes=sum(sizes.values()) // 2)
    left = {path: size for path, size in sizes.items() if path.exists()}
    assert gone == {"files": len(sizes) - len(left), "bytes": sum(sizes.values()) - sum(left.values())}
    assert sum(sizes.values()) // 2 - 2 * log.segment_bytes < sum(left.values()) <= sum(sizes.values()) // 2
    assert log.check().intact


def test_a_crash_after_the_entry_is_made_up_for(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    log.write("w-0", 40)
    log.seal()
    with monkeypatch.context() as patch:
        patch.setattr("aura_ia_mcp.stores.retention._remove", lambda *_: None)
        pruned(log, days=1)
    found = log.check()
    assert found.intact
    assert "still there" in found.notes[0]
    log.restart()
    assert pruned(log)["files"] > 0
    assert log.check().notes == []


def test_a_file_removed_by_somebody_else_is_a_fault_and_evidence_is_kept(log: Log) -> None:
    log.write("w-0", 40)
    log.seal()
    segments(log.folder / "w-0")[0].unlink()
    assert log.check().faults[0].what == "w-0:1"
    log.write("w-1", 40)
    log.seal()
    second = segments(log.folder / "w-1")[1]
    second.write_bytes(second.read_bytes().replace(b'"prev":"', b'"prev":"f', 1))
    assert "00000001.jsonl" in names(log, "w-1")
    pruned(log, days=1)
    assert "00000001.jsonl" in names(log, "w-1")


# --- redaction -------------------------------------------------------------------------------------------------------


def test_a_redacted_record_loses_its_text_and_keeps_its_hash(log: Log) -> None:
    receipt = log.write("w-0", 1, secret="a customer's address").receipt
    log.write("w-0", 3)
    log.seal()
    size = segments(log.folder / "w-0")[0].stat().st_size
    done = redact(log.folder, log.epochs, "w-0:2", reason="request 4711", by="me")
    assert (done["seq"], f"w-0:2:{done['hash']}") == (2, receipt)
    assert b"customer" not in b"".join(log.lines())
    assert segments(log.folder / "w-0")[0].stat().st_size == size
    found = log.check(receipt=Receipt.parse(receipt))
    assert found.intact, found.faults
    assert found.receipt is not None
    assert (found.receipt["state"], bool(found.receipt["proof"])) == ("sealed", True)
    gone = timeline.find(log.folder, "w-0:2")
    assert gone is not None
    assert (gone.record["kind"], gone.record["redacted"]) == ("tombstone", done["hash"])
    assert [record["seq"] for record in read.records(log.folder)] == [1, 3, 4, 5]
    assert [record["seq"] for record in read.Tail(log.folder).poll()] == [1, 3, 4, 5]


@pytest.mark.parametrize("which", ["w-0:1", "w-0:2", "w-0:10", "w-0:11", "newest"])
def test_any_record_can_be_redacted_sealed_or_not_while_more_are_written(log: Log, which: str) -> None:
    newest = log.write("w-0", 14).id
    redact(log.folder, log.epochs, newest if which == "newest" else which, reason="r", by="me")
    log.write("w-0", 3)
    log.seal()
    log.close()
    log.write("w-0", 1)
    log.seal()
    assert log.check().intact, log.check().faults
    assert log.sealer.faults == {}


def test_records_beside_a_redacted_one_are_still_checked_each_by_itself(log: Log) -> None:
    log.write("w-0", 6)
    log.seal()
    for seq in (3, 4):
        redact(log.folder, log.epochs, f"w-0:{seq}", reason="r", by="me")
    good = log.lines()
    for seq in (2, 5):
        log.replace([line.replace(b'"call"', b'"cell"') if n == seq else line for n, line in enumerate(good, 1)])
        assert log.check().faults[0].what == f"w-0:{seq}"


def test_a_tombstone_without_an_entry_or_with_another_hash_is_a_fault(log: Log) -> None:
    log.write("w-0", 6)
    log.seal()
    good = log.lines()
    redact(log.folder, log.epochs, "w-0:3", reason="r", by="me")
    forged = log.lines()[2].replace(b'"seq":3', b'"seq":4')
    log.replace([*good[:3], forged, *good[4:]])
    assert "without a signed entry" in log.check().faults[0].why
    log.replace([*good[:2], forged.replace(b'"seq":4', b'"seq":3').replace(b'"redacted":"', b'"redacted":"00')[:-3]])
    assert log.check().faults[0].what == "w-0:3"


def test_a_crash_within_the_overwriting_is_made_up_for_by_the_same_call(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.write("w-0", 6)
    log.seal()
    write = os.pwrite

    def crash(fd: int, data: bytes, offset: int) -> int:
        write(fd, data[:70], offset)
        raise OSError("crash")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", crash)
        with pytest.raises(RedactionError, match="again"):
            redact(log.folder, log.epochs, "w-0:3", reason="r", by="me")
    assert not log.check().intact
    log.restart()
    assert redact(log.folder, log.epochs, "w-0:3", reason="r", by="me")["epoch"] is None
    assert log.check().intact


def test_what_is_not_there_or_was_changed_is_not_redacted(log: Log) -> None:
    log.write("w-0", 6)
    log.seal()
    for unknown in ("w-0:99", "w-9:1", "../x:1", "w-0:x", "epochs:1", "epochs"):
        with pytest.raises(RedactionError, match="no record"):
            redact(log.folder, log.epochs, unknown, reason="r", by="me")
    log.replace([line.replace(b'"prev":"', b'"prev":"f') if b'"seq":3,' in line else line for line in log.lines()])
    with pytest.raises(RedactionError, match="verify"):
        redact(log.folder, log.epochs, "w-0:3", reason="r", by="me")
    assert log.check().epochs == 1
