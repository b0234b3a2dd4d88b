"""A whole system whose actors talk by Ray actor calls: the reference transport, chosen by a setting and said aloud."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.system import System, running

pytestmark = [pytest.mark.ray, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    with running(bus={"transport": "ray"}, ml={"load": "never"}) as started:
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
