"""Epochs: what they seal, and that they go on after whatever happens."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from aura_ia_mcp.stores.epoch_writer import EpochError
from aura_ia_mcp.stores.epochs import PUBLIC_KEY
from aura_ia_mcp.stores.read import Tail, writers
from aura_ia_mcp.stores.segments import segments

from .sealed import Log


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    log = Log(tmp_path / "audit", most=10)
    yield log
    log.close()


def entries(log: Log) -> list[bytes]:
    return b"".join(path.read_bytes() for path in segments(log.folder / "epochs")).splitlines(keepends=True)


def test_epochs_hold_as_many_records_as_they_may_and_leave_none(log: Log) -> None:
    log.write("w-0", 24)
    log.write("w-1", 5)
    assert log.seal() == 4
    assert [json.loads(line)["records"] for line in entries(log)] == [10, 10, 10, 1]
    assert log.seal() == 0
    found = log.check()
    assert (found.intact, found.unsealed, found.epochs) == (True, 0, 4)
    assert writers(log.folder) == ["w-0", "w-1"]
    assert {record["writer"] for record in Tail(log.folder).poll()} == {"w-0", "w-1"}


def test_sealing_goes_on_where_the_last_epoch_ended_whoever_does_it(log: Log) -> None:
    for n in range(4):
        log.write("w-0", 13)
        log.seal()
        if n == 2:
            log.epochs.remember()
        log.restart()
    found = log.check()
    assert (found.intact, found.unsealed) == (True, 0)
    assert sum(json.loads(line)["records"] for line in entries(log)) == 53


@pytest.mark.parametrize("left", [b'{"v":1,"epoch":2', b"\x00" * 3000, b'{"half"\n\x00\n'])
def test_an_entry_torn_by_a_crash_is_moved_aside_and_told(log: Log, left: bytes) -> None:
    log.write()
    log.seal()
    (file,) = segments(log.folder / "epochs")
    with file.open("ab") as torn:
        torn.write(left)
    log.restart()
    log.write()
    log.seal()
    (repair,) = log.epochs.repairs
    assert (log.folder / repair["kept_in"]).read_bytes() == left
    assert (repair["file"], repair["bytes"]) == ("epochs/00000001.jsonl", len(left))
    assert log.check().intact


def test_a_full_disk_keeps_an_epoch_from_being_made_and_leaves_nothing_behind(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.write()
    log.seal()
    log.write()
    before = entries(log)
    write = os.write

    def full(fd: int, data: bytes) -> int:
        write(fd, data[:50])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("aura_ia_mcp.stores.epoch_writer.os.write", full)
        with pytest.raises(EpochError, match="free disk space"):
            log.seal()
    assert entries(log) == before
    log.seal()
    assert (log.check().intact, log.check().unsealed) == (True, 0)


def test_a_chain_that_does_not_hold_is_not_sealed_and_the_others_are(log: Log) -> None:
    log.write("w-0", 3)
    log.write("w-1", 3)
    log.replace([line.replace(b'"n":1', b'"n":7') for line in log.lines("w-1")], "w-1")
    log.seal()
    assert list(log.sealer.faults) == ["w-1"]
    assert "w-1:3" in log.sealer.faults["w-1"]
    assert [chain.sealed for chain in log.check().chains] == [4, 0]


def test_records_that_are_gone_after_they_were_sealed_are_noticed(log: Log) -> None:
    log.write("w-0", 3)
    log.write("w-1", 3)
    log.seal()
    log.close()
    shutil.rmtree(log.folder / "w-1")
    log.replace(log.lines()[:-1])
    log.seal()
    assert set(log.sealer.faults) == {"w-0", "w-1"}


def test_epochs_that_were_cut_or_signed_by_another_stop_the_sealing(log: Log) -> None:
    log.write()
    log.seal()
    log.epochs.remember()
    log.write()
    kept = entries(log)
    (file,) = segments(log.folder / "epochs")
    file.write_bytes(b"")
    with pytest.raises(EpochError, match="cut or removed"):
        log.seal()
    log.restart()
    with pytest.raises(EpochError, match="no entry 1 any more"):
        log.seal()
    file.write_bytes(kept[0].replace(b'"records":2', b'"records":3'))
    log.remembered.unlink()
    log.restart()
    with pytest.raises(EpochError, match="signature"):
        log.seal()
    file.write_bytes(kept[0])
    (log.folder / PUBLIC_KEY).write_bytes(b"x")
    log.restart()
    with pytest.raises(EpochError, match="public key"):
        log.seal()


def test_a_record_begun_anew_begins_a_new_chain_of_epochs(log: Log) -> None:
    log.write("w-0", 3)
    log.seal()
    log.epochs.remember()
    log.close()
    log.folder.rename(log.folder.with_name("aside"))
    log.restart()
    log.write()
    log.seal()
    found = log.check()
    assert (found.intact, found.epochs, found.unsealed) == (True, 1, 0)


def test_entries_go_on_in_a_new_file_at_their_size(log: Log) -> None:
    log.epochs._segment_bytes = 1000
    for _ in range(5):
        log.write()
        log.seal()
    assert len(segments(log.folder / "epochs")) > 1
    log.restart()
    log.write()
    log.seal()
    assert (log.check().intact, log.check().epochs) == (True, 6)


def test_two_who_seal_take_turns_and_seal_nothing_twice(log: Log) -> None:
    one, first = log.sealer, log.epochs
    log.restart()
    two = log.sealer
    assert first is not log.epochs
    for sealer in (one, two, one, two):
        log.write("w-0", 2)
        sealer.seal()
    found = log.check()
    assert (found.intact, found.epochs, found.unsealed) == (True, 4, 0)
    one.close()
