"""What happens at the door is recorded, floods and a full disk included."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aura_ia_mcp.cluster.security_record import A_MINUTE, SecurityRecord
from aura_ia_mcp.configs.paths import Paths
from aura_ia_mcp.configs.settings import Settings
from aura_ia_mcp.stores import read
from aura_ia_mcp.stores.audit import AuditWriter
from aura_ia_mcp.stores.verify import verify

DETAILS = {"peer": "127.0.0.1", "reason": "no token"}


class Door:
    """A record with a clock of its own."""

    def __init__(self, root: Path) -> None:
        self.now = 0.0
        self.paths = Paths(root / ".aura", root / "logs")
        self.record = SecurityRecord(Settings(), self.paths, b"k" * 32, lambda: self.now)

    def told(self, event: str = "authentication_failed") -> list[dict[str, Any]]:
        return [one for one in read.records(self.paths.audit, "gateway") if one["kind"] == event]


@pytest.fixture
def door(tmp_path: Path) -> Door:
    return Door(tmp_path)


def test_each_event_is_a_record_in_a_chain_that_holds(door: Door) -> None:
    door.record.note("authentication_failed", DETAILS)
    door.record.note("foreign_request", {"header": "Host"})
    door.record.close()
    (told,) = door.told()
    assert {name: told[name] for name in DETAILS} == DETAILS
    assert len(door.told("foreign_request")) == 1
    assert [chain.intact for chain in verify(door.paths.audit).chains] == [True]


@pytest.mark.parametrize(
    "value", ["https://me:hunter22@evil.test", "me:hunter22@evil.test", "https://hunter22@evil.test"]
)
def test_no_secret_of_a_header_is_recorded(door: Door, caplog: pytest.LogCaptureFixture, value: str) -> None:
    door.record.note("foreign_request", {"header": "Origin", "value": value})
    (told,) = door.told("foreign_request")
    assert "hunter22" not in json.dumps(told) + caplog.text
    assert told["value"].endswith("@evil.test")


def test_a_flood_is_told_as_a_number_by_the_next_record(door: Door) -> None:
    for _ in range(1000):
        door.record.note("authentication_failed", DETAILS)
    assert len(door.told()) == A_MINUTE
    door.record.note("foreign_request", {})
    assert len(door.told("foreign_request")) == 1, "one kind's flood hides no other kind"
    door.now = 1.5
    door.record.note("authentication_failed", DETAILS)
    assert door.told()[-1]["untold"] == 1000 - A_MINUTE
    for _ in range(5):
        door.record.note("authentication_failed", DETAILS)
    door.record.close()
    assert door.told()[-1]["untold"] == 5
    assert sum(one.get("untold", 0) + ("peer" in one) for one in door.told()) == 1006


def test_what_cannot_be_written_is_told_once_it_can(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file where the folder should be")
    door = Door(tmp_path)
    door.record.note("authentication_failed", DETAILS)
    (tmp_path / "logs").unlink()
    door.record.note("authentication_failed", DETAILS)
    door.record.close()
    assert [one.get("untold") for one in door.told()] == [1]


def test_a_chain_that_another_process_holds_breaks_nothing(tmp_path: Path) -> None:
    other = AuditWriter(Paths(tmp_path / ".aura", tmp_path / "logs").audit, "gateway", b"k" * 32)
    door = Door(tmp_path)
    door.record.note("authentication_failed", DETAILS)
    other.close()
    door.record.note("authentication_failed", DETAILS)
    door.record.close()
    assert [one.get("untold") for one in door.told()] == [1]
