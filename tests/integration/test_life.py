"""How a system begins and ends: on demand, in order, at once; and that nothing of it is left."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.system import JSON, System, until

from .conftest import in_safe_mode, switch

pytestmark = [pytest.mark.ray, pytest.mark.timeout(240)]

_CLIENTS = 10
_SERVE = (sys.executable, "-m", "tests.support.serve")


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


def client(system: System, env: dict[str, str], number: int, scope: ExitStack) -> subprocess.Popen[str]:
    """One that starts its server itself, as IDEs do: `python -m aura_ia_mcp.main --mode stdio`."""
    errors = scope.enter_context((system.root / f"client-{number}.err").open("w"))
    process = scope.enter_context(
        subprocess.Popen(
            [sys.executable, "-m", "aura_ia_mcp.main", "--mode", "stdio"],
            cwd=system.root,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    )
    scope.callback(process.kill)
    return process


def say(process: subprocess.Popen[str], method: str, params: JSON, number: int | None) -> None:
    assert process.stdin is not None
    message: JSON = {"jsonrpc": "2.0", "method": method, "params": params}
    process.stdin.write(json.dumps(message | ({} if number is None else {"id": number})) + "\n")
    process.stdin.flush()


def answer(process: subprocess.Popen[str], number: int) -> JSON:
    assert process.stdout is not None
    while line := process.stdout.readline():
        message: JSON = json.loads(line)
        if message.get("id") == number and "method" not in message:
            result: JSON = message["result"]
            return result
    raise EOFError("the client ended without an answer")


def session(process: subprocess.Popen[str], text: str) -> JSON:
    """initialize, then one call of echo; its result."""
    client_info = {"name": "ten", "version": "1"}
    params: JSON = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client_info}
    say(process, "initialize", params, 1)
    assert answer(process, 1)["protocolVersion"] == "2025-11-25"
    say(process, "notifications/initialized", {}, None)
    return echo(process, text, 2)


def echo(process: subprocess.Popen[str], text: str, number: int) -> JSON:
    say(process, "tools/call", {"name": "echo", "arguments": {"text": text}}, number)
    return answer(process, number)


def test_ten_clients_at_once_start_one_system_that_ends_with_the_last(idle: System) -> None:
    (idle.root / "configs" / "aura.toml").unlink()  # the environment says it all
    env = idle.env | {
        "AURA_GATEWAY__SERVERS": f'[{{name = "gateway", port = {idle.port}}}]',
        "AURA_CLUSTER__DASHBOARD": "false",
        "AURA_CLUSTER__DASHBOARD_PORT": "0",
        "AURA_ML__LOAD": "never",
    }
    with ExitStack() as scope:
        clients = [client(idle, env, number, scope) for number in range(_CLIENTS)]
        pool = scope.enter_context(ThreadPoolExecutor(_CLIENTS))
        calls = [pool.submit(session, each, f"from {number}") for number, each in enumerate(clients)]
        for number, call in enumerate(calls):
            assert call.result(120)["structuredContent"] == {"text": f"from {number}"}
        for module in ("aura_ia_mcp.cluster.supervisor", "aura_ia_mcp.cluster.graph"):
            running = [each for each in idle.processes() if module in (each.info["cmdline"] or [])]
            assert len(running) == 1, f"{module}: more than one system was started"
        assert json.loads(idle.paths.running.read_text())["urls"] == {"gateway": idle.url}
        for each in clients[1:5]:
            each.kill()
        for each in clients[5:]:
            assert each.stdin is not None
            each.stdin.close()
        assert [each.wait(20) for each in clients[1:]] == [-signal.SIGKILL] * 4 + [0] * 5
        assert echo(clients[0], "still here", 3)["structuredContent"] == {"text": "still here"}
        assert clients[0].stdin is not None
        clients[0].stdin.close()
        assert clients[0].wait(20) == 0
        until("the system to end with its last client", lambda: not left(idle), 60)


@contextmanager
def serving(system: System, command: Sequence[str] = _SERVE) -> Iterator[subprocess.Popen[bytes]]:
    """`aura serve`, and the words it says in `system.log`."""
    with (system.root / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=system.root, env=system.env, stdout=log, stderr=log, start_new_session=True
        )
    with process:
        try:
            yield process
        except BaseException:
            system.kill()
            raise


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


def welcomed(system: System, process: subprocess.Popen[bytes]) -> None:
    """It says where each port is, and how to connect."""
    until("the welcome", lambda: process.poll() is not None or "Ctrl-C here stops." in system.log, 90)
    url, ml_url = (f"http://localhost:{urlsplit(each).port}/mcp/stream" for each in (system.url, system.ml_url))
    until("the second port", lambda: ml_url in system.log, 60)  # it opens as soon as one of its tools is there
    lines = [line.strip() for line in system.log.splitlines()]
    assert [line.split()[0] for line in lines if url in line and line.endswith("(every tool)")] == ["gateway"]
    assert [line.split()[0] for line in lines if ml_url in line] == ["ml"]
    assert "aura codex config --write" in lines
    assert f"codex mcp add aura_gateway --url {url}" in lines


def test_serve_after_a_killed_one_ends_its_remains_tells_how_to_connect_and_leaves_nothing(system: System) -> None:
    """The last test with the shared system: afterwards it is down."""
    switch(system, on=True)
    remains = system.kill_supervisor()
    with serving(system, [sys.executable, "-m", "aura_ia_mcp.main", "serve"]) as process:
        welcomed(system, process)
        assert not [each for each in remains if each.is_running()]
        assert in_safe_mode(system), "the switch survives a restart of everything"
        switch(system, on=False)
        second = system.aura("serve")
        assert second.returncode == 1
        assert f"a system runs in {system.paths.state} already: pid {process.pid}" in second.stderr
        assert system.base in second.stderr
        assert system.call("echo", {"text": "undisturbed"})["structuredContent"] == {"text": "undisturbed"}
        assert system.processes()
        process.send_signal(signal.SIGINT)
        assert process.wait(40) == 0, system.log
        until("all of it to be gone", lambda: not left(system), 10)
    assert "Traceback" not in system.log
