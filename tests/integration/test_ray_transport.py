"""A whole system with Ray's dashboard, whose actors talk by Ray actor calls (the reference transport)."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.system import JSON, System, running, until

pytestmark = [pytest.mark.ray, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    with running(bus={"transport": "ray"}, cluster={"dashboard": True}, ml={"load": "never"}) as started:
        yield started


def test_a_call_is_served_over_ray_actor_calls(system: System) -> None:
    for number in range(5):
        result = system.call("echo", {"text": f"call {number}"})
        assert result["structuredContent"]["text"] == f"call {number}"


def test_the_slower_transport_is_never_chosen_silently(system: System) -> None:
    status = system.call("get_cluster_status")["structuredContent"]
    assert status["transport"] == "ray"
    logs = (system.paths.state / "ray" / "session_latest" / "logs").glob("worker-*.err")
    assert any("the bus runs over Ray actor calls" in path.read_text() for path in logs)


def dashboard(system: System, path: str, token: str | None) -> JSON:
    url = json.loads(system.paths.running.read_text())["dashboard_url"]
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with urllib.request.urlopen(urllib.request.Request(f"{url}{path}", headers=headers), timeout=20) as answer:
        found: JSON = json.load(answer)
        return found


def test_people_find_the_layers_by_name_in_the_state_api(system: System) -> None:
    token = (Path.home() / ".ray" / "auth_token").read_text().strip()
    rows = dashboard(system, "/api/v0/actors", token)["data"]["result"]["result"]
    assert {(row["class_name"], row["name"], row["state"]) for row in rows} == {
        ("Directory", "Bus Directory 0", "ALIVE"),
        ("Records", "L0 Records 0", "ALIVE"),
        ("MLWorker", "L1 ML worker 0", "ALIVE"),
        ("Language", "L1 Language 0", "ALIVE"),
        ("RoleEngine", "L2 Role engine 0", "ALIVE"),
        ("Router", "L2 Router 0", "ALIVE"),
        ("Workflow", "L3 Workflow 0", "ALIVE"),
        ("Reasoning", "L4 Reasoning 0", "ALIVE"),
        ("Tools", "L5 Tools 0", "ALIVE"),
        ("Safety", "L6 Safety 0", "ALIVE"),
    }


def test_nobody_runs_code_through_the_dashboard_without_its_token(system: System) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        dashboard(system, "/api/jobs/", None)
    refused.value.close()
    assert refused.value.code == 401


def test_everything_ends_with_a_killed_supervisor(system: System) -> None:
    """The last test of this module: it ends the system."""
    processes = system.kill_supervisor()
    until("every process to end", lambda: not any(each.is_running() for each in processes), 40)
