"""`aura audit verify` and `aura audit redact`, as a person types them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from aura_ia_mcp.cli import app
from aura_ia_mcp.stores.audit import AuditWriter, Written
from aura_ia_mcp.stores.epoch_writer import EpochWriter
from aura_ia_mcp.stores.keys import load_or_create
from aura_ia_mcp.stores.sealing import Sealer

AUDIT = Path("logs/audit")


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Written:
    """Three records of `safety-0`, sealed, and the last one's receipt."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AURA_CONFIG", raising=False)
    writer = AuditWriter(AUDIT, "safety-0", b"k" * 32)
    writer.append("call", {"text": "a customer's address"})
    last = writer.append("call", {})
    writer.close()
    key = Ed25519PrivateKey.from_private_bytes(load_or_create(Path(".aura/keys/audit.ed25519")))
    Sealer(AUDIT, EpochWriter(AUDIT, key)).seal()
    return last


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> tuple[str, str]:
    capsys.readouterr()
    status = app.run(("audit", *arguments))
    said = capsys.readouterr()
    assert status == code, said
    return said.out, said.err


def as_json(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    return json.loads(run(capsys, *arguments, "--json", code=code)[0])


def test_a_good_record_is_told_with_what_vouches_for_it(written: Written, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = run(capsys, "verify", "--receipt", written.receipt)
    assert "3 records checked" in out
    assert "1 signed entries" in out
    assert "record safety-0:3 is sealed by epoch 1" in out
    found = as_json(capsys, "verify", str(AUDIT), "--key", str(AUDIT / "public_key.pem"), "--since", "1d")
    assert (found["intact"], found["unsealed"], found["receipt"]) == (True, 0, None)


def test_a_flipped_bit_is_named_and_the_command_fails(written: Written, capsys: pytest.CaptureFixture[str]) -> None:
    file = AUDIT / "safety-0" / "00000001.jsonl"
    file.write_bytes(file.read_bytes().replace(b"address", b"addresr"))
    _, err = run(capsys, "verify", code=1)
    assert "safety-0:2 (safety-0/00000001.jsonl:2): changed" in err
    assert as_json(capsys, "verify", code=1)["faults"][0]["what"] == "safety-0:2"


def test_a_wrong_receipt_fails_and_what_is_none_is_wrong_usage(
    written: Written, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "another hash" in run(capsys, "verify", "--receipt", "safety-0:3:" + "0" * 64, code=1)[1]
    assert "no receipt" in run(capsys, "verify", "--receipt", "x", code=2)[1]


def test_the_receipt_of_what_no_epoch_seals_yet_is_told_as_good(
    written: Written, capsys: pytest.CaptureFixture[str]
) -> None:
    writer = AuditWriter(AUDIT, "tools-0", b"k" * 32)
    receipt = writer.append("call", {}).receipt
    writer.close()
    out, _ = run(capsys, "verify", "--receipt", receipt)
    assert "Receipt: record tools-0:2 is there and unchanged; the next epoch seals it." in out


def test_a_redaction_needs_a_reason(written: Written, capsys: pytest.CaptureFixture[str]) -> None:
    before = (AUDIT / "safety-0" / "00000001.jsonl").read_bytes()
    for blank in ("", "  "):
        assert "say why" in run(capsys, "redact", "safety-0:2", "--reason", blank, code=2)[1]
    assert (AUDIT / "safety-0" / "00000001.jsonl").read_bytes() == before


def test_a_redacted_record_is_gone_and_still_verifies(written: Written, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = run(capsys, "redact", "safety-0:2", "--reason", "request 4711")
    assert "entry 2" in out
    assert b"customer" not in (AUDIT / "safety-0" / "00000001.jsonl").read_bytes()
    assert as_json(capsys, "verify", "--receipt", written.receipt)["intact"]
    assert "before" in run(capsys, "redact", "safety-0:2", "--reason", "again")[0]
    assert "no record" in run(capsys, "redact", "safety-0:9", "--reason", "r", code=1)[1]


def test_an_empty_folder_fails_and_a_system_without_records_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AURA_CONFIG", raising=False)
    assert "there are no records" in run(capsys, "verify", str(tmp_path), code=1)[1]
    assert "No audit records" in run(capsys, "verify")[0]


def test_epochs_that_this_system_wrote_are_missed_and_elsewhere_their_lack_is_told(
    written: Written, capsys: pytest.CaptureFixture[str]
) -> None:
    key = Ed25519PrivateKey.from_private_bytes(load_or_create(Path(".aura/keys/audit.ed25519")))
    epochs = EpochWriter(AUDIT, key, remembered=Path(".aura/audit_epochs.json"))
    with epochs.held():
        epochs.remember()
    shutil.rmtree(AUDIT / "epochs")
    (AUDIT / "public_key.pem").unlink()
    assert "entry 1 is missing" in run(capsys, "verify", code=1)[1]
    assert "WARNING: no signed epochs" in run(capsys, "verify", str(AUDIT))[0]
    assert as_json(capsys, "verify", str(AUDIT))["signed"] is False
