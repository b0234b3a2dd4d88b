"""Files of the supervisor: bounded logs, private folders, the description of a running system."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from aura_ia_mcp.cluster import folders, ray_runtime
from aura_ia_mcp.cluster.bounded_log import BoundedLog
from aura_ia_mcp.cluster.exits import Exit, meaning
from aura_ia_mcp.configs.paths import Paths


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    found = Paths(tmp_path / ".aura", tmp_path / "logs")
    folders.make(found)
    return found


def test_a_log_never_grows_beyond_its_bound(tmp_path: Path) -> None:
    log = BoundedLog(tmp_path / "x.log", most_bytes=1000, kept=2)
    for number in range(400):
        log.write(f"line {number:04}\n".encode())
    log.close()
    files = sorted(tmp_path.iterdir())
    assert [path.name for path in files] == ["x.log", "x.log.1", "x.log.2"]
    assert all(path.stat().st_size <= 1000 for path in files)
    assert (tmp_path / "x.log").read_text().splitlines()[-1] == "line 0399"


def test_a_log_goes_on_where_an_earlier_life_ended(tmp_path: Path) -> None:
    for text in (b"one\n", b"two\n"):
        log = BoundedLog(tmp_path / "x.log")
        log.write(text)
        log.close()
    assert (tmp_path / "x.log").read_bytes() == b"one\ntwo\n"


def test_a_log_that_can_not_be_written_stops_nobody(tmp_path: Path) -> None:
    log = BoundedLog(tmp_path / "missing" / "x.log")
    log.write(b"hello\n")
    log.close()
    assert not log.path.exists()


def test_folders_with_sockets_and_secrets_are_private(paths: Paths) -> None:
    for folder in (paths.state, paths.run, paths.run / "bus"):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_a_short_folder_that_is_not_really_ours_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    paths = Paths(tmp_path / ("x" * 100), tmp_path / "logs")
    (tmp_path / "elsewhere").mkdir()
    paths.short.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="isn't a folder of this user"):
        folders.make(paths)


def test_a_short_folder_does_not_outlive_an_orderly_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    paths = Paths(tmp_path / ("x" * 100), tmp_path / "logs")
    folders.make(paths)
    assert paths.short.is_dir()
    folders.remove_short(paths)
    assert not paths.short.exists()
    assert paths.state.is_dir()


def test_empty_short_folders_of_earlier_systems_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = tmp_path / "tmp"
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    paths = Paths(tmp_path / ("x" * 100), tmp_path / "logs")
    mine = f"aura-{os.getuid()}"
    empty, full, new = (temporary / f"{mine}-{digit * 12}" for digit in "abc")
    other, named = temporary / f"aura-{os.getuid() + 1}-{'a' * 12}", temporary / f"{mine}-notes"
    (full / "bus").mkdir(parents=True)
    for folder in (empty, new, other, named, paths.short):
        folder.mkdir()
    for folder in (empty, full, other, named, paths.short):
        os.utime(folder, (0, 0))
    folders.remove_empty_short(paths)
    assert set(temporary.iterdir()) == {full, new, other, named, paths.short}


def test_cleaning_removes_sockets_and_the_description_and_nothing_else(paths: Paths) -> None:
    left = [paths.ingress, paths.run / "bus" / "safety-0.sock"]
    for path in left:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(str(path))
    folders.write_running(paths, {"pid": 1})
    kept = paths.run / "note.txt"
    kept.write_text("mine")
    folders.clean(paths)
    assert not any(path.exists() for path in (*left, paths.running))
    assert kept.exists()


def test_the_description_is_private_and_read_back(paths: Paths) -> None:
    folders.write_running(paths, {"pid": 7, "urls": {"gateway": "http://x"}, "started_at": 0})
    assert folders.read_running(paths)["pid"] == 7
    assert paths.running.stat().st_mode & 0o777 == 0o600
    assert "pid 7" in folders.holder(paths)
    assert "http://x" in folders.holder(paths)


def test_without_a_description_the_holder_is_still_named_for_what_it_is(paths: Paths) -> None:
    assert "another system is starting or ending" in folders.holder(paths)


def test_only_logs_that_are_there_are_named(paths: Paths) -> None:
    assert folders.where_to_look(paths) == "Run `aura doctor`."
    for name in ("graph.log", "serve.log"):
        (paths.logs / name).touch()
    assert folders.where_to_look(paths) == f"See {paths.logs}/serve.log and {paths.logs}/graph.log."


def test_only_the_newest_sessions_of_ray_are_kept(tmp_path: Path) -> None:
    names = [f"session_2026-01-0{day}_00-00-00_000000_{day}" for day in range(1, 6)]
    for name in names:
        (tmp_path / name / "sockets").mkdir(parents=True)
    (tmp_path / "mine").mkdir()
    ray_runtime.prune_sessions(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", *names[-2:]]
    assert not any((tmp_path / name / "sockets").exists() for name in names)


def test_a_taken_dashboard_port_is_named_with_the_remedy() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        holder = rf"taken by .* \(pid {os.getpid()}, user .*cluster\.dashboard_port"
        with pytest.raises(OSError, match=holder):
            ray_runtime.check_port(taken.getsockname()[1])


def test_an_exit_status_is_told_in_words() -> None:
    assert "raylet or GCS" in meaning(Exit.RAY_LOST)
    assert "signal 9" in meaning(-9)
    assert "status 77" in meaning(77)
