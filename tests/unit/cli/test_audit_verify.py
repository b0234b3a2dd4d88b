"""`aura audit verify` and `aura audit redact`, as a person types them."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from aura_ia_mcp.stores.audit import AuditWriter, Written
from aura_ia_mcp.stores.epoch_writer import EpochWriter
from aura_ia_mcp.stores.keys import load_or_create
from aura_ia_mcp.stores.retention import DAY_S, prune
from aura_ia_mcp.stores.sealing import Sealer

from .conftest import Aura

AUDIT = Path("logs/audit")


@pytest.fixture
def aura(aura: Aura) -> Aura:
    return aura.under("audit")


@pytest.fixture
def written() -> Written:
    """Three records of `safety-0`, sealed, and the last one's receipt."""
    writer = AuditWriter(AUDIT, "safety-0", b"k" * 32)
    writer.append("call", {"text": "a customer's address"})
    last = writer.append("call", {})
    writer.close()
    key = Ed25519PrivateKey.from_private_bytes(load_or_create(Path(".aura/keys/audit.ed25519")))
    Sealer(AUDIT, EpochWriter(AUDIT, key)).seal()
    return last


def test_a_good_record_is_told_with_what_vouches_for_it(written: Written, aura: Aura) -> None:
    out, _ = aura("verify", "--receipt", written.receipt)
    assert "3 records checked" in out
    assert "1 signed entries" in out
    assert "record safety-0:3 is sealed by epoch 1" in out
    found = aura.json("verify", str(AUDIT), "--key", str(AUDIT / "public_key.pem"), "--since", "1d")
    assert (found["intact"], found["unsealed"], found["receipt"]) == (True, 0, None)


def test_a_flipped_bit_is_named_and_the_command_fails(written: Written, aura: Aura) -> None:
    file = AUDIT / "safety-0" / "00000001.jsonl"
    file.write_bytes(file.read_bytes().replace(b"address", b"addresr"))
    _, err = aura("verify", code=1)
    assert "safety-0:2 (safety-0/00000001.jsonl:2): changed" in err
    assert aura.json("verify", code=1)["faults"][0]["what"] == "safety-0:2"


def test_a_wrong_receipt_fails_and_what_is_none_is_wrong_usage(written: Written, aura: Aura) -> None:
    assert "another hash" in aura("verify", "--receipt", "safety-0:3:" + "0" * 64, code=1)[1]
    assert "no receipt" in aura("verify", "--receipt", "x", code=2)[1]


def test_the_receipt_of_what_no_epoch_seals_yet_is_told_as_good(written: Written, aura: Aura) -> None:
    writer = AuditWriter(AUDIT, "tools-0", b"k" * 32)
    receipt = writer.append("call", {}).receipt
    writer.close()
    out, _ = aura("verify", "--receipt", receipt)
    assert "Receipt: record tools-0:2 is there and unchanged; the next epoch seals it." in out


def test_the_receipt_of_a_record_that_retention_removed_is_not_taken_for_good(aura: Aura) -> None:
    key = Ed25519PrivateKey.from_private_bytes(load_or_create(Path(".aura/keys/audit.ed25519")))
    epochs = EpochWriter(AUDIT, key)
    writer = AuditWriter(AUDIT, "safety-0", b"k" * 32, segment_bytes=4096)
    receipts = [writer.append("call", {"text": "x" * 1000}).receipt for _ in range(12)]
    writer.close()
    Sealer(AUDIT, epochs).seal()
    assert prune(AUDIT, epochs, days=2, most_bytes=0, now=time.time() + 3 * DAY_S)["files"] > 0
    forged = f"{receipts[0].rpartition(':')[0]}:{'a' * 64}"
    for receipt in (receipts[0], forged):
        assert "can't be confirmed" in aura("verify", "--receipt", receipt, code=1)[1]
        found = aura.json("verify", "--receipt", receipt, code=1)
        assert (found["intact"], found["receipt"]["state"]) == (True, "unconfirmed")
    assert aura.json("verify", "--receipt", receipts[-1])["receipt"]["state"] == "sealed"
    said = aura("show", receipts[0].rpartition(":")[0], code=1)[1]
    assert "retention may have removed it" in said


def test_a_redaction_needs_a_reason(written: Written, aura: Aura) -> None:
    before = (AUDIT / "safety-0" / "00000001.jsonl").read_bytes()
    for blank in ("", "  "):
        assert "say why" in aura("redact", "safety-0:2", "--reason", blank, code=2)[1]
    assert (AUDIT / "safety-0" / "00000001.jsonl").read_bytes() == before


def test_a_redacted_record_is_gone_and_still_verifies(written: Written, aura: Aura) -> None:
    out, _ = aura("redact", "safety-0:2", "--reason", "request 4711")
    assert "entry 2" in out
    assert b"customer" not in (AUDIT / "safety-0" / "00000001.jsonl").read_bytes()
    assert aura.json("verify", "--receipt", written.receipt)["intact"]
    assert "before" in aura("redact", "safety-0:2", "--reason", "again")[0]
    assert "no record" in aura("redact", "safety-0:9", "--reason", "r", code=1)[1]


def test_an_empty_folder_fails_and_a_system_without_records_does_not(tmp_path: Path, aura: Aura) -> None:
    assert "there are no records" in aura("verify", str(tmp_path), code=1)[1]
    assert "No audit records" in aura("verify")[0]


def test_epochs_that_this_system_wrote_are_missed_and_elsewhere_their_lack_is_told(
    written: Written, aura: Aura
) -> None:
    key = Ed25519PrivateKey.from_private_bytes(load_or_create(Path(".aura/keys/audit.ed25519")))
    epochs = EpochWriter(AUDIT, key, remembered=Path(".aura/audit_epochs.json"))
    with epochs.held():
        epochs.remember()
    shutil.rmtree(AUDIT / "epochs")
    (AUDIT / "public_key.pem").unlink()
    assert "entry 1 is missing" in aura("verify", code=1)[1]
    assert "WARNING: no signed epochs" in aura("verify", str(AUDIT))[0]
    assert aura.json("verify", str(AUDIT))["signed"] is False
