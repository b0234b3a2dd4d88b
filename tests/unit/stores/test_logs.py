"""The logs of services: written in one form, read backwards, within bounds."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aura_ia_mcp.stores.logs import LEVELS, MOST_CHARS, Entry, find, line, services, stamp

NOON = 1_800_000_000.0


def write(folder: Path, name: str, *lines: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("".join(f"{one}\n" for one in lines))


def entry(number: int, service: str = "graph", level: str = "INFO") -> str:
    return line(NOON + number, level, service, f"x: number {number}")


def messages(entries: tuple[Entry, ...]) -> list[str]:
    return [one.message for one in entries]


def test_the_newest_entries_of_all_services_come_merged_by_time(tmp_path: Path) -> None:
    write(tmp_path, "graph.log", entry(1), entry(3), entry(5))
    write(tmp_path, "gateway.log", entry(2), entry(4), entry(6))
    found = find(tmp_path, services(tmp_path), most=4)
    assert messages(found.entries) == [f"x: number {number}" for number in (3, 4, 5, 6)]
    assert [one.service for one in found.entries] == ["graph", "gateway", "graph", "gateway"]
    assert "newest 4" in found.cut


def test_reading_goes_on_in_older_files_and_says_nothing_of_a_cut_when_that_was_all(tmp_path: Path) -> None:
    write(tmp_path, "graph.log", entry(5))
    write(tmp_path, "graph.log.1", entry(3), entry(4))
    write(tmp_path, "graph.log.2", entry(1), entry(2))
    found = find(tmp_path, ["graph"], most=5)
    assert messages(found.entries) == [f"x: number {number}" for number in range(1, 6)]
    assert found.cut == ""


def test_a_trace_belongs_to_the_entry_before_it_even_over_two_files(tmp_path: Path) -> None:
    write(tmp_path, "graph.log.1", entry(1, level="ERROR"), "Traceback:")
    write(tmp_path, "graph.log", "  indented", "ValueError", entry(2))
    first, second = find(tmp_path, ["graph"], most=9).entries
    assert first.message == "x: number 1\nTraceback:\nindented\nValueError"
    assert (first.level, second.message) == ("ERROR", "x: number 2")


def test_lines_before_any_entry_are_shown_without_a_time(tmp_path: Path) -> None:
    write(tmp_path, "graph.log", "Traceback of a start that failed")
    assert find(tmp_path, ["graph"], most=9).entries == (
        Entry(None, "graph", None, "Traceback of a start that failed"),
    )


def test_entries_before_a_time_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, "graph.log", *(entry(number) for number in range(10)))
    found = find(tmp_path, ["graph"], most=99, since=NOON + 7)
    assert messages(found.entries) == [f"x: number {number}" for number in (7, 8, 9)]
    assert found.cut == ""


def test_bounds_on_bytes_and_time_keep_what_was_found_and_say_so(tmp_path: Path) -> None:
    write(tmp_path, "graph.log", *(entry(number) for number in range(20_000)))
    found = find(tmp_path, ["graph"], most=100_000, most_bytes=200_000)
    assert found.entries[-1].message == "x: number 19999"
    assert 1000 < len(found.entries) < 5000
    assert "200000 bytes" in found.cut
    assert "could be read in" in find(tmp_path, ["graph"], most=100_000, most_s=-1.0).cut


def test_a_message_without_end_is_cut(tmp_path: Path) -> None:
    write(tmp_path, "graph.log", line(NOON, "INFO", "graph", "y" * 300_000))
    (found,) = find(tmp_path, ["graph"], most=9).entries
    assert len(found.message) == MOST_CHARS + 1
    assert found.message.endswith("…")


def test_bytes_that_are_no_text_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "graph.log").write_bytes(b"\xff\xfe\n2026-99-99T99:99:99.999Z INFO graph no time\n" + entry(1).encode())
    odd, last = find(tmp_path, ["graph"], most=9).entries
    assert odd.time is None
    assert "no time" in odd.message
    assert last.message == "x: number 1"


def test_a_folder_that_is_not_there_has_no_services(tmp_path: Path) -> None:
    assert services(tmp_path / "logs") == []


@given(
    st.lists(
        st.tuples(st.sampled_from(LEVELS), st.text(st.characters(codec="utf-8"), max_size=200)), min_size=1, max_size=20
    )
)
def test_what_is_written_is_read_and_no_text_makes_an_entry_of_its_own(
    tmp_path_factory: pytest.TempPathFactory, written: list[tuple[str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("logs")
    text = "".join(f"{line(NOON + number, level, 'a', said)}\n" for number, (level, said) in enumerate(written))
    (folder / "a.log").write_bytes(text.encode())
    found = find(folder, ["a"], most=99).entries
    assert [(one.time, one.level) for one in found] == [
        (stamp(NOON + number), level) for number, (level, _) in enumerate(written)
    ]
