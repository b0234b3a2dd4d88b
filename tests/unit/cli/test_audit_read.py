"""`aura audit tail`, `show`, `search` and `export`, as a person types them, with no system running."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from aura_ia_mcp.cli import output
from aura_ia_mcp.cluster.audit_read import Query, tail
from aura_ia_mcp.configs.settings import Settings
from aura_ia_mcp.stores.audit import AuditWriter

from .conftest import Aura

WHO = {"id": "token:ci", "kind": "agent", "tenant": "local", "roles": ["agent"]}
CALL = {
    "call": "c1",
    "what": "tools/call",
    "name": "echo",
    "server": "gateway",
    "principal": WHO,
    "verdict": "allow",
    "rule": "capability.allow",
    "outcome": "ok",
    "ms": 1.5,
}
REFUSED = {"name": "=cmd|calc!A1", "verdict": "deny", "rule": "unknown", "outcome": "refused", "error": {"code": "no"}}


@pytest.fixture
def aura(aura: Aura) -> Aura:
    return aura.under("audit")


@pytest.fixture
def writer() -> Iterator[AuditWriter]:
    """Five records: opened, a call, a refused one, a note, the opening of another writer."""
    made = AuditWriter(Path("logs/audit"), "safety-0", b"k")
    made.append("call", CALL)
    made.append("call", CALL | REFUSED)
    made.append("note", {"action": "mopped\x1b[2J\u202e the floor", "details": {}, "principal": WHO})
    other = AuditWriter(Path("logs/audit"), "tools-0", b"k")
    yield made
    made.close()
    other.close()


def files(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*.jsonl")))


@pytest.mark.usefixtures("writer")
def test_the_newest_records_come_last_and_only_as_many_as_asked_for(aura: Aura) -> None:
    assert [record["kind"] for record in aura.lines("tail")] == ["opened", "call", "call", "note", "opened"]
    assert [record["kind"] for record in aura.lines("tail", "-n", "2")] == ["note", "opened"]
    assert [record["seq"] for record in aura.lines("tail", "--kind", "call", "-n", "1")] == [3]
    assert [record["writer"] for record in aura.lines("tail", "--writer", "tools-0")] == ["tools-0"]


@pytest.mark.usefixtures("writer")
def test_a_line_for_people_tells_time_id_who_what_outcome_and_rule_and_moves_no_cursor(aura: Aura) -> None:
    out, _ = aura("tail")
    line = next(line for line in out.splitlines() if "safety-0:2" in line)
    assert line.split()[0].endswith("Z")
    assert line.split()[1:] == ["safety-0:2", "local/token:ci", "echo", "allow", "ok", "capability.allow"]
    assert "refused (no)" in out
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "mopped\\x1b[2J\\u202e the floor" in out


@pytest.mark.usefixtures("writer")
@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["mopped"], [4]),
        (["--outcome", "refused"], [3]),
        (["--verdict", "allow", "--verdict", "deny"], [2, 3]),
        (["--principal", "ci", "--kind", "note"], [4]),
        (["--principal", "ci", "--last", "1"], [4]),
        (["--tool", "echo"], [2]),
        (["--rule", "capability.*"], [2]),
        (["--kind", "call", "--since", "1h"], [2, 3]),
        (["--kind", "call", "--until", "2001-01-01"], []),
        (["nowhere"], []),
    ],
)
def test_search_finds_by_each_of_its_filters(aura: Aura, arguments: list[str], found: list[int]) -> None:
    assert [record["seq"] for record in aura.lines("search", *arguments)] == found


@pytest.mark.usefixtures("writer")
def test_a_record_is_shown_by_its_id(aura: Aura) -> None:
    out, _ = aura("show", "safety-0:3")
    assert "error" in out
    assert '{"code": "no"}' in out
    assert json.loads(aura("show", "safety-0:3", "--json")[0])["name"] == "=cmd|calc!A1"
    assert "no record 'safety-0:99'" in aura("show", "safety-0:99", code=1)[1]
    assert "verify --receipt" in aura("show", f"safety-0:3:{'0' * 64}", code=2)[1]


@pytest.mark.parametrize(
    "arguments", [["search", "--since", "soon"], ["search", "--verdict", "maybe"], ["tail", "-n", "-1"]]
)
def test_a_filter_that_makes_no_sense_is_refused(aura: Aura, arguments: list[str]) -> None:
    aura(*arguments, code=2)


def test_without_any_record_nothing_is_printed(aura: Aura) -> None:
    for arguments in (["tail"], ["export"]):
        assert aura(*arguments) == ("", "")
    assert aura("search", "x") == aura("search", "x", "--last", "3", "--json") == ("", "No record matches.\n")


@pytest.mark.parametrize("command", ["search", "export"])
def test_a_time_that_ends_before_it_begins_is_wrong_usage(aura: Aura, command: str) -> None:
    assert "--until lies before --since" in aura(command, "--since", "5m", "--until", "10m", code=2)[1]
    aura(command, "--since", "10m", "--until", "5m")


# --- export ----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("writer")
def test_an_export_as_json_is_the_record_byte_for_byte(aura: Aura) -> None:
    _, err = aura("export", "--out", "all.jsonl")
    assert "5 records" in err
    assert Path("all.jsonl").read_bytes() == files(Path("logs/audit"))
    assert stat.S_IMODE(Path("all.jsonl").stat().st_mode) == 0o600
    aura("export", "--kind", "note", "--out", "notes.jsonl")
    assert [json.loads(line)["seq"] for line in Path("notes.jsonl").read_bytes().splitlines()] == [4]


@pytest.mark.usefixtures("writer")
def test_an_export_as_a_table_has_no_formula_in_it(aura: Aura) -> None:
    aura("export", "--kind", "call", "--out", "calls.csv")
    rows = list(csv.DictReader(io.StringIO(Path("calls.csv").read_text(encoding="utf-8"))))
    assert [(row["id"], row["who"], row["outcome"], row["error"], row["ms"]) for row in rows] == [
        ("safety-0:2", "local/token:ci", "ok", "", "1.5"),
        ("safety-0:3", "local/token:ci", "refused", "no", "1.5"),
    ]
    assert rows[1]["what"] == "'=cmd|calc!A1"


@pytest.mark.usefixtures("writer")
def test_an_export_replaces_no_file_and_leaves_no_half_one(aura: Aura, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("there.jsonl").write_text("mine")
    assert "is there already" in aura("export", "--out", "there.jsonl", code=1)[1]
    assert Path("there.jsonl").read_text() == "mine"
    assert "can't be written" in aura("export", "--out", "no/where.jsonl", code=1)[1]

    def stop(record: Any) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("aura_ia_mcp.cli.audit_export.stamp", stop)
    aura("export", "--out", "half.csv", code=1)
    assert [path.name for path in Path().iterdir() if "half" in path.name] == []


# --- following -------------------------------------------------------------------------------------------------------


def test_following_gives_what_was_there_then_what_comes(writer: AuditWriter) -> None:
    following = tail(Settings(), Query(), 2)
    assert [entry.id for entry in islice(following, 2)] == ["safety-0:4", "tools-0:1"]
    writer.append("note", {"action": "later", "details": {}, "principal": WHO})
    assert next(following).record["action"] == "later"


@pytest.mark.usefixtures("aura")
def test_ctrl_c_ends_following_in_order_and_silently(writer: AuditWriter) -> None:
    command = [sys.executable, "-m", "aura_ia_mcp.main", "audit", "tail", "-f", "--json"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AURA_")}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            there = [process.stdout.readline() for _ in range(5)]
            writer.append("note", {"action": "later", "details": {}, "principal": WHO})
            later = process.stdout.readline()
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=20)
        finally:
            process.kill()
    assert all(there)
    assert json.loads(later)["action"] == "later"
    assert (process.returncode, out, err) == (0, b"", b"")


def test_control_characters_are_written_out() -> None:
    assert output.plain("a\x1b\x9b\r\n\u2066b\u00e9") == "a\\x1b\\x9b\\r\\n\\u2066b\u00e9"
