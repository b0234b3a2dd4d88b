"""Two Ray nodes, as `ray.cluster_utils` makes them, and the actors spread over both: TCP with TLS between them."""

from __future__ import annotations

import os
import re
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from tests.support.system import JSON, ROOT, System, running, until

pytestmark = [pytest.mark.ray, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of a cluster of two nodes, with the labels aura=a and aura=b."""
    out = tmp_path_factory.mktemp("nodes") / "out"
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-m", "tests.integration.two_nodes"]
    with out.open("wb") as file:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdin=subprocess.PIPE, stdout=file, stderr=file)
    with process:
        found = until("two nodes", lambda: re.search(r"^address (\S+)$", out.read_text(), re.MULTILINE), 90)
        yield found[1]
        assert process.stdin is not None
        process.stdin.close()
        process.wait(40)


@pytest.fixture(scope="module")
def spread(address: str) -> Iterator[System]:
    """A system that joined it. The supervisor may find itself on either node: calls cross in both cases."""
    placement = {"safety": "aura=a", "state": "aura=a", "tools": "aura=b", "ml": "aura=b"}
    with running(cluster={"address": address, "placement": placement}, ml={"load": "never"}) as system:
        yield system


def rows(system: System) -> list[JSON]:
    """What `get_cluster_status` says of each actor."""
    status = until("a report", lambda: system.call("get_cluster_status")["structuredContent"]["actors_by_node"], 20)
    return [actor | {"node": node} for node, actors in status.items() for actor in actors]


def test_a_call_crosses_nodes(spread: System) -> None:
    result = spread.call("echo", {"text": "over there"})
    assert result["structuredContent"]["text"] == "over there"


def test_actors_live_where_they_are_placed(spread: System) -> None:
    where = {actor["name"]: actor["node"] for actor in rows(spread)}
    home = {where[name] for name in ("L6 Safety 0", "L0 Records 0")}
    away = {where[name] for name in ("L5 Tools 0", "L1 ML worker 0")}
    assert len(home) == len(away) == 1
    assert home != away


def test_a_stranger_without_a_certificate_gets_no_answer_between_nodes(spread: System) -> None:
    row = next(actor for actor in rows(spread) if actor["name"] == "L5 Tools 0")
    tools = psutil.Process(row["pid"])
    listening = [c.laddr for c in tools.net_connections("tcp") if c.status == psutil.CONN_LISTEN]
    answers = [knock(*map(str, address)) for address in listening]
    assert answers.count("hung up") == 1, answers  # the bus' own port; Ray's speaks no TLS
    assert set(answers) <= {"hung up", "no TLS"}


def knock(ip: str, port: str) -> str:
    """What becomes of a caller that speaks TLS but has no certificate, and then waits to be spoken to."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    plain = socket.create_connection((ip.removeprefix("::ffff:"), int(port)), 3)
    with plain:
        try:
            secured = context.wrap_socket(plain)
        except OSError:
            return "no TLS"
        with secured:
            try:
                return "spoke" if secured.recv(1) else "hung up"
            except TimeoutError:
                return "let it wait"
            except OSError:
                return "hung up"
