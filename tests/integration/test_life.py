"""How a system begins and ends: on demand, in order, at once; and that nothing of it is left."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.support.system import JSON, System, until

pytestmark = [pytest.mark.ray, pytest.mark.timeout(240)]

_CLIENTS = 10


@pytest.fixture
def idle() -> Iterator[System]:
    """A system's folder and settings; nothing runs in it yet."""
    root = Path(tempfile.mkdtemp(prefix="aura-"))
    system = System(root, (), {"ml": {"load": "never"}})
    yield system
    system.kill()
    shutil.rmtree(root, ignore_errors=True)


def left(system: System) -> list[str]:
    processes = [f"process {each.pid} {each.info['cmdline']}" for each in system.processes()]
    files = [f"file {path}" for path in system.root.rglob("*") if path.is_socket() or path == system.paths.running]
    return processes + files


def client(system: System, number: int, scope: ExitStack) -> subprocess.Popen[bytes]:
    out = scope.enter_context((system.root / f"client-{number}.out").open("wb"))
    process = scope.enter_context(
        subprocess.Popen(
            [sys.executable, "-m", "tests.integration.lease_client"],
            cwd=system.root,
            env=system.env,
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    )
    scope.callback(process.kill)
    return process


def said(system: System, number: int) -> JSON:
    text = until(f"client {number}", (system.root / f"client-{number}.out").read_text, 90)
    found: JSON = json.loads(text)
    return found


def test_ten_clients_at_once_start_one_system_that_ends_with_the_last(idle: System) -> None:
    with ExitStack() as scope:
        clients = [client(idle, number, scope) for number in range(_CLIENTS)]
        systems = [said(idle, number) for number in range(_CLIENTS)]
        assert len({system["pid"] for system in systems}) == 1, "more than one system was started"
        assert all(system["urls"]["gateway"] == idle.url for system in systems)
        graphs = [each for each in idle.processes() if "aura_ia_mcp.cluster.graph" in each.info["cmdline"]]
        assert len(graphs) == 1
        for each in clients[1:]:
            each.kill()
            each.wait(10)
        assert idle.call("echo", {"text": "still here"})["isError"] is False
    until("the system to end with its last client", lambda: not left(idle), 60)


@contextmanager
def serving(system: System) -> Iterator[subprocess.Popen[bytes]]:
    """`aura serve`, and the words it says in `system.log`."""
    command = [sys.executable, "-m", "tests.support.serve"]
    with (system.root / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=system.root, env=system.env, stdout=log, stderr=log, start_new_session=True
        )
    with process:
        yield process


def test_ctrl_c_while_it_starts_ends_it_in_order(idle: System) -> None:
    with serving(idle) as process:
        until("Ray to start", lambda: "starting Ray" in idle.log and idle.processes(), 30)
        process.send_signal(signal.SIGINT)
        assert process.wait(40) == 0
        assert not left(idle)


def test_a_second_ctrl_c_ends_it_at_once_and_leaves_nothing(idle: System) -> None:
    with serving(idle) as process:
        until("actors to serve", lambda: "serves (" in idle.log and idle.processes(), 60)
        process.send_signal(signal.SIGINT)
        until("it to begin to stop", lambda: "a second Ctrl-C" in idle.log, 30)
        process.send_signal(signal.SIGINT)
        assert process.wait(15) == 130
        assert not left(idle)


def test_a_taken_port_stops_the_start_and_says_who_to_blame(idle: System) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", idle.port))
        taken.listen()
        with serving(idle) as process:
            assert process.wait(60) == 1
    assert f"port {idle.port} is taken by" in idle.log
    assert not left(idle)
