"""What a killed supervisor left is found and ended, and nothing else is."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from aura_ia_mcp.cluster import folders, remains, supervisor
from aura_ia_mcp.cluster.spec import ray_folder
from aura_ia_mcp.cluster.telling import Progress
from aura_ia_mcp.configs.paths import Paths

_READY = "print(flush=True); import sys; sys.stdin.read()"
_DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {_READY}"

Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a harmless process with these arguments; it runs when this returns, and is gone after the test."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(*arguments: str, code: str = _READY) -> subprocess.Popen[bytes]:
        line = [sys.executable, "-c", code, *arguments]
        process = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        started.append(process)
        assert process.stdout is not None
        process.stdout.readline()
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate(timeout=10)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    found = Paths(tmp_path / ".aura", tmp_path / "logs")
    folders.make(found)
    return found


def test_what_is_told_rays_folder_is_found_and_its_readers_are_not(paths: Paths, start: Start) -> None:
    ours = start(f"--session-dir={ray_folder(paths)}/session_1")
    whole = start(f"--temp-dir={ray_folder(paths)}")
    start("-f", f"{ray_folder(paths)}/session_1/logs/raylet.err")
    start(f"--session-dir={ray_folder(paths)}2/session_1")
    assert {process.pid for process in remains.find(paths)} == {ours.pid, whole.pid}


def test_nothing_is_left_even_of_what_ignores_a_polite_word(paths: Paths, start: Start) -> None:
    polite = start(f"--temp-dir={ray_folder(paths)}")
    deaf = start(f"--temp-dir={ray_folder(paths)}", code=_DEAF)
    other = start("--temp-dir=elsewhere")
    assert remains.end(paths, remains.find(paths), term_s=0.2) == []
    assert not psutil.pid_exists(polite.pid)
    assert not psutil.pid_exists(deaf.pid)
    assert other.poll() is None


def test_a_start_tells_of_what_it_ends(paths: Paths, start: Start) -> None:
    start(f"--temp-dir={ray_folder(paths)}")
    told: list[Progress] = []
    supervisor._end_remains(paths, told.append)
    assert [step.text for step in told] == ["ending what an earlier system left: 1 process"]
    supervisor._end_remains(paths, told.append)
    assert len(told) == 1
