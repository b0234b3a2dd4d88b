"""The texts of rules that were in force, by version."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from pathlib import Path

import pytest

from aura_ia_mcp.judgement import policy, roles
from aura_ia_mcp.stores.rules_archive import RulesArchive

DAY_S = 86_400.0
POLICY = "version: 1\nrules: [{id: all, effect: allow, reason: 'ärger'}]\n"


def version(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def put_into_force(archive: RulesArchive, audit: Path, text: str, at: float) -> None:
    archive.keep([text])
    os.utime(audit / "rules" / f"{version(text)}.yaml", (at, at))


def write_oldest_record(audit: Path, ts: float) -> None:
    (audit / "safety-0").mkdir(exist_ok=True)
    (audit / "safety-0" / "00000001.jsonl").write_text(json.dumps({"seq": 1, "ts": ts}) + "\n")


def test_a_kept_text_is_found_by_the_version_that_records_name(tmp_path: Path) -> None:
    archive, table = RulesArchive(tmp_path), roles.shipped_text()
    archive.keep([POLICY, table])
    assert archive.read(policy.parse(POLICY).version) == POLICY
    assert archive.read(roles.parse(table).version) == table
    assert archive.read("0" * 16) is None
    assert archive.read("../../etc/passwd") is None


def test_only_the_owner_reads_the_texts(tmp_path: Path) -> None:
    RulesArchive(tmp_path / "new").keep([POLICY])
    [file] = (tmp_path / "new" / "rules").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_text_that_was_changed_is_not_given_and_is_mended_when_it_comes_into_force_again(tmp_path: Path) -> None:
    archive = RulesArchive(tmp_path)
    archive.keep([POLICY])
    [file] = (tmp_path / "rules").iterdir()
    file.write_text(POLICY.replace("allow", "deny"))
    assert archive.read(version(POLICY)) is None
    archive.keep([POLICY])
    assert archive.read(version(POLICY)) == POLICY


def test_what_a_killed_writer_left_is_no_obstacle(tmp_path: Path) -> None:
    archive = RulesArchive(tmp_path)
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / f"{version(POLICY)}.new").write_text("hal")
    archive.keep([POLICY])
    assert [path.name for path in (tmp_path / "rules").iterdir()] == [f"{version(POLICY)}.yaml"]


def test_only_texts_that_no_record_can_name_any_more_make_room(tmp_path: Path) -> None:
    archive = RulesArchive(tmp_path, most=2)
    begun = 1_000_000.0
    for number in range(4):
        put_into_force(archive, tmp_path, f"text {number}", begun + number * 10 * DAY_S)
    write_oldest_record(tmp_path, begun + 21.5 * DAY_S)  # text 1 was superseded a day and a half before
    archive.keep(["text 4"])
    assert [archive.read(version(f"text {number}")) is not None for number in range(5)] == [False, False, *[True] * 3]


@pytest.mark.parametrize("first", ["", "no JSON\n", '{"seq":1}\n'])
def test_nothing_goes_while_the_oldest_record_can_not_be_read(tmp_path: Path, first: str) -> None:
    archive = RulesArchive(tmp_path, most=1)
    for number in range(3):
        put_into_force(archive, tmp_path, f"text {number}", number * 10 * DAY_S)
    write_oldest_record(tmp_path, 0)
    (tmp_path / "safety-0" / "00000001.jsonl").write_text(first)
    archive.keep(["text 3"])
    assert len(list((tmp_path / "rules").iterdir())) == 4
