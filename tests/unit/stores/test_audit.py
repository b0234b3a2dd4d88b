from __future__ import annotations

import errno
import hashlib
import json
import multiprocessing
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aura_ia_mcp.stores import read, timeline
from aura_ia_mcp.stores.audit import AuditError, AuditWriter
from aura_ia_mcp.stores.form import GENESIS
from aura_ia_mcp.stores.segments import segments
from aura_ia_mcp.stores.verdict import Chain
from aura_ia_mcp.stores.verify import verify

KEY = b"k" * 32
Make = Callable[..., AuditWriter]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[AuditWriter] = []

    def make(writer: str = "w-0", **more: Any) -> AuditWriter:
        made.append(AuditWriter(tmp_path, writer, KEY, **more))
        return made[-1]

    yield make
    for writer in made:
        writer.close()


def lines(folder: Path, writer: str = "w-0") -> list[bytes]:
    return b"".join(path.read_bytes() for path in segments(folder / writer)).splitlines()


def kinds(folder: Path) -> list[str]:
    return [record["kind"] for record in read.records(folder)]


def verdict(folder: Path) -> Chain:
    (found,) = verify(folder).chains
    return found


def test_each_record_is_chained_to_the_exact_bytes_of_the_one_before(make: Make, tmp_path: Path) -> None:
    writer = make()
    assert writer.append("call", {"name": "echo", "text": "ü\n\ud800"}).id == "w-0:2"
    writer.append("call", {})
    raw = lines(tmp_path)
    prev = GENESIS
    for number, line in enumerate(raw, 1):
        record = json.loads(line)
        assert (record["v"], record["seq"], record["writer"], record["prev"]) == (1, number, "w-0", prev)
        prev = hashlib.sha256(line).hexdigest()
    found = verdict(tmp_path)
    assert (found.writer, found.records, found.intact, found.head) == ("w-0", 3, True, prev)


def test_records_are_private(make: Make, tmp_path: Path) -> None:
    make()
    for path in [tmp_path / "w-0", *(tmp_path / "w-0").iterdir()]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


def test_a_new_process_continues_the_chain(make: Make, tmp_path: Path) -> None:
    writer = make()
    writer.append("call", {})
    writer.close()
    make().append("call", {})
    assert verdict(tmp_path).records == 4
    assert [r.get("continues") for r in read.records(tmp_path) if r["kind"] == "opened"] == [0, 2]


def test_two_processes_never_share_a_chain(make: Make) -> None:
    make()
    with pytest.raises(AuditError, match="another process"):
        make()
    make("w-1")


def test_segments_follow_each_other_at_their_size(make: Make, tmp_path: Path) -> None:
    writer = make(segment_bytes=1000)
    for n in range(30):
        writer.append("call", {"n": n})
    assert len(segments(tmp_path / "w-0")) > 3
    assert verdict(tmp_path).records == 31
    assert [r["n"] for r in read.records(tmp_path) if r["kind"] == "call"] == list(range(30))
    found = timeline.find(tmp_path, "w-0:20")
    assert found is not None
    assert found.record == next(r for r in read.records(tmp_path) if r["seq"] == 20)
    assert timeline.find(tmp_path, "w-0:99") is None
    assert timeline.find(tmp_path, "../x:1") is None


@pytest.mark.parametrize("left", [b'{"v":1,"seq":9', b"\x00" * 5000, b"\x00\n\x00\n", b'{"half": true}\n{"v"', b"\n"])
def test_what_a_power_loss_tore_off_is_moved_aside_and_told(make: Make, tmp_path: Path, left: bytes) -> None:
    writer = make()
    writer.append("call", {})
    writer.close()
    path = segments(tmp_path / "w-0")[0]
    with path.open("ab") as file:
        file.write(left)
    make().append("call", {})
    assert verdict(tmp_path).intact
    assert kinds(tmp_path) == ["opened", "call", "repaired", "opened", "call"]
    repaired = next(r for r in read.records(tmp_path) if r["kind"] == "repaired")
    assert repaired["bytes"] == len(left)
    assert (tmp_path / "w-0" / repaired["kept_in"]).read_bytes() == left


def test_an_empty_newest_segment_is_gone_on_with(make: Make, tmp_path: Path) -> None:
    writer = make()
    writer.append("call", {})
    writer.close()
    (tmp_path / "w-0" / "00000003.jsonl").touch()
    make()
    assert (verdict(tmp_path).records, verdict(tmp_path).intact) == (3, True)


class Disk:
    """A disk that fills up after some bytes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left: int | None = None
        self._write = os.write
        monkeypatch.setattr("aura_ia_mcp.stores.audit.os.write", self.write)

    def write(self, fd: int, data: bytes) -> int:
        if self.left is None:
            return self._write(fd, data)
        if self.left == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = self._write(fd, data[: self.left])
        self.left -= written
        return written


@pytest.mark.parametrize("room", [0, 1, 100])
def test_a_full_disk_fails_the_append_and_the_chain_recovers_once_there_is_room(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    writer = make()
    writer.append("call", {"n": 1})
    disk = Disk(monkeypatch)
    disk.left = room
    for _ in range(3):
        with pytest.raises(AuditError, match="free disk space"):
            writer.append("call", {"n": 2})
    with pytest.raises(AuditError):
        writer.ready()
    disk.left = None
    writer.ready()
    writer.append("call", {"n": 3})
    assert kinds(tmp_path) == ["opened", "call", "recovered", "call"]
    recovered = next(r for r in read.records(tmp_path) if r["kind"] == "recovered")
    assert recovered["lost"] >= 3
    assert verdict(tmp_path).intact


def test_records_that_somebody_takes_away_are_noticed(make: Make, tmp_path: Path) -> None:
    writer = make()
    segments(tmp_path / "w-0")[0].unlink()
    with pytest.raises(AuditError, match="gone"):
        writer.ready()


def test_records_that_somebody_adds_to_are_noticed(make: Make, tmp_path: Path) -> None:
    writer = make()
    with segments(tmp_path / "w-0")[0].open("ab") as file:
        file.write(b"x\n")
    with pytest.raises(AuditError, match="somebody else"):
        writer.ready()


def test_a_closed_writer_refuses(make: Make) -> None:
    writer = make()
    writer.close()
    writer.close()
    with pytest.raises(AuditError):
        writer.append("call", {})


def test_equal_arguments_have_equal_digests_that_need_the_key(make: Make, tmp_path: Path) -> None:
    writer = make()
    other = AuditWriter(tmp_path, "w-9", b"o" * 32)
    assert writer.digest("a") == writer.digest("a") != writer.digest("b")
    assert writer.digest("a") not in (other.digest("a"), hashlib.sha256(b"a").hexdigest())
    other.close()


def test_fsync_writes_the_same_records(make: Make, tmp_path: Path) -> None:
    writer = make(fsync=True, segment_bytes=500)
    for _ in range(5):
        writer.append("call", {})
    assert verdict(tmp_path).records == 6


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_every_change_but_at_the_end_is_found(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("audit")
    writer = AuditWriter(folder, "w-0", KEY, segment_bytes=400)
    for n in range(8):
        writer.append("call", {"n": n})
    writer.close()
    raw = lines(folder)
    change = data.draw(st.sampled_from(["byte", "drop", "swap", "twice"]))
    at = data.draw(st.integers(0, len(raw) - 3))
    if change == "byte":
        place = data.draw(st.integers(0, len(raw[at]) - 1))
        changed = bytearray(raw[at])
        changed[place] ^= data.draw(st.integers(1, 127))
        raw[at] = bytes(changed).replace(b"\n", b" ")
    elif change == "drop":
        del raw[at]
    elif change == "swap":
        raw[at], raw[at + 1] = raw[at + 1], raw[at]
    else:
        raw.insert(at, raw[at])
    for path in segments(folder / "w-0"):
        path.unlink()
    (folder / "w-0" / "00000001.jsonl").write_bytes(b"\n".join(raw) + b"\n")
    found = verdict(folder)
    assert not found.intact
    assert found.records <= at + 1
    assert found.broken
    assert found.why


def test_a_line_that_is_being_written_is_no_fault(make: Make, tmp_path: Path) -> None:
    make().append("call", {})
    with segments(tmp_path / "w-0")[0].open("ab") as file:
        file.write(b'{"v":1,"seq":3,')
    assert verdict(tmp_path).intact
    assert len(list(read.records(tmp_path))) == 2


def test_a_tail_gives_each_record_once_over_segments_and_restarts(make: Make, tmp_path: Path) -> None:
    one, two = make("w-0", segment_bytes=600), make("w-1")
    tail = read.Tail(tmp_path)
    seen: list[tuple[str, int]] = []
    for n in range(40):
        (one if n % 3 else two).append("call", {"n": n})
        if n % 7 == 0:
            seen += [(r["writer"], r["seq"]) for r in tail.poll(most_bytes=500)]
        if n % 10 == 0:
            tail = read.Tail(tmp_path, json.loads(json.dumps(tail.places)))
    while True:
        seen += [(r["writer"], r["seq"]) for r in tail.poll(most_bytes=500)]
        if not tail.more:
            break
    assert sorted(seen) == sorted((r["writer"], r["seq"]) for r in read.records(tmp_path))
    assert len(set(seen)) == len(seen)
    assert not tail.behind()


def test_a_tail_leaves_half_a_line_for_the_next_time(make: Make, tmp_path: Path) -> None:
    writer = make()
    writer.close()
    tail = read.Tail(tmp_path)
    tail.poll()
    path = segments(tmp_path / "w-0")[0]
    with path.open("ab") as file:
        file.write(b'{"seq": 2, "kind"')
    assert tail.poll() == []
    assert not tail.more, "there is nothing to read at once"
    with path.open("ab") as file:
        file.write(b': "x"}\n')
    assert [record["seq"] for record in tail.poll()] == [2]


def test_a_record_larger_than_a_read_is_followed_too(make: Make, tmp_path: Path) -> None:
    writer = make()
    writer.append("call", {"text": "x" * 3_000_000})
    tail = read.Tail(tmp_path)
    assert [record["seq"] for _ in range(3) for record in tail.poll()] == [1, 2]


def test_a_folder_without_records_is_empty(tmp_path: Path) -> None:
    assert verify(tmp_path / "none").chains == []
    assert list(read.records(tmp_path / "none")) == []
    assert read.Tail(tmp_path / "none").poll() == []


def _burst(folder: Path, writer: str, count: int) -> None:
    own = AuditWriter(folder, writer, KEY)
    threads = [Thread(target=_append, args=(own, name, count)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    own.close()


def _append(writer: AuditWriter, thread: int, count: int) -> None:
    for n in range(count):
        writer.append("call", {"thread": thread, "n": n})


def test_a_burst_of_threads_and_processes_loses_and_reorders_nothing(tmp_path: Path) -> None:
    names, count = ("w-0", "w-1"), 3_000
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_burst, args=(tmp_path, name, count)) for name in names]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    found = verify(tmp_path)
    assert (found.intact, found.checked) == (True, len(names) * (4 * count + 1))
    for name in names:
        order: dict[int, list[int]] = {}
        for record in read.records(tmp_path, name):
            if record["kind"] == "call":
                order.setdefault(record["thread"], []).append(record["n"])
        assert order == {thread: list(range(count)) for thread in range(4)}
