"""What `aura audit verify` finds, of all that somebody may do to the files."""

from __future__ import annotations

import json
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from aura_ia_mcp.stores.epochs import PUBLIC_KEY, EntryError, public_pem
from aura_ia_mcp.stores.known import Known
from aura_ia_mcp.stores.receipts import Receipt, ReceiptError
from aura_ia_mcp.stores.redaction import redact
from aura_ia_mcp.stores.segments import segments
from aura_ia_mcp.stores.verify import verify

from .sealed import KEY, Log, leads_to


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    log = Log(tmp_path / "audit", most=12)
    yield log
    log.close()


def filled(log: Log) -> Log:
    """20 records of one writer, 6 of another, sealed by several epochs."""
    for _ in range(5):
        log.write("w-0", 4)
        log.write("w-1", 1)
        log.seal()
    return log


def epochs_of(log: Log) -> Path:
    (file,) = segments(log.folder / "epochs")
    return file


def test_a_good_log_is_intact_and_all_of_it_sealed(log: Log) -> None:
    found = filled(log).check()
    assert found.intact
    assert [(chain.writer, chain.records, chain.sealed) for chain in found.chains] == [("w-0", 21, 21), ("w-1", 6, 6)]
    assert (found.checked, found.unsealed, found.notes) == (27, 0, [])


def test_the_newest_records_that_no_epoch_seals_are_counted(log: Log) -> None:
    filled(log).write("w-1", 3)
    found = log.check()
    assert (found.intact, found.unsealed) == (True, 3)


@pytest.mark.parametrize(
    ("change", "what", "why"),
    [
        (lambda raw: [*raw[:8], raw[8].replace(b'"n":', b'"m":'), *raw[9:]], "w-0:9", "changed"),
        (lambda raw: [*raw[:-1], raw[-1].replace(b'"n":', b'"m":')], "w-0:21", "changed"),
        (lambda raw: [*raw[:8], raw[8].replace(b'{"v":1', b'{"v": 1'), *raw[9:]], "w-0:9", "canonical"),
        (lambda raw: [*raw[:8], raw[8].replace(b'"seq":9', b'"seq":8'), *raw[9:]], "w-0:9", "changed"),
        (lambda raw: [*raw[:8], raw[8].replace(b"w-0", b"w-1"), *raw[9:]], "w-0:9", "written by w-1"),
        (lambda raw: [*raw[:8], raw[8].replace(b"\n", b"J"), *raw[9:]], "w-0:9", "changed"),
        (lambda raw: raw[:8] + raw[9:], "w-0:9", "missing"),
        (lambda raw: raw[1:], "w-0:1", "missing"),
        (lambda raw: [*raw[:8], raw[9], raw[8], *raw[10:]], "w-0:9", "moved"),
        (lambda raw: [*raw[:9], raw[8], *raw[9:]], "w-0:10", "put in"),
        (lambda raw: raw[:-1], "w-0:21", "cut off"),
        (lambda raw: raw[:5], "w-0:6", ""),
        (lambda raw: [*raw[:-1], raw[-1][:-9]], "w-0:21", "cut off"),
    ],
)
def test_the_first_record_that_does_not_hold_is_named(
    log: Log, change: Callable[[list[bytes]], list[bytes]], what: str, why: str
) -> None:
    filled(log).close()
    log.replace(change(log.lines()))
    found = log.check()
    assert not found.intact
    assert found.faults[0].what == what, found.faults
    assert why in found.faults[0].why
    assert [chain.intact for chain in found.chains] == [False, True]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    log = filled(Log(tmp_path_factory.mktemp("good") / "audit", most=12))
    log.close()
    return log.folder


@settings(max_examples=100)
@given(data=st.data())
def test_every_flipped_bit_is_found_and_its_line_named(good: Path, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted(good.glob("*/*.jsonl"))))
    whole = path.read_bytes()
    raw = bytearray(whole)
    at = data.draw(st.integers(0, len(raw) - 1))
    number = int(path.stem) + raw[:at].count(b"\n")
    raw[at] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(raw)
    try:
        found = verify(good)
    finally:
        path.write_bytes(whole)
    assert not found.intact
    assert found.faults[0].what == (
        f"epoch {number}" if path.parent.name == "epochs" else f"{path.parent.name}:{number}"
    )
    assert verify(good).intact


def test_a_writer_whose_folder_is_gone_is_named(log: Log) -> None:
    filled(log).close()
    shutil.rmtree(log.folder / "w-1")
    found = log.check()
    assert found.faults[0].what == "w-1:1"
    assert "cut off" in found.faults[0].why


def test_a_chain_written_anew_from_some_place_on_differs_from_what_was_sealed(log: Log, tmp_path: Path) -> None:
    filled(log).close()
    other = filled(Log(tmp_path / "other", most=12))
    other.close()
    shutil.rmtree(log.folder / "w-0")
    shutil.copytree(other.folder / "w-0", log.folder / "w-0")
    found = log.check()
    assert "sealed another" in found.faults[0].why


@pytest.mark.parametrize(
    ("change", "number", "why"),
    [
        (lambda raw: raw[1:], 1, "missing"),
        (lambda raw: [*raw[:2], *raw[3:]], 3, "missing"),
        (lambda raw: [raw[1], raw[0], *raw[2:]], 1, "moved"),
        (lambda raw: [*raw[:2], raw[1], *raw[2:]], 3, "moved"),
        (lambda raw: [*raw[:2], raw[2].replace(b'"records":5', b'"records":6'), *raw[3:]], 3, "signature"),
        (lambda raw: [*raw[:2], b"{}\n", *raw[3:]], 3, "not an entry"),
        (lambda _: [], 1, "no epoch"),
    ],
)
def test_the_first_entry_that_does_not_hold_is_named(
    log: Log, change: Callable[[list[bytes]], list[bytes]], number: int, why: str
) -> None:
    filled(log).close()
    file = epochs_of(log)
    file.write_bytes(b"".join(change(file.read_bytes().splitlines(keepends=True))))
    found = log.check()
    assert (found.intact, found.faults[0].what) == (False, f"epoch {number}")
    assert why in found.faults[0].why


def test_another_key_than_the_one_that_signed_is_noticed(log: Log, tmp_path: Path) -> None:
    filled(log)
    other = tmp_path / "other.pem"
    other.write_bytes(public_pem(Ed25519PrivateKey.generate().public_key()))
    assert "another key" in log.check(key=other).faults[0].why
    shutil.copy(log.folder / PUBLIC_KEY, other)
    (log.folder / PUBLIC_KEY).unlink()
    assert log.check(key=other).intact
    assert "name the key" in log.check().faults[0].why
    other.write_text("x")
    with pytest.raises(EntryError, match="no public key"):
        log.check(key=other)


def test_a_receipt_is_proven_by_hashes_that_lead_to_the_signed_root(log: Log) -> None:
    receipts = [filled(log).write("w-0", 3).receipt]
    log.seal()
    receipts.append(log.write("w-1").receipt)
    proven, unsealed = (log.check(receipt=Receipt.parse(each)) for each in receipts)
    assert proven.receipt is not None
    assert unsealed.receipt is not None
    assert (proven.receipt["state"], unsealed.receipt["state"]) == ("sealed", "unsealed")
    entry = json.loads(epochs_of(log).read_bytes().splitlines()[proven.receipt["epoch"] - 1])
    proof = proven.receipt["proof"]
    assert proof["root"] == entry["root"]
    path = [bytes.fromhex(each) for each in proof["path"]]
    leaf = bytes.fromhex(receipts[0].rpartition(":")[2])
    assert leads_to(leaf, proof["index"], proof["size"], path, bytes.fromhex(entry["root"]))


def test_a_receipt_whose_record_is_another_or_gone_is_a_fault(log: Log) -> None:
    filled(log)
    other = log.check(receipt=Receipt("w-0", 5, "0" * 64))
    gone = log.check(receipt=Receipt("w-0", 99, "0" * 64))
    assert [found.faults[0].what for found in (other, gone)] == ["w-0:5", "w-0:99"]
    assert "another hash" in other.faults[0].why
    with pytest.raises(ReceiptError):
        Receipt.parse("w-0:5")


def test_a_record_cut_off_with_its_epoch_is_missed_by_its_receipt_alone(log: Log) -> None:
    receipt = filled(log).write("w-0").receipt
    log.seal()
    log.close()
    file = epochs_of(log)
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:-1]))
    log.replace(log.lines()[:-1])
    assert log.check().intact
    assert not log.check(receipt=Receipt.parse(receipt)).intact


def test_a_check_since_some_time_begins_at_an_epoch_and_trusts_the_signed_heads(log: Log) -> None:
    filled(log)
    entries = [json.loads(line) for line in epochs_of(log).read_bytes().splitlines()]
    found = log.check(since=entries[3]["ts"])
    assert (found.intact, found.begins) == (True, 4)
    assert found.checked == sum(entry["records"] for entry in entries[3:])
    log.close()
    log.replace([log.lines()[0].replace(b'"pid"', b'"pit"'), *log.lines()[1:]])
    assert log.check(since=entries[3]["ts"]).intact
    assert not log.check().intact
    assert log.check(since=entries[-1]["ts"] + 1).checked == 0
    early = log.check(since=entries[3]["ts"], receipt=Receipt("w-0", 1, "0" * 64))
    assert "without --since" in early.faults[0].why


def test_records_sealed_while_they_are_checked_are_no_fault(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is removed by retention between the reading of entries and of records, is looked at once more."""
    filled(log)
    moved: list[int] = []

    def meanwhile(_: int) -> None:
        if not moved:
            moved.append(1)
            log.write("w-1", 2)
            log.seal()

    assert log.check(progress=meanwhile).intact
    assert moved


def test_a_folder_without_records_is_a_fault_unless_its_system_has_written_none(tmp_path: Path) -> None:
    assert [fault.why for fault in verify(tmp_path).faults] == ["there are no records"]
    found = verify(tmp_path, own=Known())
    assert (found.intact, found.chains) == (True, [])


@pytest.mark.parametrize("flipped", [8, 9])
def test_the_entry_of_a_redacted_record_tells_which_of_those_before_it_was_changed(log: Log, flipped: int) -> None:
    filled(log)
    log.write("w-0", 12)
    redact(log.folder, log.epochs, "w-0:10", reason="request 4711", by="me")
    log.close()
    raw = log.lines()
    raw[flipped - 1] = raw[flipped - 1].replace(b'"n":', b'"m":')
    log.replace(raw)
    assert log.check().faults[0].what == f"w-0:{flipped}"


def test_a_record_without_epochs_and_key_is_told_as_unsigned(log: Log) -> None:
    filled(log).close()
    assert log.check().as_dict()["signed"]
    shutil.rmtree(log.folder / "epochs")
    (log.folder / PUBLIC_KEY).unlink()
    found = log.check().as_dict()
    assert (found["intact"], found["signed"]) == (True, False)


def own(log: Log, key: Path) -> Known:
    """What a system knows after it remembered its entries."""
    log.close()
    log.epochs.remember()
    key.write_bytes(KEY.private_bytes_raw())
    return Known.of(log.remembered, key)


def test_entries_that_the_system_knows_of_are_missed(log: Log, tmp_path: Path) -> None:
    known = own(filled(log), tmp_path / "key")
    assert log.check(own=known).intact
    file = epochs_of(log)
    entries = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(entries[:2]))
    assert f"entries 3 to {len(entries)} are missing" in log.check(own=known).faults[0].why
    file.write_bytes(b"".join(entries[:-1]))
    assert f"entry {len(entries)} is missing" in log.check(own=known).faults[0].why
    for path in log.folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert f"entries 1 to {len(entries)} are missing" in log.check(own=known).faults[0].why


def test_other_entries_and_another_key_than_the_system_s_own_are_faults(log: Log, tmp_path: Path) -> None:
    known = own(filled(log), tmp_path / "key")
    assert "another" in log.check(own=replace(known, head="0" * 64)).faults[0].why
    assert "signs with" in log.check(own=replace(known, key="0" * 64)).faults[0].why


def test_what_a_system_forgot_is_not_missed(log: Log, tmp_path: Path) -> None:
    filled(log)
    log.remembered.unlink(missing_ok=True)
    assert log.check(own=Known.of(log.remembered, tmp_path / "none")) == log.check()


def test_a_record_begun_anew_is_not_held_against_the_one_set_aside(log: Log, tmp_path: Path) -> None:
    own(filled(log), tmp_path / "key")
    log.folder.rename(tmp_path / "aside")
    log.restart()
    log.write()
    log.seal()
    assert log.check(own=Known.of(log.remembered, tmp_path / "key")).intact


def test_the_folders_and_files_are_private(log: Log) -> None:
    filled(log)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (log.folder, *log.folder.rglob("*"))}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if path.is_file() and path.name != PUBLIC_KEY} == {0o600}
